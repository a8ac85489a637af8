//! What all requests share: settings, verifier, clock, sessions; and the way to a permit.
//!
//! Settings and verifier can be exchanged while everything else stays. Each request is decided by
//! the gate that was current when it came.

use std::{
    sync::{Arc, PoisonError, RwLock, Weak},
    time::{Duration, Instant, SystemTime},
};

use http::{HeaderValue, request::Parts};

use super::{
    credentials::{Credentials, credentials},
    observer::Observer,
    ruling::Rulebook,
    sessions::Sessions,
    streams::Streams,
    trail::Trail,
    unguarded::Warning,
};
use crate::{
    AccessToken, Admission, AuthSettings, BearerToken, Clock, Operation, Permit, Presented,
    ProtectedResourceMetadata, Reason, Refusal, Unavailable, audit::Cause, decide,
    resource::WELL_KNOWN, rules::RuleSet, verify::DynTokenVerifier,
};
#[cfg(feature = "jwt")]
use crate::{
    ProofDefect,
    dpop::{Dpop, Holder, NotUsed},
    log_limit::{LogLimit, Told},
    refusal::Scheme,
};

/// The gate that is current, for the requests that come now.
pub(super) struct Gates(RwLock<Arc<Gate>>);

/// One configuration, and what outlives it.
pub(super) struct Gate {
    settings: Arc<AuthSettings>,
    verifier: Box<dyn DynTokenVerifier>,
    #[cfg(feature = "jwt")]
    dpop: Dpop,
    rules: Rulebook,
    metadata_path: String,
    metadata: Option<String>,
    lasting: Arc<Lasting>,
    /// Where it is, or was, the current one.
    home: Weak<Gates>,
}

/// What a new configuration does not touch.
struct Lasting {
    clock: Box<dyn Clock>,
    observer: Observer,
    #[cfg(feature = "jwt")]
    log_limit: LogLimit,
    sessions: Arc<Sessions>,
    streams: Arc<Streams>,
    unguarded: Warning,
}

/// A request that may go on, with what its client is told in the answer.
pub(super) struct Permitted {
    pub(super) permit: Permit,
    /// The nonce for its next DPoP proof (RFC 9449 §8.2).
    pub(super) next_nonce: Option<HeaderValue>,
}

impl From<Permit> for Permitted {
    fn from(permit: Permit) -> Self {
        Self {
            permit,
            next_nonce: None,
        }
    }
}

impl Gates {
    pub(super) fn new(
        settings: AuthSettings,
        verifier: Box<dyn DynTokenVerifier>,
        clock: Box<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|home| {
            let gate = Gate::new(settings, verifier, clock, Weak::clone(home));
            Self(RwLock::new(Arc::new(gate)))
        })
    }

    pub(super) fn current(&self) -> Arc<Gate> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// Exchanges settings, verifier and, where they are given, rules. What is open is looked at again
    /// by the new ones.
    pub(super) fn renew(
        &self,
        settings: Arc<AuthSettings>,
        verifier: Box<dyn DynTokenVerifier>,
        rules: Option<RuleSet>,
    ) {
        let exchanges_rules = rules.is_some();
        let renewed = {
            let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
            *current = Arc::new(current.renewed(settings, verifier, rules));
            Arc::clone(&current)
        };
        renewed.sessions().limit(renewed.settings.session_limits());
        renewed.streams().look_again(&renewed.settings);
        if exchanges_rules {
            renewed.judge_again();
        }
    }
}

impl Drop for Gates {
    fn drop(&mut self) {
        // Those of callers with a token are watched, which ends with this too.
        self.current().streams().end_all_nobodys();
    }
}

impl Gate {
    fn new(
        settings: AuthSettings,
        verifier: Box<dyn DynTokenVerifier>,
        clock: Box<dyn Clock>,
        home: Weak<Gates>,
    ) -> Self {
        let lasting = Lasting {
            clock,
            observer: Observer::default(),
            #[cfg(feature = "jwt")]
            log_limit: LogLimit::default(),
            sessions: Sessions::new(settings.session_limits()),
            streams: Streams::new(),
            unguarded: Warning::default(),
        };
        Self {
            metadata_path: settings.resource().metadata_path(),
            metadata: metadata_of(&settings),
            #[cfg(feature = "jwt")]
            dpop: Dpop::new(&settings),
            rules: Rulebook::default(),
            settings: Arc::new(settings),
            verifier,
            lasting: Arc::new(lasting),
            home,
        }
    }

