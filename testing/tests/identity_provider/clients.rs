use propusk_testing::identity_provider::Endpoint;
use serde_json::json;

use crate::support::{RESOURCE, parts, provider};

#[tokio::test]
async fn every_machine_gets_a_token_in_its_own_way() {
    let provider = provider().await;
    for (client, method) in [
        ("machine", "client_secret_basic"),
        ("machine-post", "client_secret_post"),
        ("machine-jwt", "private_key_jwt"),
    ] {
        assert_eq!(provider.client(client).unwrap().method, method);
        let token = provider.token(client, RESOURCE, "echo").await.unwrap();
        assert_eq!(parts(&token).1["client_id"], client);
    }
    assert!(provider.client("nobody").is_err());
}

#[tokio::test]
async fn every_resource_server_may_introspect_and_a_machine_learns_nothing() {
    let provider = provider().await;
    let token = provider
        .opaque_token("machine", RESOURCE, "echo")
        .await
        .unwrap();
    for (client, active) in [
        ("resource-server", true),
        ("resource-server-post", true),
        ("resource-server-jwt", true),
        ("machine-post", false),
    ] {
        let form = [("token", token.as_str())];
        let answer = provider
            .post(Endpoint::Introspection, client, &form, &[])
            .await
            .unwrap();
        assert_eq!(answer.json()["active"], active, "{client}: {}", answer.body);
    }
}

#[tokio::test]
async fn rfc9701_4_a_signed_introspection_answer() {
    let provider = provider().await;
    let token = provider
        .opaque_token("machine", RESOURCE, "echo")
        .await
        .unwrap();
    let accept = [("accept", "application/token-introspection+jwt")];
    let form = [("token", token.as_str())];
    let answer = provider
        .post(Endpoint::Introspection, "resource-server", &form, &accept)
        .await;
    let (header, claims) = parts(&answer.unwrap().body);
    assert_eq!(header["typ"], "token-introspection+jwt");
    assert_eq!(claims["iss"], provider.issuer());
    assert_eq!(claims["aud"], "resource-server");
    assert_eq!(claims["token_introspection"]["aud"], RESOURCE);
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let provider = provider().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_secret", "wrong"),
        ("resource", RESOURCE),
    ];
    let answer = provider
        .post_public(Endpoint::Token, "machine-post", &form)
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.json()["error"].clone()),
        (401, json!("invalid_client"))
    );
}

#[tokio::test]
async fn clients_register_themselves() {
    let provider = provider().await;
    let metadata = json!({
        "client_name": "registered",
        "application_type": "native",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let request = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = request.post(provider.url(Endpoint::Registration));
    let request = request
        .header("content-type", "application/json")
        .body(metadata.to_string());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let registered: serde_json::Value =
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert!(registered["client_id"].is_string(), "{registered}");
}
