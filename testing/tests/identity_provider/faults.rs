use std::time::Duration;

use propusk_testing::identity_provider::{Endpoint, Fault};
use serde_json::{Value, json};

use crate::support::{RESOURCE, get, json_at, provider};

#[tokio::test]
async fn faults_that_answer() {
    let provider = provider().await;
    let elsewhere = "http://127.0.0.1:9/jwks".to_owned();
    let answer = Fault::Answer {
        status: 418,
        content_type: "text/plain",
        body: "tea".to_owned(),
    };
    for (fault, status, content_type, body) in [
        (Fault::Status(500), 500, "text/plain", "fault"),
        (Fault::Html, 200, "text/html", "<!doctype html>"),
        (answer, 418, "text/plain", "tea"),
        (Fault::Redirect(elsewhere.clone()), 307, "", ""),
    ] {
        provider.fault(Endpoint::Jwks, fault).await.unwrap();
        let answer = get(&provider.url(Endpoint::Jwks)).await.unwrap();
        assert_eq!(answer.status(), status);
        let header = |name| {
            answer
                .headers()
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
        };
        assert_eq!(header("content-type"), content_type);
        assert_eq!(
            header("location"),
            if status == 307 { &elsewhere } else { "" }
        );
        assert!(answer.text().await.unwrap().contains(body));
    }
    // The others are not concerned.
    provider.token("machine", RESOURCE, "echo").await.unwrap();
    provider.heal(Endpoint::Jwks).await.unwrap();
    assert!(json_at(&provider, Endpoint::Jwks).await["keys"].is_array());
}

#[tokio::test]
async fn an_oversized_answer_is_the_real_one_and_more() {
    let provider = provider().await;
    let real = json_at(&provider, Endpoint::Jwks).await;
    provider
        .fault(Endpoint::Jwks, Fault::Oversized(10_000_000))
        .await
        .unwrap();
    let answer = get(&provider.url(Endpoint::Jwks)).await.unwrap();
    assert_eq!(answer.content_length(), None);
    let body = answer.bytes().await.unwrap();
    assert!(body.len() > 10_000_000);
    let read: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(read["keys"], real["keys"]);
}

#[tokio::test]
async fn members_of_an_answer_are_replaced() {
    let provider = provider().await;
    let lie = Fault::Merge(json!({"issuer": "http://evil.example", "jwks_uri": null}));
    provider.fault(Endpoint::OauthMetadata, lie).await.unwrap();
    let metadata = json_at(&provider, Endpoint::OauthMetadata).await;
    assert_eq!(metadata["issuer"], "http://evil.example");
    assert!(metadata.get("jwks_uri").is_none());
    assert_eq!(metadata["token_endpoint"], provider.url(Endpoint::Token));

    let token = provider
        .opaque_token("machine", RESOURCE, "echo")
        .await
        .unwrap();
    let lie = Fault::Merge(json!({"aud": ["http://other.example", RESOURCE]}));
    provider.fault(Endpoint::Introspection, lie).await.unwrap();
    let told = provider.introspect(&token).await.unwrap();
    assert_eq!(told["aud"], json!(["http://other.example", RESOURCE]));
    assert_eq!(told["active"], true);
}

#[tokio::test]
async fn faults_that_do_not_answer() {
    let provider = provider().await;
    let jwks = provider.url(Endpoint::Jwks);
    provider
        .fault(Endpoint::Jwks, Fault::Disconnect)
        .await
        .unwrap();
    assert!(get(&jwks).await.is_err());

    provider.fault(Endpoint::Jwks, Fault::Stall).await.unwrap();
    let mut answer = get(&jwks).await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "{");
    let rest = tokio::time::timeout(Duration::from_millis(200), answer.chunk()).await;
    assert!(rest.is_err(), "there was more");

    provider
        .fault(Endpoint::Jwks, Fault::Delay(Duration::from_secs(3600)))
        .await
        .unwrap();
    let late = tokio::time::timeout(Duration::from_millis(200), get(&jwks)).await;
    assert!(late.is_err(), "it answered at once");
    provider
        .fault(Endpoint::Jwks, Fault::Delay(Duration::from_millis(10)))
        .await
        .unwrap();
    assert!(json_at(&provider, Endpoint::Jwks).await["keys"].is_array());
}

#[tokio::test]
async fn a_fault_lasts_as_often_as_it_is_told_and_every_request_counts() {
    let provider = provider().await;
    provider
        .fault_times(Endpoint::Jwks, Fault::Status(503), 2)
        .await
        .unwrap();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(
            get(&provider.url(Endpoint::Jwks))
                .await
                .unwrap()
                .status()
                .as_u16(),
        );
    }
    assert_eq!(statuses, [503, 503, 200]);
    let counts = provider.counts().await.unwrap();
    assert_eq!(
        (counts.of(Endpoint::Jwks), counts.of(Endpoint::Token)),
        (3, 0)
    );
    provider.token("machine", RESOURCE, "echo").await.unwrap();
    assert_eq!(provider.counts().await.unwrap().of(Endpoint::Token), 1);
    provider.reset_counts().await.unwrap();
    assert_eq!(provider.counts().await.unwrap().of(Endpoint::Jwks), 0);
}
