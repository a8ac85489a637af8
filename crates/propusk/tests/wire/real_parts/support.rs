//! A server with a verifier, a clock that is moved on by hand, and claims to sign.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use propusk::{AuthSettings, Challenge, Clock, Server, TokenVerifier};
use propusk_testing::{
    contract::{RESOURCE, SCOPE, SUBJECT},
    identity_provider::{IdentityProvider, Indicator, Options},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::support::{Reply, Request, Tools, Wire, call, called};

/// A test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The lifetime of the tokens here: the clock is moved on, and they are still valid.
pub(crate) const LONG: u32 = 30 * 24 * 3600;

pub(crate) async fn provider() -> IdentityProvider {
    let options = Options::new().algorithms(&["RS256", "ES256", "EdDSA"]);
    IdentityProvider::start(options).await.unwrap()
}

/// A token of alice for [`RESOURCE`], as she gets it by signing in.
pub(crate) async fn signed_in(provider: &IdentityProvider) -> String {
    let resource = Indicator::new(RESOURCE).lives(LONG);
    provider.user_token(SUBJECT, resource, SCOPE).await.unwrap()
}

/// The same, opaque.
pub(crate) async fn opaque(provider: &IdentityProvider) -> String {
    let resource = Indicator::new(RESOURCE).opaque().lives(LONG);
    provider.user_token(SUBJECT, resource, SCOPE).await.unwrap()
}

/// The claims of a good token of this issuer, with these members replaced, or taken away where they
/// are null.
pub(crate) fn claims(provider: &IdentityProvider, members: &Value) -> Value {
    let mut claims = json!({
        "iss": provider.issuer(), "aud": RESOURCE, "sub": SUBJECT, "scope": SCOPE,
        "client_id": "native", "iat": from_now(-60), "exp": from_now(LONG.into()),
    });
    for (name, value) in members.as_object().expect("an object") {
        match value {
            Value::Null => claims.as_object_mut().expect("an object").remove(name),
            value => claims
                .as_object_mut()
                .expect("an object")
                .insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// A NumericDate so many seconds from now.
pub(crate) fn from_now(seconds: i64) -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    now.checked_add_signed(seconds).unwrap()
}

/// The clock of this machine, moved on by hand.
#[derive(Clone, Default)]
pub(crate) struct Hands(Arc<AtomicU64>);

impl Hands {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        SystemTime::now() + Duration::from_secs(self.0.load(SeqCst))
    }
}

/// A server for [`RESOURCE`] that is protected by a verifier.
#[derive(Clone)]
pub(crate) struct Protected {
    pub(crate) address: SocketAddr,
    _task: Arc<Aborted>,
}

struct Aborted(JoinHandle<std::io::Result<()>>);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Protected {
    pub(crate) async fn start(issuer: &str, verifier: impl TokenVerifier) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let settings = AuthSettings::new(RESOURCE).expect("a URL");
        let settings = settings.authorization_server(issuer);
        let server = Server::new(Tools::default()).auth(settings, verifier);
        let served = tokio::spawn(server.serve_on(listener, std::future::pending()));
        Self {
            address,
            _task: Arc::new(Aborted(served)),
        }
    }

    pub(crate) async fn send(&self, request: &Request) -> Reply {
        let mut wire = Wire::connect(self.address).await;
        wire.send(&request.bytes()).await;
        wire.reply().await
    }

    /// What comes of a request with a token: who is calling, `401`, or `503`.
    pub(crate) async fn said(&self, token: &str) -> String {
        self.said_for_now(token).await.0
    }

    /// The same, and for how many seconds a client is told to wait.
    pub(crate) async fn said_for_now(&self, token: &str) -> (String, Option<u64>) {
        let reply = self.send(&call("whoami").bearer(token)).await;
        let retry_after = check(&reply, token);
        (called(&reply), retry_after)
    }

    /// Asks until it says this. In between it may say `503` and nothing else.
    pub(crate) async fn comes_to(&self, expected: &str, token: &str) {
        self.changes(&["503"], expected, token).await;
    }

    /// Asks until it says this. In between it may say those.
    pub(crate) async fn changes(&self, meanwhile: &[&str], expected: &str, token: &str) {
        until(expected, async || {
            let said = self.said(token).await;
            assert!(said == expected || meanwhile.contains(&&*said), "{said}");
            said == expected
        })
        .await;
    }
}

/// A proper challenge for a 401, a time to wait for a 503, which is returned, and neither for the
/// other.
fn check(reply: &Reply, token: &str) -> Option<u64> {
    let shown = format!("{:?} {}", reply.headers, reply.text());
    let signature = token.rsplit('.').next().filter(|part| part.len() > 20);
    let secret = signature.unwrap_or(token);
    assert!(secret.len() < 12 || !shown.contains(secret), "{shown}");
    let challenges = reply.header("www-authenticate").map(Challenge::parse_all);
    let challenge = challenges.map(|all| all.into_iter().next());
    let retry_after = reply.header("retry-after");
    let retry_after = retry_after.map(|text| text.parse().expect("seconds"));
    match reply.status {
        401 => {
            let challenge = challenge.flatten().expect("a challenge");
            assert_eq!(challenge.error(), Some("invalid_token"));
            let metadata = challenge.resource_metadata().expect("where to sign in");
            assert!(metadata.ends_with("/.well-known/oauth-protected-resource/mcp"));
            assert_eq!(retry_after, None, "{shown}");
        }
        503 => {
            let seconds: u64 = retry_after.expect("Retry-After");
            assert!((1..=60).contains(&seconds), "{shown}");
            assert_eq!(challenge, None, "it must not sign in again: {shown}");
        }
        _ => assert_eq!((challenge, retry_after), (None, None), "{shown}"),
    }
    retry_after
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until(what: &str, mut question: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !question().await {
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A place where nobody should ever go.
pub(crate) struct Elsewhere {
    pub(crate) port: u16,
    visits: Arc<AtomicUsize>,
}

impl Elsewhere {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&visits);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, SeqCst);
            }
        });
        Self { port, visits }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/keys", self.port)
    }

    /// The same place, by a name that the operator did not configure.
    pub(crate) fn named(&self) -> String {
        format!("http://localhost:{}/keys", self.port)
    }

    pub(crate) fn visits(&self) -> usize {
        self.visits.load(SeqCst)
    }
}
