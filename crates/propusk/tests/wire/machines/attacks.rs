//! Servers that would like to have the credentials of a program.

use std::sync::Arc;

use propusk::client::{ClientCredentials, ErrorKind, MachineClient, TokenErrorKind};
use serde_json::json;

use super::{SECRET, call, client, gives, says_no_secret, site, token_requests};
use crate::{
    secrets::listen,
    sign_in::world::{Answer, World},
};

fn source() -> ClientCredentials {
    ClientCredentials::new(MachineClient::secret("report", SECRET))
}

/// Whether anything in the log of a server has the secret in it, in whatever form.
fn has_seen_the_secret(world: &World) -> bool {
    !token_requests(world).is_empty()
}

/// Credentials are sent to the token endpoint of the issuer, where it may be asked, or not at all.
#[tokio::test]
async fn endpoints_that_are_not_asked() {
    let thief = World::start().await;
    for (what, says) in [
        (
            "http",
            json!({"token_endpoint": "http://login.example/token"}),
        ),
        (
            "metadata",
            json!({"token_endpoint": "http://169.254.169.254/token"}),
        ),
        (
            "private",
            json!({"token_endpoint": "https://10.0.0.1/token"}),
        ),
        ("file", json!({"token_endpoint": "file:///etc/passwd"})),
        (
            "user",
            json!({"token_endpoint": "https://a:b@login.example/token"}),
        ),
        (
            "fragment",
            json!({"token_endpoint": "https://login.example/token#x"}),
        ),
        ("issuer", json!({"issuer": thief.origin()})),
        ("no issuer", json!({"issuer": null})),
    ] {
        let world = World::start().await;
        let site = site(&world).await;
        world.server_says(&says);
        let error = call(&client(&site.url(), source()), "free").await;
        let error = error.expect_err(what);
        let kind = ErrorKind::NoToken(TokenErrorKind::Unsafe);
        assert_eq!(error.kind(), &kind, "{what}: {error}");
        says_no_secret(&error);
        assert!(!has_seen_the_secret(&world), "{what}");
    }
    assert!(thief.log().is_empty());
}

#[tokio::test]
async fn a_redirect_of_the_token_endpoint_is_not_followed() {
    let thief = World::start().await;
    for status in [301, 302, 303, 307, 308] {
        let world = World::start().await;
        let site = site(&world).await;
        let to = format!("{}/token", thief.origin());
        world.answer("POST /token", Answer::Redirect(status, to));
        let error = call(&client(&site.url(), source()), "free").await;
        let kind = ErrorKind::NoToken(TokenErrorKind::Unsafe);
        assert_eq!(error.expect_err("unsafe").kind(), &kind, "{status}");
    }
    assert!(thief.log().is_empty());
}

/// The caller named an issuer; the server names another one.
#[tokio::test]
async fn another_issuer_than_the_named_one_is_sent_nothing() {
    let world = World::start().await;
    let site = site(&world).await;
    for named in [
        "https://login.example".to_owned(),
        format!("{}/", world.origin()),
        world.origin().replace("127.0.0.1", "localhost"),
    ] {
        let source = source().for_issuer(&*named);
        let error = call(&client(&site.url(), source), "free").await;
        let kind = ErrorKind::NoToken(TokenErrorKind::Unsafe);
        assert_eq!(error.expect_err("unsafe").kind(), &kind, "{named}");
        assert!(!has_seen_the_secret(&world), "{named}");
    }
    world.answer("POST /token", gives("notes:read", &json!({})));
    let source = source().for_issuer(world.origin());
    call(&client(&site.url(), source), "free")
        .await
        .expect("the right one");
}

/// MCP 2026-07-28, client registration: credentials of one issuer are not used with another.
#[tokio::test]
async fn an_authorization_server_that_changes_is_sent_nothing() {
    let (world, thief) = (World::start().await, World::start().await);
    let source = Arc::new(source());
    let client = client(&world.url(), Arc::clone(&source));
    let refused = call(&client, "free").await.expect_err("refused");
    assert!(refused.is_unauthenticated(), "{refused}");
    assert_eq!(token_requests(&world).len(), 1);

    world.resource_says(&json!({"authorization_servers": [thief.origin()]}));
    let error = call(&client, "free").await.expect_err("unsafe");
    let kind = ErrorKind::NoToken(TokenErrorKind::Unsafe);
    assert_eq!(error.kind(), &kind, "{error}");
    assert!(
        error.to_string().contains("register the client there"),
        "{error}"
    );
    assert!(!has_seen_the_secret(&thief));
    assert_eq!(token_requests(&world).len(), 1);
}

/// A token is for the server that it was got for.
#[tokio::test]
async fn one_source_is_for_one_server() {
    let world = World::start().await;
    let (first, second) = (site(&world).await, site(&world).await);
    world.answer("POST /token", gives("notes:read", &json!({})));
    let source = Arc::new(source());
    let to_first = client(&first.url(), Arc::clone(&source));
    call(&to_first, "free").await.expect("answered");
    let to_second = client(&second.url(), Arc::clone(&source));
    let error = call(&to_second, "free").await.expect_err("of another");
    let kind = ErrorKind::NoToken(TokenErrorKind::Misconfigured);
    assert_eq!(error.kind(), &kind, "{error}");
}

/// A refusal that repeats what it was sent, endlessly refused tokens, and the log of all of it.
#[tokio::test]
async fn no_secret_is_shown_and_nothing_is_tried_without_end() {
    let log = listen();
    let world = World::start().await;
    let site = site(&world).await;
    let says = format!("the secret {SECRET} is wrong");
    let refusal = json!({"error": "invalid_client", "error_description": says});
    world.answer("POST /token", Answer::Json(401, refusal));
    let client = client(&site.url(), source());
    for _ in 0..3 {
        let error = call(&client, "free").await.expect_err("declined");
        let kind = ErrorKind::NoToken(TokenErrorKind::Declined);
        assert_eq!(error.kind(), &kind, "{error}");
        assert!(error.to_string().contains("invalid_client"), "{error}");
        says_no_secret(&error);
    }
    assert_eq!(token_requests(&world).len(), 3, "once for each");
    let text = log.text();
    assert!(!text.is_empty(), "the log is listened to");
    let telling: Vec<_> = text.lines().filter(|line| line.contains(SECRET)).collect();
    assert!(telling.is_empty(), "{telling:#?}");
}
