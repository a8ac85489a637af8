//! What is told of a request's end, and of its trace.

use std::{sync::Arc, time::Duration};

use propusk::{audit::Ending, rules::RuleSet};
use serde_json::{Value, json};

use crate::{
    faults::Within,
    support::{Client, Gate, Watcher, fixture, text, until},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn gate(era: &str, watcher: &Arc<Watcher>, rules: RuleSet) -> Gate {
    Gate::watched(
        fixture(era),
        Gate::settings(),
        rules,
        Some(Arc::clone(watcher)),
    )
    .await
}

#[tokio::test]
async fn what_fails_behind_the_gate_has_not_ended_well() {
    for era in ["sessions", "requests"] {
        let watcher = Arc::new(Watcher::new(false));
        let rules = RuleSet::new().with(Within(Duration::from_secs(2)));
        let gate = gate(era, &watcher, rules).await;
        let session = Client::session(&gate, "alice").await;
        let modern = Client::modern(&gate, "alice");
        for (round, client) in [&session, &modern].into_iter().enumerate() {
            let line = r#"{"jsonrpc":"2.0","id":$id,"result":NaN}"#;
            for (tool, arguments, how) in [
                ("echo", json!({ "text": "well" }), Ending::Complete),
                // Its own error is an answer.
                ("nothing", json!({}), Ending::Complete),
                ("hang", json!({}), Ending::Broken),
                ("raw", json!({ "line": line }), Ending::Broken),
                ("crash", json!({}), Ending::Broken),
            ] {
                let answer = client.call(tool, arguments).await;
                until(&format!("{tool} has ended {how:?}: {answer}"), async || {
                    watcher.ended(tool, how) == round + 1
                })
                .await;
            }
        }
        gate.end().await;
    }
}

/// What the child is told of the trace.
async fn told(client: &Client, meta: Value) -> Value {
    let params = json!({ "name": "meta", "arguments": {}, "_meta": meta });
    let answer = client.begin("tools/call", params).await.answer().await;
    serde_json::from_str(text(&answer)).unwrap()
}

#[tokio::test]
async fn w3c_trace_context_the_child_gets_our_span_as_its_parent() {
    let watcher = Arc::new(Watcher::new(true));
    let gate = gate("both", &watcher, RuleSet::new()).await;
    let given = format!("00-{TRACE}-00f067aa0ba902b7-01");
    for client in [
        Client::session(&gate, "alice").await,
        Client::modern(&gate, "alice"),
    ] {
        let meta = told(
            &client,
            json!({ "traceparent": given, "tracestate": "a=b" }),
        )
        .await;
        let sent = meta["traceparent"].as_str().unwrap().to_owned();
        assert_ne!(sent, given);
        assert_eq!(sent[..36], given[..36], "the trace is the client's");
        assert_eq!(meta["tracestate"], "a=b");
        until("the span is told", async || {
            let spans = watcher.spans();
            let mut own = spans.iter().filter(|span| span.to_string() == sent);
            own.any(|span| span.parent() == Some(0x00f0_67aa_0ba9_02b7))
        })
        .await;
        // A trace that is none is not handed on, and its state neither.
        for meta in [
            json!({}),
            json!({ "traceparent": "garbage", "tracestate": "a=b" }),
        ] {
            let meta = told(&client, meta).await;
            let sent = meta["traceparent"].as_str().unwrap().to_owned();
            assert!(meta["tracestate"].is_null(), "{meta}");
            until("the span is told", async || {
                let spans = watcher.spans();
                let mut own = spans.iter().filter(|span| span.to_string() == sent);
                own.any(|span| span.parent().is_none())
            })
            .await;
        }
    }
    gate.end().await;
}

#[tokio::test]
async fn where_nobody_records_spans_the_child_gets_what_the_client_sent() {
    let watcher = Arc::new(Watcher::new(false));
    let gate = gate("both", &watcher, RuleSet::new()).await;
    let alice = Client::modern(&gate, "alice");
    let given = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let meta = told(&alice, json!({ "traceparent": given, "tracestate": "a=b" })).await;
    assert_eq!(meta["traceparent"], given);
    assert_eq!(meta["tracestate"], "a=b");
    assert!(told(&alice, json!({})).await["traceparent"].is_null());
    gate.end().await;
}