    fn renewed(
        &self,
        settings: Arc<AuthSettings>,
        verifier: Box<dyn DynTokenVerifier>,
        rules: Option<RuleSet>,
    ) -> Self {
        Self {
            rules: self.rules.renewed(rules),
            metadata_path: settings.resource().metadata_path(),
            metadata: metadata_of(&settings),
            #[cfg(feature = "jwt")]
            dpop: self.dpop.renewed(&settings),
            settings,
            verifier,
            lasting: Arc::clone(&self.lasting),
            home: Weak::clone(&self.home),
        }
    }

    pub(super) fn settings(&self) -> &AuthSettings {
        &self.settings
    }

    pub(super) fn shared_settings(&self) -> Arc<AuthSettings> {
        Arc::clone(&self.settings)
    }

    /// Where the current gate is; of a layer that is gone there is none.
    pub(super) fn home(&self) -> &Weak<Gates> {
        &self.home
    }

    /// Whether no other configuration has come since.
    pub(super) fn is_current(self: &Arc<Self>) -> bool {
        let home = self.home.upgrade();
        home.is_some_and(|gates| Arc::ptr_eq(&gates.current(), self))
    }

    pub(super) fn sessions(&self) -> &Arc<Sessions> {
        &self.lasting.sessions
    }

    pub(super) fn observer(&self) -> &Observer {
        &self.lasting.observer
    }

    fn clock(&self) -> &dyn Clock {
        &*self.lasting.clock
    }

    /// Tells who watches what was decided; `None` is that the request goes on.
    pub(super) fn record(&self, trail: &mut Trail, cause: Option<&Cause>) {
        let hierarchy = self.settings.scope_hierarchy();
        self.observer()
            .record(trail, cause, hierarchy, self.clock());
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock().now()
    }

    pub(super) fn streams(&self) -> &Arc<Streams> {
        &self.lasting.streams
    }

    /// Exchanges the rules alone.
    pub(super) fn replace_rules(&self, rules: RuleSet) {
        self.rules.replace(rules);
        self.judge_again();
    }

    /// Ends the open streams that the rules do not allow.
    fn judge_again(&self) {
        if let Some(rules) = self.rules.current() {
            self.streams().judge_again(&rules, self.now());
        }
    }

    /// What is asked beside the scopes.
    pub(super) fn rules(&self) -> &Rulebook {
        &self.rules
    }

    /// For where scopes are declared and not enforced.
    pub(super) fn unguarded(&self) -> &Warning {
        &self.lasting.unguarded
    }

    /// For how long the token is still valid; `None`: for ever.
    pub(super) fn time_left(&self, token: &AccessToken) -> Option<Duration> {
        let end = token.valid_until()?;
        Some(end.duration_since(self.clock().now()).unwrap_or_default())
    }

    pub(super) fn expires_before(&self, token: &AccessToken, when: Instant) -> bool {
        let end = self
            .time_left(token)
            .and_then(|left| Instant::now().checked_add(left));
        end.is_some_and(|end| end < when)
    }

    /// What the verifier says now about a token that it once accepted.
    pub(super) async fn verify_again(
        &self,
        token: &AccessToken,
    ) -> Result<Option<AccessToken>, Unavailable> {
        match token.expose_token_text() {
            Some(text) => self.verifier.verify(text).await,
            None => Ok(None),
        }
    }

    /// The metadata document, if this path is one of its two (RFC 9728 §3.1). `Some(None)`: the
    /// path is right, and there is no document.
    pub(super) fn metadata(&self, path: &str) -> Option<Option<&str>> {
        (path == WELL_KNOWN || path == self.metadata_path).then_some(self.metadata.as_deref())
    }

    /// Whether a path is one of a metadata document, so that no message may be sent there.
    pub(super) fn is_metadata(&self, path: &str) -> bool {
        path == self.metadata_path || path.starts_with(WELL_KNOWN)
    }

