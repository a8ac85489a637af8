//! Tokens that an identity server is asked about (OAuth 2.0 Token Introspection, RFC 7662).
//! Left out: encrypted answers (RFC 9701 §5), authentication by certificate (RFC 8705).

mod answer;
mod circuit;
mod complaints;
mod error;
mod place;
mod server;
mod signed;

use std::{fmt, sync::Arc, time::Duration};

use serde_json::{Map, Value};
use url::Url;

pub use error::InvalidIntrospection;

use answer::Rules;
use error::Failure;
use place::{Place, parse_endpoint};
use server::IdentityServer;
use signed::SignedAnswers;

use crate::{
    AccessToken, BearerToken, Cached, ClientAuthentication, Clock, Explanation, IssuerUrl,
    ResourceUrl, SystemClock, TokenVerifier, Unavailable, Verdict, WithoutAudience,
    fetch::Fetcher,
    jwt::{build::MOST_LEEWAY, rules::Rules as ClaimRules},
    metrics::CacheCounts,
};

/// Asks an identity server whether a token is valid (RFC 7662).
///
/// ```
/// # use propusk::{ClientAuthentication, InvalidIntrospection, IntrospectionVerifier};
/// # fn verifier(secret: String) -> Result<IntrospectionVerifier, InvalidIntrospection> {
/// let verifier = IntrospectionVerifier::from_issuer(
///     "https://login.example",
///     "https://mcp.example.com/mcp",
///     ClientAuthentication::basic("my-mcp-server", secret),
/// )?;
/// # Ok(verifier)
/// # }
/// ```
///
/// The answer is judged, not believed: the token must be `active`, meant for this server (`aud`),
/// from this issuer where one is configured (`iss`), within its times (`exp`, `nbf`, `iat`), and an
/// access token (`token_type`). A token that is bound to a key keeps its
/// [`Confirmation`](crate::Confirmation).
///
/// An answer without `sub` is that of a client that acts for itself (RFC 7662 §2.2 makes `sub`
/// optional); its subject is `propusk:client:` and the `client_id`. Names that begin with `propusk:`
/// are nobody else's: a `sub` that does is refused here and in a JSON Web Token, so that a user whose
/// `sub` is a client's id is never taken for that client (RFC 9068 §5). An answer that names a user by
/// `username` alone is not valid: user names are given away again.
///
/// Answers are remembered as by [`Cached`], for 30 seconds at most, and for 5 where the token is
/// not valid: see [`cache`](IntrospectionVerifier::cache). For that long a revocation at the
/// identity server may go unnoticed.
///
/// Where the server does not answer, or refuses *our* credentials, the verifier cannot tell
/// (503), and a warning in the log says why. After three failures in a row the server is left alone
/// for a second at a time; no more than 64 tokens are asked about at once.
pub struct IntrospectionVerifier {
    cached: Cached<Asker>,
}

/// The verifier without its memory.
struct Asker {
    server: IdentityServer,
    rules: Rules,
    clock: Arc<dyn Clock>,
}

impl IntrospectionVerifier {
    /// For how long a valid token is remembered at most, if not told otherwise.
    pub const DEFAULT_CEILING: Duration = Duration::from_secs(30);

    /// Asks this endpoint. `audience` is the URL of this server, as in
    /// [`AuthSettings::new`](crate::AuthSettings::new).
    ///
    /// # Errors
    /// [`InvalidIntrospection`]. The endpoint must be https, or http on this machine.
    pub fn new(
        endpoint: &str,
        audience: &str,
        authentication: ClientAuthentication,
    ) -> Result<Self, InvalidIntrospection> {
        let url = parse_endpoint(endpoint)?;
        let fetcher = fetcher(&url)?;
        let server = IdentityServer::new(Place::Given(url), None, authentication, fetcher);
        Self::asking(server, audience)
    }

