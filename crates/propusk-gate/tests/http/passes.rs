//! What crosses the gate, and how.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    gate::{ALICE, BOB, Gate, ping},
    upstream::{Upstream, events, json, whole},
};

#[tokio::test]
async fn a_request_and_its_answer_cross_with_their_bytes() {
    let upstream = Upstream::new(|_| json(r#"{ "jsonrpc":"2.0", "id":7 , "result":{ } }"#)).await;
    let gate = Gate::before(&upstream.url).await;
    let message = "{ \"jsonrpc\": \"2.0\",\"id\":7,\n\"method\":\"tools/call\" , \"params\":{\"name\":\"t\",\"arguments\":{\"a\":\"b\"},\"x\":1.0} }";
    let sent = gate
        .post(&json!({}))
        .body(message)
        .header("mcp-protocol-version", "2026-07-28");
    let sent = sent
        .header("mcp-method", "tools/call")
        .header("mcp-param-a", "b")
        .header("traceparent", "00-x");
    let answer = sent.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(
        answer.text().await.expect("text"),
        r#"{ "jsonrpc":"2.0", "id":7 , "result":{ } }"#
    );
    let [arrived] = &upstream.arrived()[..] else {
        panic!("one request");
    };
    assert_eq!(arrived.body, message);
    assert_eq!(arrived.target, "/upstream");
    for (name, value) in [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-param-a", "b"),
        ("traceparent", "00-x"),
        ("accept", "application/json, text/event-stream"),
    ] {
        assert_eq!(arrived.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn statuses_and_errors_of_the_protocol_cross_as_they_are() {
    let upstream = Upstream::new(|arrived| match &*arrived.body {
        b"" => whole(405, "text/plain", "no stream here"),
        body if body.ends_with(b"\"notifications/initialized\"}") => whole(202, "text/plain", ""),
        _ => whole(
            400,
            "application/json",
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"x"}}"#,
        ),
    })
    .await;
    let gate = Gate::before(&upstream.url).await;
    let notified = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let answers = [
        gate.call(&ping()).await,
        gate.call(&notified).await,
        gate.get().send().await.expect("an answer"),
    ];
    assert_eq!(
        answers.map(|answer| answer.status().as_u16()),
        [400, 202, 405]
    );
    let method = reqwest::Method::PUT;
    let put = gate.client.request(method, gate.url()).bearer_auth(ALICE);
    let put = put.send().await.expect("an answer");
    assert_eq!(
        (put.status().as_u16(), &put.headers()["allow"]),
        (405, &"GET, POST, DELETE".parse().unwrap())
    );
    assert_eq!(upstream.arrived().len(), 3);
}

/// Otherwise progress would come when the work is done.
#[tokio::test]
async fn events_go_on_one_by_one_as_they_come() {
    let (give, mut take) = mpsc::unbounded_channel();
    let upstream = Upstream::new(move |_| {
        let (sender, answer) = events();
        give.send(sender).unwrap();
        answer
    })
    .await;
    let gate = Gate::before(&upstream.url).await;
    let mut answer = gate.call(&ping()).await;
    let sender = take.recv().await.expect("a stream");
    for event in [
        "id: 1\ndata: {\"a\":1}\n\n",
        ": nothing\n\n",
        "data: {\"b\"",
        ":2}\r\n\r\n",
    ] {
        sender.send(Bytes::from(event)).await.expect("a reader");
        let came = answer.chunk().await.expect("a stream").expect("not over");
        assert_eq!(came, event);
    }
    drop(sender);
    assert_eq!(answer.chunk().await.expect("a clean end"), None);
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_exchange_along() {
    let (give, mut take) = mpsc::unbounded_channel();
    let upstream = Upstream::new(move |_| {
        let (sender, answer) = events();
        give.send(sender).unwrap();
        answer
    })
    .await;
    let gate = Gate::before(&upstream.url).await;
    for request in [gate.post(&ping()), gate.get()] {
        let answer = request.send().await.expect("an answer");
        let sender = take.recv().await.expect("a stream");
        drop(answer);
        sender.closed().await;
    }
}

#[tokio::test]
async fn a_stream_that_its_client_resumes_is_asked_for_by_its_last_event() {
    let upstream = Upstream::new(|_| whole(200, "text/event-stream", "id: 5\ndata: {}\n\n")).await;
    let gate = Gate::before(&upstream.url).await;
    let first = gate.get().send().await.expect("an answer").text().await;
    assert_eq!(first.expect("text"), "id: 5\ndata: {}\n\n");
    let get = gate.get().header("last-event-id", "5");
    let text = get.send().await.expect("an answer").text().await;
    assert_eq!(text.expect("text"), "id: 5\ndata: {}\n\n");
    assert_eq!(upstream.arrived()[1].header("last-event-id"), Some("5"));
}

/// A session belongs to whoever opened it, also where the upstream would let anybody in.
#[tokio::test]
async fn sessions_cross_and_stay_with_their_principal() {
    let ended = Arc::new(Mutex::new(0));
    let count = Arc::clone(&ended);
    let upstream = Upstream::new(move |arrived| {
        if arrived.method == "DELETE" {
            *count.lock().unwrap() += 1;
            return whole(200, "text/plain", "");
        }
        let mut answer = json(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
        if arrived.header("mcp-session-id").is_none() {
            let id = "the-session".parse().unwrap();
            answer.headers_mut().insert("mcp-session-id", id);
        }
        answer
    })
    .await;
    let gate = Gate::before(&upstream.url).await;
    let initialize = json!({ "jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {} });
    let opened = gate.call(&initialize).await;
    assert_eq!(opened.headers()["mcp-session-id"], "the-session");
    let inside = |token: &'static str, id: &'static str| {
        let post = gate.client.post(gate.url()).bearer_auth(token);
        let post = post.header("content-type", "application/json");
        post.header("mcp-session-id", id).body(ping().to_string())
    };
    let status = async |request: reqwest::RequestBuilder| {
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status(inside(ALICE, "the-session")).await, 200);
    assert_eq!(
        upstream.arrived()[1].header("mcp-session-id"),
        Some("the-session")
    );
    for (token, id) in [(BOB, "the-session"), (BOB, "another"), (ALICE, "another")] {
        assert_eq!(status(inside(token, id)).await, 404, "{id}");
    }
    // The name with an underscore is another one, and yet the same where headers become variables.
    let confused = inside(ALICE, "the-session")
        .header("mcp_session_id", "bobs")
        .header("mcp-session_id", "bobs");
    assert_eq!(status(confused).await, 200);
    assert_eq!(upstream.arrived().len(), 3);
    assert!(!upstream.arrived()[2].text().contains("bobs"));
    let delete = |token| {
        gate.client
            .delete(gate.url())
            .bearer_auth(token)
            .header("mcp-session-id", "the-session")
    };
    assert_eq!(status(delete(BOB)).await, 404);
    assert_eq!(*ended.lock().unwrap(), 0);
    assert_eq!(status(delete(ALICE)).await, 200);
    assert_eq!(*ended.lock().unwrap(), 1);
    assert_eq!(
        status(inside(ALICE, "the-session")).await,
        404,
        "it is over"
    );
}
