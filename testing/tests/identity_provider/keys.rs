use serde_json::json;

use crate::support::{RESOURCE, key_ids, parts, provider};

#[tokio::test]
async fn a_rotation_signs_with_new_keys_and_publishes_the_old_until_they_retire() {
    let provider = provider().await;
    let kid = |token: &str| parts(token).0["kid"].as_str().unwrap().to_owned();
    let before = kid(&provider.token("machine", RESOURCE, "echo").await.unwrap());
    let opaque = provider
        .opaque_token("machine", RESOURCE, "echo")
        .await
        .unwrap();
    assert_eq!(key_ids(&provider).await.len(), 4);

    provider.rotate().await.unwrap();
    let after = kid(&provider.token("machine", RESOURCE, "echo").await.unwrap());
    assert_ne!(before, after);
    let published = key_ids(&provider).await;
    assert_eq!(published.len(), 8);
    assert!(published.contains(&before) && published.contains(&after));

    provider.retire().await.unwrap();
    let published = key_ids(&provider).await;
    assert_eq!(published.len(), 4);
    assert!(!published.contains(&before) && published.contains(&after));
    // What was issued before is still known.
    assert_eq!(provider.introspect(&opaque).await.unwrap()["active"], true);
    provider
        .token("machine-jwt", RESOURCE, "echo")
        .await
        .unwrap();
}

#[tokio::test]
async fn the_provider_signs_what_a_test_dictates() {
    let provider = provider().await;
    let token = provider.token("machine", RESOURCE, "echo").await.unwrap();
    let claims = json!({"iss": provider.issuer(), "exp": 1});
    let signed = provider
        .sign("provider:RS256", json!({"typ": "at+jwt"}), claims.clone())
        .await;
    let signed = signed.unwrap();
    assert_eq!(parts(&signed.jwt), (parts(&token).0, claims));

    let stranger = provider
        .sign("stranger", json!({}), json!({}))
        .await
        .unwrap();
    let published = key_ids(&provider).await;
    assert!(
        !published
            .iter()
            .any(|kid| parts(&stranger.jwt).0["kid"] == *kid)
    );
    assert!(
        provider
            .sign("provider:HS256", json!({}), json!({}))
            .await
            .is_err()
    );
}
