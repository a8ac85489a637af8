//! Keys come and go while the server runs.

use std::time::Duration;

use propusk::{Cached, JwtVerifier, Routing, TokenVerifier};
use propusk_testing::{contract::RESOURCE, identity_provider::IdentityProvider};

use super::support::{Hands, Protected, provider, signed_in};

fn jwt(provider: &IdentityProvider, hands: &Hands) -> JwtVerifier {
    let verifier = JwtVerifier::from_issuer(provider.issuer(), RESOURCE).unwrap();
    verifier.with_clock(hands.clone())
}

/// As `propusk serve` does it, with a memory that forgets nothing by itself.
fn remembered(provider: &IdentityProvider, hands: &Hands) -> Routing {
    let day = Duration::from_secs(24 * 3600);
    let cached = Cached::new(jwt(provider, hands)).ceiling(day);
    Routing::new().issuer(provider.issuer(), cached)
}

#[tokio::test]
async fn old_and_new_tokens_work_and_none_is_refused_in_between() {
    let provider = provider().await;
    let hands = Hands::default();
    let server = Protected::start(provider.issuer(), remembered(&provider, &hands)).await;
    let mut tokens = vec![signed_in(&provider).await];
    assert_eq!(server.said(&tokens[0]).await, "alice");
    for _ in 0..3 {
        provider.rotate().await.unwrap();
        let new = signed_in(&provider).await;
        // It may be too early to ask again, and never a reason to sign in again.
        let (said, retry_after) = server.said_for_now(&new).await;
        assert!(["alice", "503"].contains(&&*said), "{said}");
        hands.advance(retry_after.unwrap_or(0));
        assert_eq!(server.said(&new).await, "alice", "after the time told");
        tokens.push(new);
        for token in &tokens {
            assert_eq!(server.said(token).await, "alice");
        }
    }
}

#[tokio::test]
async fn a_retired_key_is_refused_after_the_next_look() {
    let provider = provider().await;
    let hands = Hands::default();
    let plain = jwt(&provider, &hands);
    withdrawn(&provider, &hands, plain).await;
    let remembered = remembered(&provider, &hands);
    withdrawn(&provider, &hands, remembered).await;
}

async fn withdrawn(provider: &IdentityProvider, hands: &Hands, verifier: impl TokenVerifier) {
    let server = Protected::start(provider.issuer(), verifier).await;
    let (seen, unseen) = (signed_in(provider).await, signed_in(provider).await);
    assert_eq!(server.said(&seen).await, "alice");
    provider.rotate().await.unwrap();
    provider.retire().await.unwrap();
    let new = signed_in(provider).await;
    assert_eq!(server.said(&seen).await, "alice", "nobody has looked yet");
    hands.advance(300);
    // The look is in the background; what is remembered hears of it too.
    server.changes(&["alice"], "401", &seen).await;
    assert_eq!(server.said(&unseen).await, "401");
    assert_eq!(server.said(&new).await, "alice");
}
