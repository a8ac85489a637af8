//! Where the introspection endpoint is found.

use std::{sync::Arc, time::Duration};

use propusk::{ClientAuthentication, IntrospectionVerifier, TokenVerifier};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    identity_server::{IdentityServer, RESOURCE, Reply, active},
    support::{TestClock, said, soon},
};

fn verifier(server: &IdentityServer) -> (IntrospectionVerifier, TestClock) {
    let clock = TestClock::default();
    let client = ClientAuthentication::basic("me", "client-secret");
    let verifier = IntrospectionVerifier::from_issuer(&server.issuer(), RESOURCE, client).unwrap();
    let verifier = verifier.cache(Duration::ZERO, Duration::ZERO);
    (verifier.with_clock(clock.clone()), clock)
}

/// Metadata of this server with another endpoint.
fn metadata(server: &IdentityServer, endpoint: &Value) -> Reply {
    Reply::Json(json!({"issuer": server.issuer(), "introspection_endpoint": endpoint}))
}

#[tokio::test]
async fn it_is_looked_up_once_and_not_before_it_is_needed() {
    let server = IdentityServer::start().await;
    let (verifier, _) = verifier(&server);
    assert_eq!(server.metadata_asked(), 0);
    let verifier = Arc::new(verifier);
    let mut requests = JoinSet::new();
    for number in 0..50 {
        let verifier = Arc::clone(&verifier);
        requests.spawn(async move { said(&*verifier, &format!("t{number}")).await });
    }
    assert_eq!(soon(requests.join_all()).await, vec!["alice"; 50]);
    assert_eq!((server.metadata_asked(), server.asked()), (1, 50));
    let token = verifier.verify_token("t").await.unwrap().expect("valid");
    assert_eq!(token.issuer(), Some(server.issuer().as_str()));
    let mut foreign = active();
    foreign["iss"] = "https://evil.example".into();
    server.reply(Reply::Json(foreign));
    assert_eq!(said(&*verifier, "t").await, "no");
}

#[tokio::test]
async fn after_a_failure_it_is_looked_for_again_a_little_later() {
    let server = IdentityServer::start().await;
    let good = metadata(&server, &server.endpoint().into());
    for (reply, expected) in [
        (Reply::Status(500), "HTTP 500"),
        (Reply::Status(404), "HTTP 404"),
        (Reply::Text("<html>"), "not the JSON"),
        (Reply::Huge, "larger than"),
        (
            Reply::Json(json!({"issuer": "https://evil.example"})),
            "another issuer",
        ),
        (
            Reply::Json(json!({"issuer": server.issuer()})),
            "introspection_endpoint",
        ),
        (
            metadata(&server, &"http://192.0.2.1/introspect".into()),
            "https",
        ),
        (
            metadata(&server, &"https://192.168.0.1/introspect".into()),
            "not public",
        ),
        (metadata(&server, &"file:///etc/passwd".into()), "https"),
    ] {
        let (verifier, clock) = verifier(&server);
        let before = server.metadata_asked();
        server.reply_with_metadata(reply);
        let error = verifier.verify_token("t").await.expect_err("cannot tell");
        let shown = error.cause().to_string();
        assert!(shown.contains(expected), "{expected}: {shown}");
        let after_one = server.metadata_asked();
        assert!(after_one > before);
        server.reply_with_metadata(good.clone());
        clock.set(4);
        assert_eq!(said(&verifier, "t").await, "cannot tell", "{expected}");
        assert_eq!(server.metadata_asked(), after_one, "it cools down");
        clock.set(5);
        assert_eq!(said(&verifier, "t").await, "alice", "after {expected}");
    }
}

#[tokio::test]
async fn an_endpoint_that_has_moved_is_looked_up_again() {
    let server = IdentityServer::start().await;
    let (verifier, _) = verifier(&server);
    assert_eq!(said(&verifier, "t").await, "alice");
    let elsewhere = format!("{}/elsewhere", server.issuer());
    server.reply_with_metadata(metadata(&server, &elsewhere.into()));
    server.reply(Reply::Status(404));
    assert_eq!(said(&verifier, "t").await, "cannot tell");
    server.reply(Reply::Json(active()));
    assert_eq!(said(&verifier, "t").await, "alice");
    assert_eq!(server.last().target, "/elsewhere");
    assert_eq!(server.metadata_asked(), 2);
}
