//! Made-up tokens in great numbers cost the issuer next to nothing.

use std::time::Instant;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use propusk::{Cached, JwtVerifier};
use propusk_testing::{contract::RESOURCE, identity_provider::Endpoint};
use serde_json::json;

use super::support::{Protected, claims, from_now, provider, signed_in};
use crate::support::{Wire, call};

const TOKENS: usize = 10_000;
const CONNECTIONS: usize = 8;

#[tokio::test]
async fn ten_thousand_unknown_keys() {
    let provider = provider().await;
    let verifier = JwtVerifier::from_issuer(provider.issuer(), RESOURCE).unwrap();
    let server = Protected::start(provider.issuer(), Cached::new(verifier)).await;
    let good = signed_in(&provider).await;
    let began = Instant::now();
    // Half of them as if they had just been issued, with a key that was made this moment.
    let [old, new] = [-3600, 0].map(|age| {
        let claims = claims(&provider, &json!({"iat": from_now(age)}));
        URL_SAFE_NO_PAD.encode(claims.to_string())
    });
    let attackers: Vec<_> = (0..CONNECTIONS)
        .map(|first| {
            let (address, old, new) = (server.address, old.clone(), new.clone());
            tokio::spawn(async move {
                let mut wire = Wire::connect(address).await;
                for number in (first..TOKENS).step_by(CONNECTIONS) {
                    let header = json!({"alg": "RS256", "kid": format!("made-up-{number}")});
                    let header = URL_SAFE_NO_PAD.encode(header.to_string());
                    let is_new = number % 16 < CONNECTIONS;
                    let payload = if is_new { &new } else { &old };
                    let token = format!("{header}.{payload}.{}", "A".repeat(342));
                    wire.send(&call("whoami").bearer(&token).bytes()).await;
                    let status = wire.reply().await.status;
                    assert!(status == 401 || (is_new && status == 503), "{status}");
                }
            })
        })
        .collect();
    for attacker in attackers {
        attacker.await.expect("refused each time");
    }
    assert_eq!(server.said(&good).await, "alice");
    let counts = provider.counts().await.unwrap();
    // The first one, and one for each time that the cool-down is over.
    let most = 2 + began.elapsed().as_secs() / 10;
    assert!(counts.of(Endpoint::Jwks) <= most, "{counts:?}, not {most}");
    // Once a minute at most.
    let most = 1 + began.elapsed().as_secs() / 60;
    let metadata = counts.of(Endpoint::OauthMetadata);
    assert!(metadata <= most, "{counts:?}, not {most}");
}
