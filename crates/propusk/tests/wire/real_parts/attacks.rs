//! The attack table for JSON Web Tokens: every row is an HTTP request, and gets a 401 with a proper
//! challenge; never a 200, never a 500, and no 503 either. No URL in a token is ever visited.

use std::time::Instant;

use propusk::{Cached, JwtVerifier, Routing};
use propusk_testing::{
    contract::{RESOURCE, SCOPE},
    identity_provider::{Endpoint, IdentityProvider, Indicator},
};
use serde_json::{Value, json};

use super::{
    attack_claims, attack_headers, attack_signatures,
    support::{Elsewhere, LONG, Protected, claims, from_now, provider, signed_in},
};
use crate::support::{call, called};

/// What an attack is, and its token.
pub(super) type Attack = (String, String);

/// The attacker's workshop: the provider signs whatever is dictated.
pub(super) struct Forge {
    pub(super) provider: IdentityProvider,
    pub(super) elsewhere: Elsewhere,
}

/// The other issuer that the server accepts tokens of; its key is `other`.
const OTHER_ISSUER: &str = "https://other.example";

impl Forge {
    /// The claims of a good token, changed as [`claims`] says.
    pub(super) fn claims(&self, members: &Value) -> Value {
        claims(&self.provider, members)
    }

    /// Signed by the key of the provider that all tokens are signed with. See
    /// [`IdentityProvider::sign`] for texts in the place of objects.
    pub(super) async fn signed(&self, header: Value, claims: Value) -> String {
        self.signed_by("provider:RS256", header, claims).await
    }

    pub(super) async fn signed_by(&self, key: &str, header: Value, claims: Value) -> String {
        let signed = self.provider.sign(key, header, claims).await;
        signed.unwrap().jwt
    }

    /// The public key behind a name.
    pub(super) async fn public_key(&self, key: &str) -> Value {
        let signed = self.provider.sign(key, json!({}), json!({})).await;
        signed.unwrap().jwk
    }

    /// The name under which a key is published, or would be.
    pub(super) async fn key_id(&self, key: &str) -> Value {
        self.public_key(key).await["kid"].clone()
    }
}

#[tokio::test]
async fn every_attack_is_a_401() {
    let forge = Forge {
        provider: provider().await,
        elsewhere: Elsewhere::start().await,
    };
    let issuer = forge.provider.issuer().to_owned();
    let jwt = || JwtVerifier::from_issuer(&issuer, RESOURCE).unwrap();
    let other = json!({"keys": [forge.public_key("other").await]}).to_string();
    let other = JwtVerifier::from_keys(OTHER_ISSUER, RESOURCE, &other).unwrap();
    let routed = Routing::new()
        .issuer(&issuer, jwt())
        .issuer(OTHER_ISSUER, other);
    let servers = [
        Protected::start(&issuer, jwt()).await,
        Protected::start(&issuer, Cached::new(routed)).await,
    ];
    let good = signed_in(&forge.provider).await;
    for server in &servers {
        assert_eq!(server.said(&good).await, "alice");
    }
    forge.provider.reset_counts().await.unwrap();
    let began = Instant::now();

    let mut attacks = attack_claims::all(&forge).await;
    attacks.extend(attack_headers::all(&forge).await);
    attacks.extend(attack_signatures::all(&forge, &good).await);
    attacks.extend(other_issuers(&forge).await);
    for server in &servers {
        for (what, token) in &attacks {
            assert_ne!(*token, good, "{what}");
            assert_eq!(server.said(token).await, "401", "{what}: {token:.2000}");
        }
        assert_eq!(
            server.said(&good).await,
            "alice",
            "and the good one still is"
        );
    }
    assert!(attacks.len() > 400, "{}", attacks.len());
    assert_eq!(forge.elsewhere.visits(), 0, "a URL in a token was visited");
    let counts = forge.provider.counts().await.unwrap();
    assert_eq!(counts.of(Endpoint::OauthMetadata), 0);
    // An unknown name is looked for once in each cool-down.
    let most = 2 * (1 + began.elapsed().as_secs() / 10);
    assert!(counts.of(Endpoint::Jwks) <= most, "{counts:?}, not {most}");
}