    /// Asks the endpoint that the metadata of this issuer names. It is looked up when the first
    /// token comes, so this server starts while the issuer is down.
    ///
    /// # Errors
    /// [`InvalidIntrospection`].
    pub fn from_issuer(
        issuer: &str,
        audience: &str,
        authentication: ClientAuthentication,
    ) -> Result<Self, InvalidIntrospection> {
        let issuer = IssuerUrl::parse(issuer)?;
        let fetcher = fetcher(issuer.url())?;
        let place = Place::of(issuer.clone());
        let server = IdentityServer::new(place, Some(issuer), authentication, fetcher);
        Self::asking(server, audience)
    }

    fn asking(mut server: IdentityServer, audience: &str) -> Result<Self, InvalidIntrospection> {
        let claims = ClaimRules::new("", ResourceUrl::parse(audience)?);
        server.leeway = claims.leeway;
        let issuer = server.issuer.as_ref().map(|url| url.as_str().to_owned());
        let rules = Rules {
            claims,
            issuer,
            endpoint: server.place.given().map(str::to_owned),
            others: Vec::new(),
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let asker = Asker {
            server,
            rules,
            clock,
        };
        let cached = Cached::new(asker).ceiling(Self::DEFAULT_CEILING);
        Ok(Self { cached })
    }

    /// Sets whose tokens these are, where only the endpoint was given: an answer with another `iss`
    /// is then refused, and a signed client assertion is addressed to the issuer.
    #[must_use]
    pub fn issuer(mut self, issuer: IssuerUrl) -> Self {
        let asker = self.cached.inner_mut();
        asker.rules.issuer = Some(issuer.as_str().to_owned());
        asker.server.issuer = Some(issuer);
        self
    }

    /// Refuses answers that name this issuer, where only the endpoint was given: another verifier is
    /// responsible for its tokens, and this identity server must not speak for its users.
    #[must_use]
    pub fn not_for(mut self, issuer: impl Into<String>) -> Self {
        self.cached.inner_mut().rules.others.push(issuer.into());
        self
    }

    /// Accepts another name of this server in `aud`, compared exactly. Tell it to
    /// [`AuthSettings::accept_audience`](crate::AuthSettings::accept_audience) too.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        let asker = self.cached.inner_mut();
        asker.rules.claims.audiences.push(audience.into());
        self
    }

    /// Accepts answers without any `aud` by this rule, such as [`WithoutAudience::clients`]. By
    /// default such tokens are not valid. An answer with an `aud` that does not name this server
    /// stays refused.
    #[must_use]
    pub fn accept_without_audience(mut self, rule: WithoutAudience) -> Self {
        self.cached.inner_mut().rules.claims.without_audience = Some(rule);
        self
    }

    /// Accepts only answers that the issuer has signed, and asks for them (RFC 9701): what stands
    /// between this server and the identity server can then change nothing. The keys are found by
    /// the issuer's metadata and kept as by [`JwtVerifier`](crate::JwtVerifier).
    ///
    /// # Errors
    /// [`InvalidIntrospection::NoIssuer`]: only the endpoint was given, and no
    /// [`issuer`](IntrospectionVerifier::issuer) before this.
    pub fn signed_answers(mut self) -> Result<Self, InvalidIntrospection> {
        let server = &mut self.cached.inner_mut().server;
        let issuer = server.issuer.clone();
        let issuer = issuer.ok_or(InvalidIntrospection::NoIssuer)?;
        let fetcher = fetcher(issuer.url())?;
        server.signed = Some(SignedAnswers::of(issuer, fetcher));
        Ok(self)
    }

