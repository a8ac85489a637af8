use propusk_testing::identity_provider::{Endpoint, IdentityProvider, Indicator, Options};
use serde_json::json;

use crate::support::{RESOURCE, get, json_at, parts, provider};

#[tokio::test]
async fn rfc9068_2_a_jwt_access_token_for_our_resource() {
    let provider = provider().await;
    for alg in ["RS256", "ES256", "PS256", "EdDSA"] {
        let resource = Indicator::new(RESOURCE).signed_by(alg).lives(30);
        let token = provider
            .token("machine", resource, "notes:read echo")
            .await
            .unwrap();
        let (header, claims) = parts(&token);
        assert_eq!(header["alg"], alg);
        assert_eq!(header["typ"], "at+jwt");
        let keys = json_at(&provider, Endpoint::Jwks).await;
        let keys = keys["keys"].as_array().unwrap();
        let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
        assert_eq!(key["alg"], alg);
        assert!(
            key["d"].is_null() && key["p"].is_null(),
            "a private key is published"
        );

        assert_eq!(claims["iss"], provider.issuer());
        assert_eq!(
            claims["aud"], RESOURCE,
            "the wishes are not part of the audience"
        );
        assert_eq!(claims["sub"], "machine");
        assert_eq!(claims["client_id"], "machine");
        assert_eq!(claims["scope"], "notes:read echo");
        let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert_eq!(lifetime, 30);
    }
}

#[tokio::test]
async fn an_opaque_token_is_told_by_introspection_until_it_is_revoked() {
    let provider = provider().await;
    let token = provider
        .opaque_token("machine", RESOURCE, "notes:write")
        .await
        .unwrap();
    assert!(!token.contains('.'), "this is a JWT");
    let told = provider.introspect(&token).await.unwrap();
    assert_eq!(told["active"], true);
    assert_eq!(told["aud"], RESOURCE);
    assert_eq!(told["iss"], provider.issuer());
    assert_eq!(told["client_id"], "machine");
    assert_eq!(told["scope"], "notes:write");

    provider.revoke(&token).await.unwrap();
    assert_eq!(
        provider.introspect(&token).await.unwrap(),
        json!({"active": false})
    );
    assert_eq!(
        provider.introspect("garbage").await.unwrap(),
        json!({"active": false})
    );
}

#[tokio::test]
async fn an_opaque_token_ends_at_its_expiry() {
    let provider = provider().await;
    let resource = Indicator::new(RESOURCE).lives(1);
    let token = provider
        .opaque_token("machine", resource, "echo")
        .await
        .unwrap();
    let mut told = provider.introspect(&token).await.unwrap();
    while told["active"] == true {
        tokio::task::yield_now().await;
        told = provider.introspect(&token).await.unwrap();
    }
    assert_eq!(told, json!({"active": false}));
}

#[tokio::test]
async fn resources_and_scopes_are_as_the_options_say() {
    let options = Options::new()
        .resource("http://known.example/")
        .opaque_resource("http://opaque.example/")
        .scopes("only")
        .lifetime(7);
    let provider = IdentityProvider::start(options).await.unwrap();
    let token = provider
        .token("machine", "http://known.example/mcp", "only notes:read")
        .await;
    let (_, claims) = parts(&token.unwrap());
    assert_eq!(claims["scope"], "only");
    assert_eq!(
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
        7
    );

    let opaque = provider
        .token("machine", "http://opaque.example/mcp", "only")
        .await
        .unwrap();
    assert_eq!(
        provider.introspect(&opaque).await.unwrap()["aud"],
        "http://opaque.example/mcp"
    );

    let refused = provider
        .token("machine", RESOURCE, "only")
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("invalid_target"), "{refused}");
}

#[tokio::test]
async fn rfc9449_6_1_a_token_is_bound_to_the_key_of_the_proof() {
    for options in [Options::new(), Options::new().dpop_nonce()] {
        let provider = IdentityProvider::start(options).await.unwrap();
        let bound = provider
            .dpop_token("k", "machine", RESOURCE, "echo")
            .await
            .unwrap();
        assert_eq!(bound.token_type, "DPoP");
        let key = provider.sign("k", json!({}), json!({})).await.unwrap();
        assert_eq!(parts(&bound.access_token).1["cnf"], json!({"jkt": key.jkt}));
    }
}

#[tokio::test]
async fn the_metadata_names_the_endpoints() {
    for path in ["", "/tenant1"] {
        let provider = IdentityProvider::start(Options::new().issuer_path(path))
            .await
            .unwrap();
        assert!(provider.issuer().ends_with(path));
        for metadata in Endpoint::METADATA {
            let metadata = json_at(&provider, metadata).await;
            assert_eq!(metadata["issuer"], provider.issuer());
            for (member, endpoint) in [
                ("jwks_uri", Endpoint::Jwks),
                ("token_endpoint", Endpoint::Token),
                ("introspection_endpoint", Endpoint::Introspection),
                ("revocation_endpoint", Endpoint::Revocation),
                ("authorization_endpoint", Endpoint::Authorization),
                ("registration_endpoint", Endpoint::Registration),
            ] {
                assert_eq!(metadata[member], provider.url(endpoint), "{member}");
            }
        }
        assert_eq!(
            get(&provider.url(Endpoint::Other)).await.unwrap().status(),
            404
        );
    }
}

#[tokio::test]
async fn nothing_answers_outside_the_path_of_the_issuer() {
    let options = Options::new().issuer_path("/tenant1");
    let provider = IdentityProvider::start(options).await.unwrap();
    let origin = provider.issuer().strip_suffix("/tenant1").unwrap();
    for path in [
        "/.well-known/oauth-authorization-server",
        "/jwks",
        "/tenant10/jwks",
    ] {
        let answer = get(&format!("{origin}{path}")).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
}