/// RFC 8725 §3.8: keys vouch for their own issuer only.
async fn other_issuers(forge: &Forge) -> Vec<Attack> {
    let mut attacks = Vec::new();
    let provider_key = "provider:RS256";
    for (what, key, issuer) in [
        ("ours, in the name of the other", provider_key, OTHER_ISSUER),
        ("the other's, in our name", "other", forge.provider.issuer()),
        (
            "of nobody, in the name of the other",
            "nobody",
            OTHER_ISSUER,
        ),
    ] {
        let claims = forge.claims(&json!({"iss": issuer}));
        attacks.push((
            what.to_owned(),
            forge.signed_by(key, json!({}), claims).await,
        ));
    }
    attacks
}

#[tokio::test]
async fn what_is_accepted() {
    let forge = Forge {
        provider: provider().await,
        elsewhere: Elsewhere::start().await,
    };
    let issuer = forge.provider.issuer();
    let verifier = JwtVerifier::from_issuer(issuer, RESOURCE).unwrap();
    let server = Protected::start(issuer, verifier).await;
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let resource = Indicator::new(RESOURCE).signed_by(algorithm).lives(LONG);
        let token = forge.provider.user_token("alice", resource, SCOPE).await;
        assert_eq!(server.said(&token.unwrap()).await, "alice", "{algorithm}");
    }
    let key_id = forge.key_id("provider:RS256").await;
    let bare = Value::String(json!({"alg": "RS256", "kid": key_id}).to_string());
    let huge: Vec<String> = (0..1000).map(|number| format!("s{number}")).collect();
    let huge = huge.join(" ");
    for (header, members, scopes) in [
        (json!({}), json!({}), "notes:read"),
        (bare, json!({}), "notes:read"),
        (
            json!({"typ": "application/AT+jwt"}),
            json!({}),
            "notes:read",
        ),
        (json!({"new": {"x": 1}}), json!({"new": [1]}), "notes:read"),
        (
            json!({}),
            json!({"aud": [RESOURCE, "https://other.example"]}),
            "notes:read",
        ),
        (json!({}), json!({"exp": from_now(-5)}), "notes:read"),
        (
            json!({}),
            json!({"nbf": from_now(20), "iat": from_now(20)}),
            "notes:read",
        ),
        (
            json!({}),
            json!({"exp": from_now(3600) as f64 + 0.5}),
            "notes:read",
        ),
        (json!({}), json!({"scope": null, "scp": ["b", "a"]}), "a b"),
        // No claim, no scopes.
        (json!({}), json!({"scope": null}), ""),
        (json!({}), json!({"scope": ""}), ""),
        (json!({}), json!({"scope": "a\tb \u{1}"}), ""),
        (json!({}), json!({"scope": huge}), &huge),
    ] {
        let token = forge.signed(header.clone(), forge.claims(&members)).await;
        let reply = server.send(&call("scopes").bearer(&token)).await;
        let found = called(&reply);
        let mut expected: Vec<_> = scopes.split(' ').collect();
        expected.sort_unstable();
        assert_eq!(found, expected.join(" "), "{header} {members:.200}");
    }
}

#[tokio::test]
async fn what_is_no_token_at_all_is_a_bad_request() {
    let forge = Forge {
        provider: provider().await,
        elsewhere: Elsewhere::start().await,
    };
    let issuer = forge.provider.issuer();
    let verifier = JwtVerifier::from_issuer(issuer, RESOURCE).unwrap();
    let server = Protected::start(issuer, verifier).await;
    let good = signed_in(&forge.provider).await;
    let (payload, signature) = (
        good.split('.').nth(1).unwrap(),
        good.rsplit('.').next().unwrap(),
    );
    let long_name = |length: usize| json!({"kid": "k".repeat(length)});
    let longer = forge
        .signed(long_name(13_000), forge.claims(&json!({})))
        .await;
    let megabyte = forge
        .signed(long_name(1_000_000), forge.claims(&json!({})))
        .await;
    for (token, statuses) in [
        (format!("{good} {good}"), &[400][..]),
        (format!("{good},{good}"), &[400]),
        (format!("{good}\u{0}"), &[400]),
        (format!("=={good}"), &[400]),
        (
            json!({"payload": payload, "signature": signature}).to_string(),
            &[400],
        ),
        // Longer than any token that is looked at, and longer than any header.
        (longer, &[400]),
        (megabyte, &[431]),
    ] {
        let reply = server.send(&call("whoami").bearer(&token)).await;
        assert!(statuses.contains(&reply.status), "{token:.60}: {reply:?}");
        assert!(!reply.text().contains(signature), "{reply:?}");
    }
    assert_eq!(server.said(&good).await, "alice");
    let counts = forge.provider.counts().await.unwrap();
    assert_eq!(counts.of(Endpoint::Jwks), 1, "for the good one");
}
