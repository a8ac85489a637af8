//! Key sets that move, are emptied, or have many keys without names: what a client of the server
//! sees of it.

use std::{future::pending, net::SocketAddr};

use propusk::{AuthSettings, JwtVerifier, Server};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    identity_server::{IdentityServer, RESOURCE},
    support::TestClock,
};
use crate::support::{Signer, Tools, Wire, call, called};

/// A server that trusts an issuer, and the clock of its verifier.
struct Protected {
    issuer: IdentityServer,
    address: SocketAddr,
    clock: TestClock,
    seconds: u64,
}

impl Protected {
    async fn start() -> Self {
        let issuer = IdentityServer::start().await;
        let clock = TestClock::default();
        let verifier = JwtVerifier::from_issuer(&issuer.issuer(), RESOURCE).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let settings = AuthSettings::new(RESOURCE).unwrap();
        let settings = settings.allow_host("127.0.0.1").unwrap();
        let server =
            Server::new(Tools::default()).auth(settings, verifier.with_clock(clock.clone()));
        tokio::spawn(server.serve_on(listener, pending()));
        Self {
            issuer,
            address,
            clock,
            seconds: 0,
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.seconds += seconds;
        self.clock.set(self.seconds);
    }

    /// A token of this moment that is valid for long.
    fn token(&self, signer: &Signer, kid: Option<&str>) -> String {
        let mut header = json!({"alg": "ES256"});
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let now = TestClock::at(self.seconds);
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        // The layer looks at the clock of this machine.
        let claims = json!({
            "iss": self.issuer.issuer(), "aud": RESOURCE, "sub": "alice",
            "iat": now, "exp": 4_000_000_000_u64,
        });
        signer.sign(&header.to_string(), &claims.to_string())
    }

    /// Who is calling, or the status.
    async fn said(&self, token: &str) -> String {
        let mut wire = Wire::connect(self.address).await;
        wire.send(&call("whoami").bearer(token).bytes()).await;
        let reply = wire.reply().await;
        if reply.status == 503 {
            assert!(reply.header("retry-after").is_some(), "{reply:?}");
        }
        called(&reply)
    }
}

fn key(signer: &Signer, kid: Option<&str>) -> Value {
    let mut jwk = signer.jwk();
    if let Some(kid) = kid {
        jwk["kid"] = kid.into();
    }
    jwk
}

#[tokio::test]
async fn a_key_set_that_has_moved_is_found_within_a_minute() {
    let mut site = Protected::start().await;
    let (old, new) = (Signer::new(), Signer::new());
    site.issuer
        .publish_keys(json!({"keys": [key(&old, Some("old"))]}));
    assert_eq!(site.said(&site.token(&old, Some("old"))).await, "alice");
    site.issuer
        .move_keys(json!({"keys": [key(&new, Some("new"))]}));
    site.pass(60);
    assert_eq!(site.said(&site.token(&new, Some("new"))).await, "alice");
    assert_eq!(site.issuer.metadata_asked(), 2);
    // However many unknown keys come, the metadata are read once a minute at most.
    for _ in 0..10 {
        site.pass(6);
        for n in 0..10 {
            let made_up = site.token(&old, Some(&format!("made-up-{n}")));
            let said = site.said(&made_up).await;
            assert!(["401", "503"].contains(&&*said), "{said}");
        }
    }
    assert_eq!(site.issuer.metadata_asked(), 3);
}

#[tokio::test]
async fn an_empty_set_does_not_end_the_known_keys_at_once() {
    let mut site = Protected::start().await;
    let (one, two) = (Signer::new(), Signer::new());
    site.issuer
        .publish_keys(json!({"keys": [key(&one, Some("1"))]}));
    let good = site.token(&one, Some("1"));
    assert_eq!(site.said(&good).await, "alice");
    site.pass(60);
    site.issuer.publish_keys(json!({"keys": []}));
    // It is read now.
    assert_eq!(site.said(&site.token(&two, Some("2"))).await, "503");
    for _ in 0..9 {
        assert_eq!(site.said(&good).await, "alice", "{}", site.seconds);
        site.pass(60);
    }
    // By then it is meant so.
    site.pass(60);
    assert_eq!(site.said(&good).await, "503");
    site.issuer
        .publish_keys(json!({"keys": [key(&one, Some("1"))]}));
    site.pass(30);
    assert_eq!(site.said(&good).await, "alice");
}

#[tokio::test]
async fn an_issuer_that_does_not_name_its_many_keys() {
    let site = Protected::start().await;
    let signers: Vec<_> = (0..17).map(|_| Signer::new()).collect();
    let keys: Vec<_> = signers.iter().map(|signer| key(signer, None)).collect();
    site.issuer.publish_keys(json!({ "keys": keys }));
    for signer in &signers[..16] {
        assert_eq!(site.said(&site.token(signer, None)).await, "alice");
    }
    // The bound: what one wrong token may cost.
    for signer in [&signers[16], &Signer::new()] {
        let said = site.said(&site.token(signer, None)).await;
        assert!(["401", "503"].contains(&&*said), "{said}");
    }
}