    /// Takes the token out of a request, verifies it and decides. The body is not touched.
    pub(super) async fn permit(
        &self,
        request: &Parts,
        trail: &mut Trail,
    ) -> Result<Permitted, Refusal> {
        let lenient = self.settings.admitted() == Admission::Permissive;
        let presented = match credentials(request) {
            Credentials::Nothing => Presented::Nothing,
            Credentials::Malformed(crate::Malformed::NotAToken) if lenient => Presented::Rejected,
            Credentials::Malformed(malformed) => {
                return Err(self.refusal(Reason::BadRequest(malformed)));
            }
            Credentials::Token(text) => match self.verify(&text, trail).await? {
                Some(token) => Presented::Verified(token),
                None => Presented::Rejected,
            },
            #[cfg(feature = "jwt")]
            Credentials::Bound(text) => {
                let permitted = self.permit_bound(request, &text, trail).await;
                return permitted.map_err(|refusal| refusal.under(Scheme::Dpop));
            }
        };
        self.decide(presented).map(Permitted::from)
    }

    /// A token under the `DPoP` scheme (RFC 9449 §7.1). Its proof is looked at first, which costs
    /// no call of the verifier, and is used up last, so that nobody without a good token can fill
    /// the memory of used proofs.
    #[cfg(feature = "jwt")]
    async fn permit_bound(
        &self,
        request: &Parts,
        text: &BearerToken,
        trail: &mut Trail,
    ) -> Result<Permitted, Refusal> {
        let proof = match self.dpop.check(request, text, self.clock().now()) {
            Ok(proof) => proof,
            Err(defect) => return self.without_proof(defect),
        };
        let presented = match self.verify(text, trail).await? {
            Some(token) => Presented::Proven {
                token,
                jkt: proof.thumbprint().to_owned(),
            },
            None => Presented::Rejected,
        };
        let permit = self.decide(presented)?;
        let Some(holder) = permit.caller().map(Holder::of) else {
            return Ok(permit.into());
        };
        let now = self.clock().now();
        match self.dpop.use_up(&proof, holder, now) {
            Ok(next_nonce) => Ok(Permitted { permit, next_nonce }),
            Err(NotUsed::Unproven(defect)) => self.without_proof(defect),
            Err(NotUsed::Full { retry_after }) => {
                let told = self.lasting.log_limit.tell("full", 1, now);
                if let Some(Told { more_like_this }) = told {
                    tracing::error!(
                        more_like_this,
                        "too many DPoP proofs have been used to remember one more"
                    );
                }
                Err(self.refusal(Reason::Unavailable { retry_after }))
            }
        }
    }

    #[cfg(feature = "jwt")]
    fn without_proof(&self, defect: ProofDefect) -> Result<Permitted, Refusal> {
        self.decide(Presented::Unproven(defect))
            .map(Permitted::from)
    }

    /// The nonce that a client is told with a refusal, if that is what the refusal asks for.
    #[cfg(feature = "jwt")]
    pub(super) fn nonce_for(&self, refusal: &Refusal) -> Option<HeaderValue> {
        let asks = refusal.reason() == Reason::InvalidProof(ProofDefect::NonceNeeded);
        asks.then(|| self.dpop.nonce(self.clock().now())).flatten()
    }

    #[cfg(not(feature = "jwt"))]
    pub(super) fn nonce_for(&self, _: &Refusal) -> Option<HeaderValue> {
        None
    }

    async fn verify(
        &self,
        text: &BearerToken,
        trail: &mut Trail,
    ) -> Result<Option<AccessToken>, Refusal> {
        match trail.verify(&*self.verifier, text).await {
            Ok(token) => Ok(token.map(|token| token.with_text(text.clone()))),
            Err(unavailable) => {
                let retry_after = unavailable.retry_after();
                Err(self.refusal(Reason::Unavailable { retry_after }))
            }
        }
    }

    fn decide(&self, presented: Presented) -> Result<Permit, Refusal> {
        let now = self.clock().now();
        decide(&self.settings, &Operation::Request, presented, now)
    }

    fn refusal(&self, reason: Reason) -> Refusal {
        Refusal::new(reason, self.settings.required_scopes().clone())
    }
}

fn metadata_of(settings: &AuthSettings) -> Option<String> {
    let document = ProtectedResourceMetadata::of(settings)?;
    serde_json::to_string(&document).ok()
}

#[cfg(test)]
#[cfg(feature = "jwt")]
mod tests {

    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use http::Request;
    use serde_json::json;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::{
        Confirmation, FixedTokens, SystemClock,
        jose::{SignatureAlgorithm::Es256, VerifyingKey, signer::Signer},
    };

