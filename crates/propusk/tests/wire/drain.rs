//! Ending well: calls in flight finish, streams end, nothing new begins.

use std::time::Duration;

use propusk::{AccessToken, AuthSettings, FixedTokens, Server};
use rmcp::{
    ServerHandler,
    model::{ServerCapabilities, ServerConfig, SubscriptionFilter},
};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::support::{Mount, Reply, Request, Site, Wire, call, called, legacy, modern, soon};

const ALICE: [(&str, &str); 1] = [("Authorization", "Bearer alice")];

/// Sends a request and leaves its answer where it is.
async fn begin(site: &Site, request: &Request) -> Wire {
    let mut wire = Wire::connect(site.address).await;
    wire.send(&request.clone().bearer("alice").bytes()).await;
    wire
}

async fn entered(site: &Site, calls: u32) {
    soon(site.tools.entered.acquire_many(calls))
        .await
        .expect("never closed")
        .forget();
}

/// A connection that is open and has nothing to do; it sees the shutdown begin.
async fn idle(site: &Site) -> Wire {
    let mut wire = Wire::connect(site.address).await;
    wire.send(&Request::new("GET /readyz").bytes()).await;
    assert_eq!(wire.reply().await.status, 200);
    wire
}

#[tokio::test]
async fn calls_in_flight_are_answered_before_the_server_ends() {
    let mut site = Site::plain(Mount::Server).await;
    let session = site.open(&ALICE).await.expect("a session");
    let mut calls = [
        begin(&site, &call("slow")).await,
        begin(&site, &legacy(&session, "slow")).await,
    ];
    entered(&site, 2).await;
    let get = legacy(&session, "").line("GET /mcp").body("");
    let mut stream = begin(&site, &get).await;
    assert_event_stream(&stream.head().await);
    let mut idle = idle(&site).await;

    site.stop();
    assert!(idle.rest().await.is_empty(), "an idle connection is closed");
    TcpStream::connect(site.address)
        .await
        .expect_err("nothing new begins");
    assert!(!site.has_ended(), "two calls are in flight");
    site.tools.released.add_permits(2);
    for call in &mut calls {
        assert_eq!(called(&call.reply().await), "done");
    }
    while stream.chunk().await.is_some() {}
    assert!(stream.rest().await.is_empty(), "a proper end");
    site.ended().await;
}

fn assert_event_stream(head: &Reply) {
    assert_eq!(head.status, 200, "{head:?}");
    assert_eq!(
        head.header("content-type"),
        Some("text/event-stream"),
        "{head:?}"
    );
}

/// A handler whose list of tools may change.
struct Listening;

impl ServerHandler for Listening {
    fn get_info(&self) -> ServerConfig {
        let tools = ServerCapabilities::builder().enable_tools();
        ServerConfig::new(tools.enable_tool_list_changed().build())
    }

    fn accepted_subscription_filter(
        &self,
        asked: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(asked.clone())
    }
}

/// The stream of notifications of 2026-07-28 is a POST, and yet no call to wait for.
#[tokio::test]
async fn a_stream_of_notifications_ends_and_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
    let tokens = FixedTokens::new().with("alice", AccessToken::new("alice"));
    let server = Server::new(Listening).auth(settings, tokens);
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server.serve_on(listener, async move {
        let _ = stopped.await;
    }));
    let params = json!({"notifications": {"toolsListChanged": true}});
    let listen = modern("subscriptions/listen", params).bearer("alice");
    let mut stream = Wire::connect(address).await;
    stream.send(&listen.bytes()).await;
    assert_event_stream(&stream.head().await);
    let first = stream.chunk().await.expect("the acknowledgement");
    let first = String::from_utf8_lossy(&first).into_owned();
    assert!(
        first.contains("notifications/subscriptions/acknowledged"),
        "{first}"
    );
    stop.send(()).expect("it runs");
    while stream.chunk().await.is_some() {}
    soon(served).await.expect("no panic").expect("no error");
}

#[tokio::test]
async fn a_server_without_calls_ends_at_once() {
    let mut site = Site::plain(Mount::Server).await;
    let session = site.open(&ALICE).await.expect("a session");
    let mut stream = begin(&site, &legacy(&session, "").line("GET /mcp").body("")).await;
    assert_eq!(stream.head().await.status, 200);
    site.stop();
    while stream.chunk().await.is_some() {}
    site.ended().await;
}

#[tokio::test]
async fn a_call_that_never_ends_does_not_keep_the_server() {
    let options = |server: Server<_>| server.drain_timeout(Duration::ZERO);
    let mut site = Site::start_with(Mount::Server, |settings| settings, options).await;
    let session = site.open(&ALICE).await.expect("a session");
    let _calls = [
        begin(&site, &call("slow")).await,
        begin(&site, &legacy(&session, "slow")).await,
    ];
    entered(&site, 2).await;
    site.stop();
    site.ended().await;
}

#[tokio::test]
async fn health_checks_need_no_token_and_tell_nothing() {
    let site = Site::start(Mount::Server, |s| s.require_scopes("mcp").unwrap()).await;
    for (line, status, body) in [
        ("GET /healthz", 200, "ok\n"),
        ("GET /readyz", 200, "ready\n"),
        ("GET /", 404, "not found\n"),
        ("GET /mcpx", 404, "not found\n"),
        ("GET /mcp/x", 404, "not found\n"),
    ] {
        let reply = site.send(&Request::new(line)).await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (status, body),
            "{line}"
        );
    }
    // With or without a slash, the endpoint is the same and needs its token.
    for (line, expected) in [("POST /mcp/", "alice"), ("POST /mcp", "alice")] {
        assert_eq!(
            called(&site.send(&call("whoami").line(line).bearer("alice")).await),
            expected
        );
        assert_eq!(site.send(&call("whoami").line(line)).await.status, 401);
    }
    assert_eq!(
        site.send(&modern("tools/list", json!({})).bearer("poor"))
            .await
            .status,
        403
    );
}
