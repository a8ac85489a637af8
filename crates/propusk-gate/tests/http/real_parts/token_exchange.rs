//! Token exchange (RFC 8693) at a real provider, which verifies the callers' tokens itself.

use propusk::{
    JwtVerifier, ScopeSet,
    client::{MachineClient, TokenEndpoint},
};
use propusk_gate::credentials::TokenExchange;
use propusk_testing::{
    contract::Captured,
    identity_provider::{Endpoint, IdentityProvider, Indicator, Options},
};
use serde_json::json;

use super::{HERE, believes_in, endpoint, endpoint_of, protected::Protected, refuses, status};
use crate::gate::{Gate, settings};

const WRONG: &str = "a-secret-that-is-wrong";

type Ask<'a> = &'a dyn Fn() -> TokenEndpoint;

async fn provider() -> IdentityProvider {
    let options = Options::new().exchange("gate", HERE);
    let options = options.exchange("gate-jwt", HERE);
    IdentityProvider::start(options).await.expect("started")
}

#[tokio::test]
async fn rfc8693_1_1_each_caller_is_itself_at_the_upstream() {
    let provider = provider().await;
    let tokens = async |scopes| {
        let alice = provider.user_token("alice", HERE, scopes).await;
        let bob = provider.user_token("bob", HERE, "notes:read").await;
        (alice.expect("a token"), bob.expect("a token"))
    };
    let (alice, bob) = tokens("notes:read notes:write").await;
    for client in ["gate", "gate-jwt"] {
        let upstream = Protected::by(&provider).await;
        let source = TokenExchange::at(endpoint(&provider, client)).resource(&upstream.url);
        let source = source.scopes(ScopeSet::parse("notes:read notes:write").expect("scopes"));
        let verifier = JwtVerifier::from_issuer(provider.issuer(), HERE).expect("an issuer");
        let set = settings().credentials(source);
        let gate = Gate::verified(&upstream.url, set, HERE, verifier).await;
        provider.reset_counts().await.expect("counted");
        for token in [&alice, &bob, &alice, &bob] {
            assert_eq!(status(&gate, token).await, 200, "{client}");
        }
        let asked = provider.counts().await.expect("counts").of(Endpoint::Token);
        assert_eq!(asked, 2, "once for each of them");
        assert_eq!(upstream.subjects(), ["alice", "bob", "alice", "bob"]);
        upstream.assert_free_of(&[&alice, &bob]);
        for (seen, scopes) in upstream
            .seen()
            .iter()
            .zip(["notes:read notes:write", "notes:read"].iter().cycle())
        {
            assert_eq!(
                seen.caller.scopes(),
                &ScopeSet::parse(scopes).expect("scopes")
            );
            assert_eq!(seen.caller.client_id(), Some(client));
            // RFC 8693 §4.1: who acts is told beside whom it acts for.
            assert_eq!(seen.caller.claims()["act"], json!({ "sub": client }));
        }
        // The other way round they are nobody's.
        let exchanged = upstream.seen()[0].token().to_owned();
        assert_eq!(status(&gate, &exchanged).await, 401);
        assert_eq!(upstream.subjects().len(), 4);
    }
}

/// A verifier that still believes in a token does not make its issuer exchange it.
#[tokio::test]
async fn rfc8693_2_2_2_what_the_provider_does_not_exchange_goes_nowhere() {
    let provider = provider().await;
    let upstream = Protected::by(&provider).await;
    let good = provider.user_token("alice", HERE, "notes:read").await;
    let good = good.expect("a token");
    let other = provider.user_token("alice", "https://other.example", "notes:read");
    let revoked = provider.user_token("alice", Indicator::new(HERE).opaque(), "notes:read");
    let (other, revoked) = (other.await.expect("a token"), revoked.await.expect("one"));
    let unrevoked = provider.user_token("alice", Indicator::new(HERE).opaque(), "notes:read");
    let unrevoked = unrevoked.await.expect("a token");
    provider.revoke(&revoked).await.expect("revoked");
    let signed = async |key: &str, typ: &str, end: u64| {
        let claims = json!({
            "iss": provider.issuer(), "sub": "alice", "aud": HERE, "exp": end, "iat": 1,
            "client_id": "native", "jti": "1", "scope": "notes:read",
        });
        let signed = provider.sign(key, json!({ "typ": typ }), claims).await;
        signed.expect("signed").jwt
    };
    let expired = signed("provider:RS256", "at+jwt", 2).await;
    let foreign = signed("stranger", "at+jwt", 4_000_000_000).await;
    let untyped = signed("provider:RS256", "JWT", 4_000_000_000).await;
    let gates = || endpoint(&provider, "gate");
    let wrong = || endpoint_of(&provider, MachineClient::secret("gate", WRONG));
    let unknown = || endpoint_of(&provider, MachineClient::secret("nobody", WRONG));
    let (here, nowhere, elsewhere) = (&*upstream.url, "urn:example:nothing", "https://o.example");
    let cases: [(&str, &str, Ask<'_>, &str, u16, &str); 12] = [
        ("fine", &good, &gates, here, 200, ""),
        ("fine and opaque", &unrevoked, &gates, here, 200, ""),
        ("expired", &expired, &gates, here, 403, "invalid_grant"),
        ("revoked", &revoked, &gates, here, 403, "invalid_grant"),
        ("another's", &other, &gates, here, 403, "invalid_grant"),
        (
            "made up",
            "made-up-token",
            &gates,
            here,
            403,
            "invalid_grant",
        ),
        ("foreign key", &foreign, &gates, here, 403, "invalid_grant"),
        ("no at+jwt", &untyped, &gates, here, 403, "invalid_grant"),
        ("wrong secret", &good, &wrong, here, 502, "invalid_client"),
        ("no client", &good, &unknown, here, 502, "invalid_client"),
        ("no resource", &good, &gates, nowhere, 502, "invalid_target"),
        // The provider gives one, and the upstream does not take it.
        (
            "another resource",
            &good,
            &gates,
            elsewhere,
            502,
            "HTTP 401",
        ),
    ];
    for (case, token, client, resource, expected, logged) in cases {
        let captured = Captured::begin();
        let before = upstream.subjects().len();
        let source = TokenExchange::at(client()).resource(resource);
        let set = settings().credentials(source);
        let gate = Gate::verified(&upstream.url, set, HERE, believes_in(token)).await;
        if expected == 200 {
            assert_eq!(status(&gate, token).await, 200, "{case}");
            continue;
        }
        refuses(&gate, token, expected, &[WRONG, provider.issuer()]).await;
        assert_eq!(upstream.subjects().len(), before, "{case}");
        // The operator learns why, and no secret.
        assert!(captured.text().contains(logged), "{case}");
        captured.assert_free_of(token);
        captured.assert_free_of(WRONG);
    }
}
