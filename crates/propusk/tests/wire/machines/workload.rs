//! Workload identity: the platform's token, read anew and sent once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use propusk::client::{ErrorKind, TokenErrorKind, WorkloadIdentity};
use serde_json::json;
use tempfile::TempDir;

use super::{SECRET, call, client, gives, says_no_secret, site, token_requests};
use crate::sign_in::world::{Answer, World};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// RFC 7523 §2.1: the assertion alone says who it is. The file may have changed meanwhile.
#[tokio::test]
async fn rfc7523_2_1_the_file_is_read_for_each_exchange() {
    let world = World::start().await;
    let site = site(&world).await;
    // Each request needs another one.
    world.answer(
        "POST /token",
        gives("notes:read", &json!({"expires_in": 1e-9})),
    );
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("token");
    let source = client(&site.url(), WorkloadIdentity::from_file(&file));
    let mut before = 0;
    for text in ["one.two.three", "four.five.six"] {
        std::fs::write(&file, format!("{text}\n")).expect("written");
        call(&source, "free").await.expect("answered");
        for asked in &token_requests(&world)[before..] {
            let field = |name: &str| asked.field(name);
            assert_eq!(field("grant_type").as_deref(), Some(JWT_BEARER));
            assert_eq!(field("assertion").as_deref(), Some(text));
            assert_eq!(field("resource"), Some(site.url()));
            assert_eq!(field("scope").as_deref(), Some("notes:read"));
            assert_eq!(field("client_id"), None);
            assert_eq!(asked.header("authorization"), None);
        }
        let now = token_requests(&world).len();
        assert!(now > before, "asked with {text}");
        before = now;
    }
}

/// MCP workload identity: a rejected assertion is not presented again, and nothing else is tried.
#[tokio::test]
async fn a_rejection_is_the_end() {
    for error in ["invalid_grant", "invalid_scope", "unauthorized_client"] {
        let world = World::start().await;
        let site = site(&world).await;
        let refusal = json!({"error": error, "error_description": SECRET});
        world.answer("POST /token", Answer::Json(400, refusal));
        let assertion = format!("{SECRET}.x.y");
        let source = WorkloadIdentity::new(move || std::future::ready(Ok(assertion.clone())));
        let failed = call(&client(&site.url(), source), "free").await;
        let failed = failed.expect_err("declined");
        let kind = ErrorKind::NoToken(TokenErrorKind::Declined);
        assert_eq!(failed.kind(), &kind, "{failed}");
        assert!(failed.to_string().contains(error), "{failed}");
        world.asked("POST /token");
        assert!(!world.routes().contains(&"POST /register".to_owned()));
    }
}

/// A file that is not there, or is not what it should be, is not sent anywhere.
#[tokio::test]
async fn what_is_no_token_is_not_sent() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("token");
    for (content, kind) in [
        (None, TokenErrorKind::Unavailable),
        (Some(String::new()), TokenErrorKind::Misconfigured),
        (
            Some(format!("{SECRET} {SECRET}")),
            TokenErrorKind::Misconfigured,
        ),
        (
            Some(format!("a.b.{SECRET}\r\nX: y")),
            TokenErrorKind::Misconfigured,
        ),
        (
            Some(format!("a.b.{SECRET}&x=y")),
            TokenErrorKind::Misconfigured,
        ),
    ] {
        if let Some(content) = &content {
            std::fs::write(&file, content).expect("written");
        }
        let world = World::start().await;
        let site = site(&world).await;
        let source = WorkloadIdentity::from_file(&file);
        let error = call(&client(&site.url(), source), "free").await;
        let error = error.expect_err("no token");
        assert_eq!(error.kind(), &ErrorKind::NoToken(kind), "{error}");
        says_no_secret(&error);
        assert!(token_requests(&world).is_empty(), "{content:?}");
    }
}

#[tokio::test]
async fn a_closure_is_asked_for_each_exchange() {
    let world = World::start().await;
    let site = site(&world).await;
    let ended = gives("ended", &json!({"expires_in": 1e-9}));
    let answers = vec![ended, gives("notes:read", &json!({}))];
    world.answer_in_turn("POST /token", answers);
    let count = Arc::new(AtomicUsize::new(0));
    let source = WorkloadIdentity::new(move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok(format!("a.b.{number}")))
    });
    call(&client(&site.url(), source), "free")
        .await
        .expect("answered");
    let asked = token_requests(&world);
    let sent: Vec<_> = asked.iter().filter_map(|a| a.field("assertion")).collect();
    assert_eq!(sent, ["a.b.0", "a.b.1"]);
}
