//! `IntrospectionVerifier` in outages, and what is remembered.

use std::{sync::Arc, time::Duration};

use propusk::{AccessToken, ClientAuthentication, IntrospectionVerifier, TokenVerifier};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    identity_server::{IdentityServer, RESOURCE, Reply, active},
    support::{TestClock, let_others_run, said, soon},
};

fn client() -> ClientAuthentication {
    ClientAuthentication::basic("me", "client-secret")
}

/// A verifier that remembers as it does by default, with a clock.
fn remembering(server: &IdentityServer) -> (IntrospectionVerifier, TestClock) {
    let clock = TestClock::default();
    let verifier = IntrospectionVerifier::new(&server.endpoint(), RESOURCE, client()).unwrap();
    (verifier.with_clock(clock.clone()), clock)
}

async fn cause(verifier: &IntrospectionVerifier, token: &str) -> String {
    let answer = verifier.verify_token(token).await;
    answer.expect_err("cannot tell").cause().to_string()
}

#[tokio::test]
async fn an_outage_is_never_a_401_and_ends_by_itself() {
    let server = IdentityServer::start().await;
    for (reply, expected) in [
        (
            Reply::Status(401),
            "refuses the credentials of this server (HTTP 401)",
        ),
        (
            Reply::Status(403),
            "refuses the credentials of this server (HTTP 403)",
        ),
        (Reply::Status(400), "HTTP 400"),
        (Reply::Status(404), "HTTP 404"),
        (Reply::Status(429), "HTTP 429"),
        (Reply::Status(500), "HTTP 500"),
        (Reply::Status(503), "HTTP 503"),
        (Reply::Status(204), "is not a JSON object"),
        (Reply::Text("<html>Sign in</html>"), "is not a JSON object"),
        (Reply::Text("[]"), "is not a JSON object"),
        (
            Reply::Text(r#"{"active":false,"active":true}"#),
            "is not a JSON object",
        ),
        (
            Reply::Json(json!({"error": "invalid_client"})),
            "has no `active`",
        ),
        (Reply::Huge, "larger than"),
        (Reply::Redirect("http://192.0.2.1/".to_owned()), "redirects"),
        (Reply::Redirect("/elsewhere".to_owned()), "redirects"),
    ] {
        let (verifier, _) = server.verifier();
        let before = server.asked();
        server.reply(reply);
        let shown = cause(&verifier, "t").await;
        assert!(shown.contains(expected), "{expected}: {shown}");
        assert_eq!(server.asked(), before + 1, "{expected}");
        server.reply(Reply::Json(active()));
        assert_eq!(said(&verifier, "t").await, "alice", "after {expected}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_time_limit_and_no_more() {
    let server = IdentityServer::start().await;
    let (verifier, _) = server.verifier();
    let verifier = verifier.timeout(Duration::from_millis(50));
    server.reply_to("slow", Reply::Hang);
    let shown = soon(cause(&verifier, "slow")).await;
    assert!(shown.contains("in time"), "{shown}");
    let verifier = verifier.timeout(Duration::from_secs(60));
    assert_eq!(said(&verifier, "t").await, "alice");
}

#[tokio::test]
async fn nobody_listens_and_then_somebody_does() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let clock = TestClock::default();
    let endpoint = format!("http://{address}/introspect");
    let verifier = IntrospectionVerifier::new(&endpoint, RESOURCE, client()).unwrap();
    let verifier = verifier.with_clock(clock.clone());
    for _ in 0..5 {
        assert_eq!(said(&verifier, "t").await, "cannot tell");
    }
    let _server = IdentityServer::at(&address.to_string()).await;
    clock.set(1);
    assert_eq!(said(&verifier, "t").await, "alice");
}

#[tokio::test]
async fn a_server_that_fails_is_left_alone_for_a_moment() {
    let server = IdentityServer::start().await;
    let (verifier, clock) = server.verifier();
    for (reply, calls) in [
        (Reply::Status(503), 3),
        (Reply::Status(401), 3),
        (Reply::Status(500), 10),
    ] {
        server.reply(reply);
        let before = server.asked();
        for number in 0..10 {
            assert_eq!(said(&verifier, &format!("t{number}")).await, "cannot tell");
        }
        assert_eq!(server.asked(), before + calls);
        clock.set(1);
        assert_eq!(said(&verifier, "t").await, "cannot tell");
        assert_eq!(server.asked(), before + calls + 1, "one asks again");
        server.reply(Reply::Json(active()));
        clock.set(2);
        assert_eq!(said(&verifier, "t").await, "alice");
        clock.set(0);
    }
    server.reply(Reply::Status(503));
    for _ in 0..3 {
        said(&verifier, "t").await;
    }
    let refused = verifier.verify_token("t").await.expect_err("it rests");
    assert_eq!(refused.retry_after(), Duration::from_secs(1));
}

#[tokio::test]
async fn calls_at_the_same_time_are_bounded() {
    let server = IdentityServer::start().await;
    let (verifier, _) = server.verifier();
    let verifier = Arc::new(verifier.timeout(Duration::from_secs(60)));
    server.reply(Reply::Hang);
    let mut requests = JoinSet::new();
    for number in 0..200 {
        let verifier = Arc::clone(&verifier);
        requests.spawn(async move { said(&*verifier, &format!("t{number}")).await });
    }
    server.until_waiting(64).await;
    let_others_run().await;
    assert_eq!((server.waiting(), server.asked()), (64, 64));
    server.open();
    assert_eq!(soon(requests.join_all()).await, vec!["alice"; 200]);
}

#[tokio::test]
async fn answers_are_remembered() {
    let server = IdentityServer::start().await;
    let (verifier, clock) = remembering(&server);
    server.reply_to("wrong", Reply::Json(json!({"active": false})));
    let ends = TestClock::at(10)
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let mut short = active();
    short["exp"] = ends.as_secs().into();
    server.reply_to("short", Reply::Json(short));
    for (seconds, token, says, asked) in [
        (0, "t", "alice", 1),
        (29, "t", "alice", 1),
        (30, "t", "alice", 2),
        (0, "wrong", "no", 3),
        (4, "wrong", "no", 3),
        (5, "wrong", "no", 4),
        // Never beyond the expiry, though the leeway still accepts it.
        (6, "short", "alice", 5),
        (9, "short", "alice", 5),
        (10, "short", "alice", 6),
        (11, "short", "alice", 7),
        (40, "short", "no", 8),
    ] {
        clock.set(seconds);
        assert_eq!(said(&verifier, token).await, says, "{token} at {seconds}");
        assert_eq!(server.asked(), asked, "{token} at {seconds}");
    }
}

#[tokio::test]
async fn the_times_to_remember_can_be_set_and_everything_forgotten() {
    let server = IdentityServer::start().await;
    let (verifier, clock) = remembering(&server);
    let verifier = verifier.cache(Duration::from_secs(10), Duration::ZERO);
    for (seconds, asked) in [(0, 1), (9, 1), (10, 2)] {
        clock.set(seconds);
        said(&verifier, "t").await;
        assert_eq!(server.asked(), asked);
    }
    type Forget = fn(&IntrospectionVerifier);
    let table: [Forget; 3] = [
        |verifier| verifier.forget("t"),
        |verifier| verifier.forget_where(|token: &AccessToken| token.subject() == "alice"),
        IntrospectionVerifier::forget_all,
    ];
    for forget in table {
        let before = server.asked();
        forget(&verifier);
        said(&verifier, "t").await;
        said(&verifier, "t").await;
        assert_eq!(server.asked(), before + 1);
    }
}

#[tokio::test]
async fn a_hundred_requests_with_one_token_cost_one_call() {
    let server = IdentityServer::start().await;
    let (verifier, _) = remembering(&server);
    let verifier = Arc::new(verifier.timeout(Duration::from_secs(60)));
    server.reply(Reply::Hang);
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let verifier = Arc::clone(&verifier);
        requests.spawn(async move { said(&*verifier, "t").await });
    }
    server.until_waiting(1).await;
    let_others_run().await;
    server.open();
    assert_eq!(soon(requests.join_all()).await, vec!["alice"; 100]);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_flood_of_wrong_tokens_pushes_no_valid_one_out() {
    let server = IdentityServer::start().await;
    let (verifier, _) = remembering(&server);
    let verifier = verifier.capacity(100);
    assert_eq!(said(&verifier, "good").await, "alice");
    server.reply(Reply::Json(json!({"active": false})));
    for number in 0..500 {
        assert_eq!(said(&verifier, &format!("guess-{number}")).await, "no");
    }
    assert_eq!(said(&verifier, "good").await, "alice");
    assert_eq!(server.asked(), 501);
}

#[tokio::test]
async fn a_known_token_outlives_an_outage_up_to_its_ceiling() {
    let server = IdentityServer::start().await;
    let (verifier, clock) = remembering(&server);
    assert_eq!(said(&verifier, "t").await, "alice");
    server.reply(Reply::Status(503));
    assert_eq!(said(&verifier, "other").await, "cannot tell");
    assert_eq!(said(&verifier, "t").await, "alice");
    clock.set(30);
    assert_eq!(said(&verifier, "t").await, "cannot tell");
}
