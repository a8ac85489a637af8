use propusk_testing::identity_provider::{Endpoint, IdentityProvider, Options};

use crate::support::{RESOURCE, get, key_ids, provider};

#[tokio::test]
async fn stopped_and_started_it_is_the_same_provider() {
    let mut provider = IdentityProvider::start(Options::new().issuer_path("/t"))
        .await
        .unwrap();
    provider.rotate().await.unwrap();
    let issuer = provider.issuer().to_owned();
    let keys = key_ids(&provider).await;
    let opaque = provider
        .opaque_token("machine", RESOURCE, "echo")
        .await
        .unwrap();

    provider.stop().await.unwrap();
    let refused = get(&provider.url(Endpoint::Jwks)).await.unwrap_err();
    assert!(refused.is_connect(), "{refused}");
    assert!(provider.token("machine", RESOURCE, "echo").await.is_err());
    assert!(provider.stop().await.is_err());

    provider.start_again().await.unwrap();
    assert_eq!(provider.issuer(), issuer);
    assert_eq!(key_ids(&provider).await, keys);
    assert_eq!(provider.introspect(&opaque).await.unwrap()["active"], true);
    provider.token("machine", RESOURCE, "echo").await.unwrap();
    assert!(provider.start_again().await.is_err());
}

#[tokio::test]
async fn dropped_it_is_gone() {
    let provider = provider().await;
    let jwks = provider.url(Endpoint::Jwks);
    get(&jwks).await.unwrap();
    drop(provider);
    // Killed, and by and by gone: until then it is asked again.
    while get(&jwks).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_start_that_fails_says_why() {
    // No issuer has a query.
    let failed = IdentityProvider::start(Options::new().issuer_path("?a=b")).await;
    let failed = failed.err().unwrap().to_string();
    assert!(failed.contains("query component"), "{failed}");
}