    /// Sets by how much the clock of the identity server may differ: 30 seconds by default, 5
    /// minutes at most (more is taken for 5 minutes).
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        let leeway = leeway.min(MOST_LEEWAY);
        let asker = self.cached.inner_mut();
        asker.rules.claims.leeway = leeway;
        asker.server.leeway = leeway;
        self
    }

    /// Sets for how long a valid token is remembered at most, and for how long one that is not.
    /// Zero: not at all.
    #[must_use]
    pub fn cache(mut self, ceiling: Duration, negatives: Duration) -> Self {
        self.cached = self.cached.ceiling(ceiling).negatives(negatives);
        self
    }

    /// Counts the looks into what is remembered, for the metrics.
    #[must_use]
    pub fn counting(mut self, counts: CacheCounts) -> Self {
        self.cached = self.cached.counting(counts);
        self
    }

    /// Sets how many tokens of either kind are remembered: 10,000 if not told otherwise.
    #[must_use]
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.cached = self.cached.capacity(capacity);
        self
    }

    /// Sets how long an answer may take: 5 seconds if not told otherwise, which is also the most.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.cached.inner_mut().server.timeout = timeout;
        self
    }

    /// Sets the clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        self.cached.inner_mut().clock = Arc::clone(&clock);
        self.cached = self.cached.with_clock(move || clock.now());
        self
    }

    /// Forgets what the identity server said of a token, as where it tells that it was revoked.
    pub fn forget(&self, token: &str) {
        self.cached.forget(token);
    }

    /// Forgets the valid tokens of which this is true: those of a subject, or with a token id.
    pub fn forget_where(&self, is_meant: impl Fn(&AccessToken) -> bool) {
        self.cached.forget_where(is_meant);
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        self.cached.forget_all();
    }
}

impl TokenVerifier for IntrospectionVerifier {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        self.cached.verify_token(token).await
    }

    /// Asks anew, and shows the answer as claims.
    async fn explain_token(&self, token: &str) -> Explanation {
        self.cached.explain_token(token).await
    }
}

impl Asker {
    async fn introspect(&self, token: &str) -> Result<Map<String, Value>, Failure> {
        self.server.introspect(token, &self.clock).await
    }
}

impl TokenVerifier for Asker {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        // Something else is neither worth the way nor safe to send.
        if BearerToken::parse_b64token(token).is_err() {
            return Ok(None);
        }
        let answer = self.introspect(token).await.map_err(unavailable)?;
        match self.rules.judge(answer, self.clock.now()) {
            Ok(token) => Ok(Some(token)),
            Err(reason) => {
                tracing::debug!(host = self.server.place.host(), %reason, "a token is not valid");
                Ok(None)
            }
        }
    }

    async fn explain_token(&self, token: &str) -> Explanation {
        let verifier = format!("introspection at {}", self.server.place.host());
        if BearerToken::parse_b64token(token).is_err() {
            let why = "it does not look like a token (RFC 6750), so nobody was asked".to_owned();
            return Explanation::new(verifier, Verdict::Invalid(why));
        }
        let answer = match self.introspect(token).await {
            Ok(answer) => answer,
            Err(failure) => {
                return Explanation::new(verifier, Verdict::Unavailable(failure.to_string()));
            }
        };
        let now = self.clock.now();
        let verdict = match self.rules.judge(answer.clone(), now) {
            Ok(token) => Verdict::Valid(token),
            Err(reason) => Verdict::Invalid(reason.in_words(now)),
        };
        Explanation::new(verifier, verdict).with_claims(answer)
    }
}

fn fetcher(configured: &Url) -> Result<Fetcher, InvalidIntrospection> {
    let fetcher = Fetcher::new(configured, IdentityServer::LIMITS);
    fetcher.map_err(|error| InvalidIntrospection::Client(error.to_string()))
}

fn unavailable(failure: Failure) -> Unavailable {
    let soon = failure.is_echo();
    let unavailable = Unavailable::new(failure);
    if soon {
        unavailable.with_retry_after(circuit::REST)
    } else {
        unavailable
    }
}

impl fmt::Debug for IntrospectionVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asker = self.cached.inner();
        f.debug_struct("IntrospectionVerifier")
            .field("host", &asker.server.place.host())
            .field("issuer", &asker.rules.issuer)
            .field("audience", &asker.rules.claims.resource)
            .field("authentication", &asker.server.authentication)
            .finish_non_exhaustive()
    }
}