    const RESOURCE: &str = "http://localhost:8000/mcp";

    fn request(signer: &Signer, text: &str, jti: &str) -> Parts {
        let since = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": signer.jwk()});
        let claims = json!({
            "jti": jti,
            "htm": "GET",
            "htu": RESOURCE,
            "iat": since.as_secs(),
            "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(text)),
        });
        let request = Request::get("/mcp")
            .header("authorization", format!("DPoP {text}"))
            .header("dpop", signer.token(&header, &claims));
        request.body(()).expect("a request").into_parts().0
    }

    fn token_of(subject: &str, signer: &Signer) -> AccessToken {
        let jwk = signer.jwk();
        let key = VerifyingKey::from_jwk(jwk.as_object().expect("a key")).expect("usable");
        let confirmation = Confirmation::Jkt(key.thumbprint().to_owned());
        AccessToken::new(subject).with_confirmation(confirmation)
    }

    fn gate(tokens: FixedTokens) -> Gate {
        let settings = AuthSettings::new(RESOURCE).expect("a URL");
        Gate::new(
            settings,
            Box::new(tokens),
            Box::new(SystemClock),
            Weak::new(),
        )
    }

    async fn permit(gate: &Gate, request: &Parts) -> Result<Permitted, Refusal> {
        gate.permit(
            request,
            &mut Trail::of(&Request::new(()), Operation::Request),
        )
        .await
    }

    /// Nobody could end it any more.
    #[tokio::test]
    async fn a_stream_of_nobody_ends_with_its_layer() {
        let settings = AuthSettings::new(RESOURCE).expect("a URL");
        let settings = settings.admission(Admission::Optional);
        let gates = Gates::new(
            settings,
            Box::new(FixedTokens::new()),
            Box::new(SystemClock),
        );
        let gate = gates.current();
        let trail = Trail::of(&Request::new(()), Operation::Request);
        let open = |gate| Streams::open(gate, None, &trail).expect("a stream");
        let before = open(&gate);
        assert!(!before.ended().is_cancelled());
        drop(gates);
        assert!(before.ended().is_cancelled());
        // One that was on its way.
        assert!(open(&gate).ended().is_cancelled());
    }

    /// Otherwise one client could keep all others out, with any number of keys and tokens.
    #[tokio::test]
    async fn who_uses_up_proofs_without_end_is_stopped_before_the_others() {
        let [mallorys, another, alices] = [(); 3].map(|()| Signer::generate(Es256));
        let tokens = FixedTokens::new()
            .with("mallory", token_of("mallory", &mallorys))
            .with("mallory-too", token_of("mallory", &another))
            .with("alice", token_of("alice", &alices));
        let mut gate = gate(tokens);
        gate.dpop = Dpop::with_room_for(&gate.settings, 20);
        let mut used = 0;
        for n in 0..20 {
            for (signer, text) in [(&mallorys, "mallory"), (&another, "mallory-too")] {
                let one = permit(&gate, &request(signer, text, &n.to_string())).await;
                used += usize::from(one.is_ok());
            }
        }
        assert_eq!(used, 10, "a half of all");
        let refused = permit(&gate, &request(&mallorys, "mallory", "x")).await;
        let reason = refused.err().expect("refused").reason();
        assert!(matches!(reason, Reason::Unavailable { .. }), "{reason:?}");
        for n in 0..5 {
            let alice = permit(&gate, &request(&alices, "alice", &n.to_string())).await;
            assert!(alice.is_ok(), "{n}");
        }
    }

    /// Otherwise a proof could be used twice once there is no room to remember it.
    #[tokio::test]
    async fn where_no_more_proofs_can_be_remembered_none_is_accepted() {
        let signer = Signer::generate(Es256);
        let tokens = FixedTokens::new().with("token", token_of("alice", &signer));
        let mut gate = gate(tokens);
        gate.dpop = Dpop::with_room_for(&gate.settings, 0);
        let proven = request(&signer, "token", "1");
        let refusal = permit(&gate, &proven).await.err().expect("refused");
        let Reason::Unavailable { retry_after } = refusal.reason() else {
            panic!("{refusal:?}");
        };
        assert!(retry_after <= Duration::from_secs(600), "{retry_after:?}");
        gate.dpop = Dpop::with_room_for(&gate.settings, 1);
        assert!(permit(&gate, &proven).await.is_ok());
    }
}
