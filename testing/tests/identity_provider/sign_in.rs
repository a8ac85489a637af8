use propusk_testing::identity_provider::{Endpoint, IdentityProvider, Indicator, Options, SignIn};
use serde_json::json;

use crate::support::{RESOURCE, parts, provider};

#[tokio::test]
async fn a_person_gets_a_token_by_code_and_pkce() {
    for path in ["", "/tenant1"] {
        let options = Options::new().issuer_path(path);
        let provider = IdentityProvider::start(options).await.unwrap();
        for subject in ["alice", "bob"] {
            let token = provider
                .user_token(subject, RESOURCE, "notes:read notes:write")
                .await;
            let (_, claims) = parts(&token.unwrap());
            assert_eq!(claims["sub"], subject);
            assert_eq!(claims["client_id"], "native");
            assert_eq!(claims["aud"], RESOURCE);
            assert_eq!(claims["scope"], "notes:read notes:write");
        }
    }
}

#[tokio::test]
async fn a_persons_opaque_token_names_the_person() {
    let provider = provider().await;
    let resource = Indicator::new(RESOURCE).opaque();
    let token = provider
        .user_token("carol", resource, "echo")
        .await
        .unwrap();
    let told = provider.introspect(&token).await.unwrap();
    assert_eq!(
        (&told["sub"], &told["scope"]),
        (&json!("carol"), &json!("echo"))
    );
    provider.revoke(&token).await.unwrap();
    assert_eq!(provider.introspect(&token).await.unwrap()["active"], false);
}

#[tokio::test]
async fn a_person_may_refuse() {
    let provider = provider().await;
    let refused = provider
        .user_token("deny", RESOURCE, "echo")
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("access_denied"), "{refused}");
}

#[tokio::test]
async fn refresh_tokens_are_used_once() {
    let provider = provider().await;
    let first = provider
        .sign_in(&SignIn::new("alice", RESOURCE, "echo"))
        .await
        .unwrap();
    let second = provider
        .refresh("native", &first.refresh_token.clone().unwrap())
        .await
        .unwrap();
    assert_ne!(first.access_token, second.access_token);
    assert_eq!(parts(&second.access_token).1["aud"], RESOURCE);
    assert_ne!(first.refresh_token, second.refresh_token);

    let reused = provider
        .refresh("native", &first.refresh_token.unwrap())
        .await
        .err()
        .unwrap();
    assert!(reused.to_string().contains("invalid_grant"), "{reused}");
    let ended = provider
        .refresh("native", &second.refresh_token.unwrap())
        .await
        .err()
        .unwrap();
    assert!(ended.to_string().contains("invalid_grant"), "{ended}");
}

#[tokio::test]
async fn a_sign_in_survives_a_rotation_and_a_restart() {
    let mut provider = provider().await;
    let before = provider
        .sign_in(&SignIn::new("alice", RESOURCE, "echo"))
        .await
        .unwrap();
    provider.rotate().await.unwrap();
    provider.stop().await.unwrap();
    provider.start_again().await.unwrap();
    let after = provider
        .refresh("native", &before.refresh_token.unwrap())
        .await
        .unwrap();
    let kid = |token: &str| parts(token).0["kid"].clone();
    assert_ne!(kid(&before.access_token), kid(&after.access_token));
}

#[tokio::test]
async fn a_client_may_be_a_metadata_document() {
    let provider = provider().await;
    let url = "https://client.example/metadata.json";
    let document = json!({
        "client_id": url,
        "client_name": "a client that nobody registered",
        "application_type": "native",
        "redirect_uris": ["http://127.0.0.1:9/callback"],
        "token_endpoint_auth_method": "none",
    });
    provider.publish_client(url, document).await.unwrap();
    let sign_in = SignIn::new("alice", RESOURCE, "echo").client(url);
    let tokens = provider.sign_in(&sign_in).await.unwrap();
    assert_eq!(parts(&tokens.access_token).1["client_id"], url);

    let unknown = SignIn::new("alice", RESOURCE, "echo").client("https://other.example/m.json");
    assert!(provider.sign_in(&unknown).await.is_err());
    assert_eq!(provider.counts().await.unwrap().of(Endpoint::Token), 1);
}

#[tokio::test]
async fn a_client_with_its_own_url_needs_no_browser() {
    let provider = provider().await;
    let query = [
        ("response_type", "code"),
        ("client_id", "native"),
        // RFC 8252 §7.3: whatever port the client got.
        ("redirect_uri", "http://localhost:54321/callback"),
        ("scope", "echo"),
        ("resource", RESOURCE),
        ("state", "s1"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
    ];
    let endpoint = provider.url(Endpoint::Authorization);
    let url = url::Url::parse_with_params(&endpoint, query).unwrap();
    let back = provider.browse(url.as_str(), "alice").await.unwrap();
    assert!(
        back.as_str()
            .starts_with("http://localhost:54321/callback?code="),
        "{back}"
    );
    assert!(
        back.query_pairs()
            .any(|pair| pair == ("state".into(), "s1".into()))
    );

    // RFC 7636 §4.4.1: without a challenge there is no code.
    let url = url::Url::parse_with_params(&endpoint, &query[..6]).unwrap();
    let back = provider.browse(url.as_str(), "alice").await.unwrap();
    assert!(
        back.query_pairs()
            .any(|pair| pair == ("error".into(), "invalid_request".into()))
    );
}
