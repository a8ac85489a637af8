//! The identity server's answers are judged, not believed: the real one, with members replaced.

use std::time::Duration;

use propusk::IntrospectionVerifier;
use propusk_testing::{
    contract::{OTHER_RESOURCE, RESOURCE},
    identity_provider::{Endpoint, Fault},
};
use serde_json::json;

use super::{
    contract_opaque::credentials,
    support::{Protected, from_now, opaque, provider},
};

#[tokio::test]
async fn what_makes_an_active_token_valid_here() {
    let provider = provider().await;
    let (client, _) = credentials(&provider, "resource-server");
    let verifier = IntrospectionVerifier::from_issuer(provider.issuer(), RESOURCE, client());
    let verifier = verifier.unwrap().cache(Duration::ZERO, Duration::ZERO);
    let server = Protected::start(provider.issuer(), verifier).await;
    let token = opaque(&provider).await;
    let future = from_now(3600);
    for (members, expected) in [
        (json!({"exp": from_now(-5)}), "alice"),
        (json!({}), "alice"),
        (json!({"aud": [OTHER_RESOURCE, RESOURCE]}), "alice"),
        (
            json!({"exp": null, "iat": null, "nbf": from_now(-60)}),
            "alice",
        ),
        (json!({"token_type": null}), "alice"),
        (json!({"iss": null}), "alice"),
        (json!({"sub": null}), "propusk:client:native"),
        (json!({"sub": null, "username": "alice"}), "401"),
        (json!({"sub": "propusk:client:native"}), "401"),
        (json!({"active": false}), "401"),
        (json!({"active": "true"}), "401"),
        (json!({"active": 1}), "401"),
        (json!({"active": "yes"}), "401"),
        (json!({"aud": OTHER_RESOURCE}), "401"),
        (json!({"aud": [OTHER_RESOURCE]}), "401"),
        (json!({"aud": null}), "401"),
        (json!({"aud": [RESOURCE, 1]}), "401"),
        (json!({"aud": format!("{RESOURCE}/more")}), "401"),
        (json!({"iss": "https://other.example"}), "401"),
        (json!({"iss": format!("{}/", provider.issuer())}), "401"),
        (json!({"exp": from_now(-31)}), "401"),
        (json!({"exp": future.to_string()}), "401"),
        (json!({"exp": 1e30}), "401"),
        (json!({"nbf": future}), "401"),
        (json!({"iat": future}), "401"),
        (json!({"sub": ""}), "401"),
        (json!({"sub": 1}), "401"),
        (json!({"sub": null, "client_id": null}), "401"),
        (json!({"scope": ["admin"]}), "401"),
        (json!({"token_type": "refresh_token"}), "401"),
        (json!({"token_type": "DPoP"}), "401"),
        (
            json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}),
            "401",
        ),
    ] {
        let lie = Fault::Merge(members.clone());
        provider.fault(Endpoint::Introspection, lie).await.unwrap();
        assert_eq!(server.said(&token).await, expected, "{members}");
    }
    provider.heal(Endpoint::Introspection).await.unwrap();
    assert_eq!(server.said(&token).await, "alice");
}
