//! A child for each caller.

use std::time::Duration;

use propusk_gate::stdio::{Sharing, StdioSettings};
use serde_json::json;

use crate::support::{Client, Gate, fixture, is_alive, text, until};

fn settings() -> StdioSettings {
    Gate::settings().per(Sharing::Principal)
}

async fn pid(client: &Client) -> String {
    text(&client.call("pid", json!({})).await).to_owned()
}

#[tokio::test]
async fn each_caller_has_a_child() {
    let gate = Gate::with(fixture("both"), settings()).await;
    let (alice, bob) = (Client::modern(&gate, "alice"), Client::modern(&gate, "bob"));
    let alice_too = Client::session(&gate, "alice").await;
    let first = pid(&alice).await;
    assert_eq!(first, pid(&alice_too).await);
    let second = pid(&bob).await;
    assert_ne!(first, second);
    // What happens to one is nothing to the other.
    bob.call("crash", json!({})).await;
    assert_eq!(first, pid(&alice).await);
    gate.end().await;
    assert!(!is_alive(&first));
}

#[tokio::test]
async fn a_callers_child_may_ask_whichever_of_its_sessions() {
    let gate = Gate::with(fixture("sessions"), settings()).await;
    let (alice, bob) = (
        Client::session(&gate, "alice").await,
        Client::session(&gate, "bob").await,
    );
    let _busy = bob.begin_call("hang", json!({})).await;
    let mut stream = alice
        .begin_call("ask", json!({ "method": "roots/list", "params": {} }))
        .await;
    let asked = stream.told("roots/list").await;
    alice.reply(&asked, json!({ "roots": [] })).await;
    assert!(text(&stream.answer().await).contains("roots"));
    // Also outside of any call.
    let mut outside = alice.listen().await;
    alice
        .call("ask_after", json!({ "method": "roots/list", "params": {} }))
        .await;
    let asked = outside.told("roots/list").await;
    alice
        .reply(&asked, json!({ "roots": [{ "uri": "file:///late" }] }))
        .await;
    until("the child has the answer", async || {
        text(&alice.call("state", json!({})).await).contains("file:///late")
    })
    .await;
    gate.end().await;
}

#[tokio::test]
async fn changed_roots_are_told_to_the_callers_child() {
    let gate = Gate::with(fixture("sessions"), settings()).await;
    let alice = Client::session(&gate, "alice").await;
    pid(&alice).await;
    alice
        .notify("notifications/roots/list_changed", json!({}))
        .await;
    until("the child is told", async || {
        text(&alice.call("state", json!({})).await).contains("notifications/roots/list_changed")
    })
    .await;
    gate.end().await;
}

#[tokio::test]
async fn an_idle_child_is_ended_and_its_session_is_not() {
    let settings = settings().idle(Duration::from_millis(50));
    let gate = Gate::with(fixture("both"), settings).await;
    let alice = Client::session(&gate, "alice").await;
    let first = pid(&alice).await;
    until("it has ended", async || !is_alive(&first)).await;
    assert_ne!(first, pid(&alice).await);
    gate.end().await;
}

#[tokio::test]
async fn a_child_with_a_subscriber_is_not_idle() {
    let settings = settings().idle(Duration::from_millis(50));
    let gate = Gate::with(fixture("both"), settings).await;
    let (alice, bob) = (
        Client::session(&gate, "alice").await,
        Client::session(&gate, "bob").await,
    );
    alice
        .ask("resources/subscribe", json!({ "uri": "test://a" }))
        .await;
    let (first, other) = (pid(&alice).await, pid(&bob).await);
    until("the other one has ended", async || !is_alive(&other)).await;
    assert!(is_alive(&first));
    gate.end().await;
}

#[tokio::test]
async fn no_more_children_than_may_run() {
    let gate = Gate::with(fixture("both"), settings().most(2)).await;
    let (alice, bob) = (Client::modern(&gate, "alice"), Client::modern(&gate, "bob"));
    let carol = Client::modern(&gate, "carol");
    let (first, second) = (pid(&alice).await, pid(&bob).await);
    let calls = [alice.begin_detached("hang"), bob.begin_detached("hang")];
    for client in [&alice, &bob] {
        until("the child has it", async || {
            text(&client.call("state", json!({})).await).contains("\"hanging\":1")
        })
        .await;
    }
    let answer = carol.call("pid", json!({})).await;
    assert_eq!(
        answer["error"]["data"]["reason"], "upstream_busy",
        "{answer}"
    );
    assert!(answer["error"]["data"]["retryAfter"].is_u64(), "{answer}");
    // One of them has done with it: the idle one makes room.
    calls[0].abort();
    until("there is room", async || {
        carol.call("pid", json!({})).await["result"].is_object()
    })
    .await;
    assert!(!is_alive(&first));
    assert!(is_alive(&second));
    calls[1].abort();
    gate.end().await;
}
