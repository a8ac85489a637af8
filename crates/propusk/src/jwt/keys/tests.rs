//! Sources over a real socket.

mod file;
mod outages;
mod rotation;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::*;
use crate::{
    AccessToken, JwtVerifier,
    SignatureAlgorithm::EdDsa,
    TokenVerifier,
    jose::signer::Signer,
    jwt::fake_issuer::{Answer, FakeIssuer, METADATA},
};

const RESOURCE: &str = "https://mcp.example/mcp";
const START: u64 = 1_800_000_000;

/// A clock that a test moves.
#[derive(Clone)]
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(START)))
    }

    fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn seconds(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.seconds())
    }
}

/// A key of the issuer, with its name.
struct Named(&'static str, Signer);

impl Named {
    fn new(id: &'static str) -> Self {
        Self(id, Signer::generate(EdDsa))
    }
}

fn key_set(keys: &[&Named]) -> String {
    let jwk = |key: &&Named| {
        let mut jwk = key.1.jwk();
        jwk["kid"] = key.0.into();
        jwk
    };
    json!({"keys": keys.iter().map(jwk).collect::<Vec<Value>>()}).to_string()
}

struct Site {
    issuer: FakeIssuer,
    verifier: Arc<JwtVerifier>,
    hands: Hands,
}

impl Site {
    /// A verifier that knows the issuer only.
    async fn start() -> Self {
        let issuer = FakeIssuer::start().await;
        let verifier = JwtVerifier::from_issuer(&issuer.url, RESOURCE).expect("valid");
        let hands = Hands::new();
        let verifier = Arc::new(verifier.with_clock(hands.clone()));
        Self {
            issuer,
            verifier,
            hands,
        }
    }

    fn publish(&self, keys: &[&Named]) {
        self.issuer.answer("/keys", Answer::Json(key_set(keys)));
    }

    /// A token that was issued so many seconds ago and lives for two days.
    fn token_issued(&self, key: &Named, seconds_ago: u64) -> String {
        let now = self.hands.seconds();
        let claims = json!({
            "iss": self.issuer.url, "aud": RESOURCE, "sub": "alice",
            "iat": now - seconds_ago, "exp": now + 200_000,
        });
        key.1.token(&json!({"alg": "EdDSA", "kid": key.0}), &claims)
    }

    fn token(&self, key: &Named) -> String {
        self.token_issued(key, 0)
    }

    async fn verdict(&self, token: &str) -> String {
        verdict(self.verifier.verify_token(token).await)
    }

    fn source(&self) -> &Source {
        source(&self.verifier)
    }

    fn fetches(&self) -> usize {
        self.issuer.asked("/keys")
    }

    /// Waits for a reading in the background.
    async fn until_fetched(&self, times: usize) {
        let fetched = async {
            while self.fetches() < times {
                tokio::task::yield_now().await;
            }
        };
        let limit = Duration::from_secs(30);
        tokio::time::timeout(limit, fetched).await.expect("a fetch");
    }
}

fn source(verifier: &JwtVerifier) -> &Source {
    match &verifier.keys {
        Keys::Source(source) => source,
        _ => unreachable!("its keys change"),
    }
}

fn verdict(answer: Result<Option<AccessToken>, Unavailable>) -> String {
    match answer {
        Ok(Some(_)) => "valid".to_owned(),
        Ok(None) => "invalid".to_owned(),
        Err(unavailable) => format!("retry in {}", unavailable.retry_after().as_secs()),
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        let bytes = self.0.lock().expect("not poisoned");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
