//! What is kept of real tokens: not beyond their end, not beyond the caller's, and not without a
//! provider for those who are new.

use std::time::Duration;

use propusk::{ClientAuthentication, IntrospectionVerifier, JwtVerifier};
use propusk_gate::{
    credentials::{IdJag, TokenExchange},
    http::HttpUpstreamSettings,
};
use propusk_testing::{
    contract::Captured,
    identity_provider::{Endpoint, IdentityProvider, Indicator, Options},
};

use super::{HERE, endpoint, protected::Protected, refuses, status, until};
use crate::gate::{Gate, settings};

async fn provider() -> IdentityProvider {
    let options = Options::new().exchange("gate", HERE);
    let options = options.assert_for("http://127.0.0.1:");
    IdentityProvider::start(options).await.expect("started")
}

fn jwt(provider: &IdentityProvider) -> JwtVerifier {
    JwtVerifier::from_issuer(provider.issuer(), HERE).expect("an issuer")
}

/// Both ways to a token of the caller's, for this resource.
fn exchange(provider: &IdentityProvider, resource: &str) -> HttpUpstreamSettings {
    settings().credentials(TokenExchange::at(endpoint(provider, "gate")).resource(resource))
}

fn id_jag(
    idp: &IdentityProvider,
    server: &IdentityProvider,
    resource: &str,
) -> HttpUpstreamSettings {
    let (first, second) = (endpoint(idp, "gate"), endpoint(server, "gate"));
    settings().credentials(IdJag::new(first, second, server.issuer(), resource))
}

#[tokio::test]
async fn a_provider_that_is_down_is_503_for_who_is_new_and_then_works_again() {
    let mut provider = provider().await;
    let upstream = Protected::by(&provider).await;
    let alice = provider.user_token("alice", HERE, "notes:read").await;
    let bob = provider.user_token("bob", HERE, "notes:read").await;
    let (alice, bob) = (alice.expect("a token"), bob.expect("a token"));
    let set = exchange(&provider, &upstream.url);
    let gate = Gate::verified(&upstream.url, set, HERE, jwt(&provider)).await;
    assert_eq!(status(&gate, &alice).await, 200);
    let captured = Captured::begin();
    provider.stop().await.expect("stopped");
    refuses(&gate, &bob, 503, &[provider.issuer()]).await;
    assert!(
        captured.text().contains("no credentials for it: "),
        "{}",
        captured.text()
    );
    captured.assert_free_of(&bob);
    assert_eq!(status(&gate, &alice).await, 200, "hers is good");
    provider.start_again().await.expect("started");
    until(&gate, &bob, 200).await;
    assert_eq!(upstream.subjects(), ["alice", "alice", "bob"]);
}

#[tokio::test]
async fn either_provider_of_an_id_jag_may_be_down() {
    let idp = provider().await;
    let options = Options::new().trust(idp.issuer());
    let server = IdentityProvider::start(options).await.expect("started");
    let upstream = Protected::by(&server).await;
    let (mut idp, mut server) = (idp, server);
    let verifier = std::sync::Arc::new(jwt(&idp));
    let token = idp.user_token("alice", HERE, "notes:read").await;
    let token = token.expect("a token");
    for first in [true, false] {
        let set = id_jag(&idp, &server, &upstream.url);
        let gate = Gate::verified(&upstream.url, set, HERE, verifier.clone()).await;
        if !first {
            server.stop().await.expect("stopped");
        } else {
            // The keys of the callers' tokens.
            assert_eq!(status(&gate, "a.b.c").await, 401);
            idp.stop().await.expect("stopped");
        }
        refuses(&gate, &token, 503, &[idp.issuer(), server.issuer()]).await;
        assert!(upstream.seen().len() < 2);
        let down = if first { &mut idp } else { &mut server };
        down.start_again().await.expect("started");
        until(&gate, &token, 200).await;
    }
    assert_eq!(upstream.subjects(), ["alice", "alice"]);
}

/// The upstream takes no token after its end, so that an old one would be refused.
#[tokio::test]
async fn a_token_that_ends_is_exchanged_again_before_it_does() {
    let idp = provider().await;
    let options = Options::new().trust(idp.issuer());
    let server = IdentityProvider::start(options).await.expect("started");
    let token = idp.user_token("alice", HERE, "notes:read").await;
    let token = token.expect("a token");
    for exchanges in [true, false] {
        let upstream = Protected::by(if exchanges { &idp } else { &server }).await;
        let short = Indicator::new(&upstream.url).lives(3);
        let set = match exchanges {
            true => exchange(&idp, short.as_str()),
            false => id_jag(&idp, &server, short.as_str()),
        };
        let gate = Gate::verified(&upstream.url, set, HERE, jwt(&idp)).await;
        let mut different = Vec::new();
        while different.len() < 3 {
            assert_eq!(status(&gate, &token).await, 200);
            let last = upstream.seen().pop().expect("seen");
            let text = last.token().to_owned();
            if different.last() != Some(&text) {
                assert!(!different.contains(&text), "an old one came back");
                different.push(text);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(upstream.seen().len() > 3, "one is used more than once");
        upstream.assert_free_of(&[&token]);
    }
}

/// Whatever is kept for a caller is behind the decision about its token.
#[tokio::test]
async fn what_is_kept_for_a_revoked_token_is_used_no_more() {
    let provider = provider().await;
    let upstream = Protected::by(&provider).await;
    let asks = provider.client("resource-server").expect("a client");
    let secret = asks.secret.clone().expect("a secret");
    let asks = ClientAuthentication::basic("resource-server", secret);
    let verifier = IntrospectionVerifier::from_issuer(provider.issuer(), HERE, asks);
    let verifier = verifier
        .expect("an issuer")
        .cache(Duration::ZERO, Duration::ZERO);
    let set = exchange(&provider, &upstream.url);
    let gate = Gate::verified(&upstream.url, set, HERE, verifier).await;
    let opaque = || Indicator::new(HERE).opaque();
    let first = provider.user_token("alice", opaque(), "notes:read").await;
    let second = provider.user_token("alice", opaque(), "notes:read").await;
    let (first, second) = (first.expect("a token"), second.expect("a token"));
    assert_eq!(status(&gate, &first).await, 200);
    provider.revoke(&first).await.expect("revoked");
    provider.reset_counts().await.expect("counted");
    for _ in 0..2 {
        assert_eq!(status(&gate, &first).await, 401);
    }
    assert_eq!(upstream.subjects().len(), 1);
    assert_eq!(
        provider.counts().await.expect("counts").of(Endpoint::Token),
        0
    );
    // Her other token is another one, and is exchanged for itself.
    assert_eq!(status(&gate, &second).await, 200);
    let seen = upstream.seen();
    assert_ne!(seen[0].token(), seen[1].token());
}
