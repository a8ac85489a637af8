//! One child that several callers share: what belongs to one of them reaches no other.

use serde_json::json;

use crate::support::{Client, Gate, Stream, text, until};

fn question() -> serde_json::Value {
    json!({ "method": "elicitation/create", "params": {
        "message": "alice's secret", "requestedSchema": { "type": "object", "properties": {} },
    } })
}

/// A call of this client that the child works on.
async fn hanging(client: &Client) -> tokio::task::JoinHandle<Stream> {
    let before = hangs(client).await;
    let begun = client.begin_detached("hang");
    until("the child has it", async || hangs(client).await > before).await;
    begun
}

/// How many calls have been given to the child that it does not answer.
async fn hangs(client: &Client) -> u64 {
    let state = client.call("state", json!({})).await;
    let state: serde_json::Value = serde_json::from_str(text(&state)).unwrap();
    state["hanging"].as_u64().unwrap()
}

#[tokio::test]
async fn a_question_is_refused_while_calls_of_two_callers_are_under_way() {
    for other_has_session in [true, false] {
        let gate = Gate::new("sessions").await;
        let alice = Client::session(&gate, "alice").await;
        let bob = match other_has_session {
            true => Client::session(&gate, "bob").await,
            false => Client::modern(&gate, "bob"),
        };
        let call = hanging(&bob).await;
        let answer = alice.call("ask", question()).await;
        let says = text(&answer);
        assert!(says.contains("a process for each principal"), "{answer}");
        assert!(says.contains("error"), "{answer}");
        call.abort();
        gate.end().await;
    }
}

#[tokio::test]
async fn two_sessions_of_one_caller_are_two() {
    let gate = Gate::new("sessions").await;
    let first = Client::session(&gate, "alice").await;
    let second = Client::session(&gate, "alice").await;
    let call = hanging(&second).await;
    let answer = first.call("ask", question()).await;
    assert!(
        text(&answer).contains("a process for each principal"),
        "{answer}"
    );
    call.abort();
    gate.end().await;
}

#[tokio::test]
async fn a_call_that_was_taken_back_may_still_have_caused_a_question() {
    let gate = Gate::new("sessions").await;
    let (alice, bob) = (
        Client::modern(&gate, "alice"),
        Client::session(&gate, "bob").await,
    );
    let call = hanging(&alice).await;
    // She hangs up, and the child goes on, for all that is known.
    call.abort();
    drop(call);
    until("it is cancelled", async || {
        let state = bob.call("state", json!({})).await;
        text(&state).contains("notifications/cancelled")
    })
    .await;
    let answer = bob.call("ask", question()).await;
    assert!(
        text(&answer).contains("a process for each principal"),
        "{answer}"
    );
    gate.end().await;
}

#[tokio::test]
async fn a_question_after_the_answer_finds_nobody() {
    let gate = Gate::new("sessions").await;
    let (alice, bob) = (
        Client::session(&gate, "alice").await,
        Client::session(&gate, "bob").await,
    );
    let mut streams = [alice.listen().await, bob.listen().await];
    alice.call("ask_after", question()).await;
    until("it is refused", async || {
        let state = alice.call("state", json!({})).await;
        // Also while the call that looks is under way.
        text(&state).contains("a process for each principal")
    })
    .await;
    alice.call("change", json!({ "list": "tools" })).await;
    for stream in &mut streams {
        // What comes first on either stream is not the question.
        stream.told("notifications/tools/list_changed").await;
    }
    gate.end().await;
}

#[tokio::test]
async fn lines_of_the_log_go_to_those_whose_calls_are_under_way() {
    let gate = Gate::new("sessions").await;
    let (first, second) = (
        Client::session(&gate, "alice").await,
        Client::session(&gate, "alice").await,
    );
    let mut streams = [first.listen().await, second.listen().await];
    first
        .call("log", json!({ "level": "info", "text": "a line" }))
        .await;
    second.call("change", json!({ "list": "tools" })).await;
    let [firsts, seconds] = &mut streams;
    let told = firsts.told("notifications/message").await;
    assert_eq!(told["params"]["data"], "a line");
    seconds.told("notifications/tools/list_changed").await;
    gate.end().await;
}

#[tokio::test]
async fn tasks_of_all_are_not_listed() {
    let gate = Gate::new("sessions").await;
    let alice = Client::session(&gate, "alice").await;
    let listed = alice.ask("tasks/list", json!({})).await;
    assert_eq!(listed["error"]["code"], -32601, "{listed}");
    gate.end().await;
}

#[tokio::test]
async fn each_session_has_its_own_level() {
    let gate = Gate::new("sessions").await;
    let (first, second) = (
        Client::session(&gate, "alice").await,
        Client::session(&gate, "alice").await,
    );
    first
        .ask("logging/setLevel", json!({ "level": "debug" }))
        .await;
    second
        .ask("logging/setLevel", json!({ "level": "error" }))
        .await;
    let state = first.call("state", json!({})).await;
    assert!(text(&state).contains("\"level\":\"debug\""), "{state}");
    let (mut firsts, mut seconds) = (first.listen().await, second.listen().await);
    for (client, stream, level, is_told) in [
        (&first, &mut firsts, "debug", true),
        (&second, &mut seconds, "warning", false),
    ] {
        client
            .call("log", json!({ "level": level, "text": level }))
            .await;
        client.call("change", json!({ "list": "tools" })).await;
        let first = stream.next().await.unwrap();
        assert_eq!(
            first["method"] == "notifications/message",
            is_told,
            "{level}: {first}"
        );
    }
    // The change that she made and the one that he made, and no line between them.
    seconds.told("notifications/tools/list_changed").await;
    second
        .call("log", json!({ "level": "error", "text": "grave" }))
        .await;
    seconds.told("notifications/message").await;
    gate.end().await;
}

#[tokio::test]
async fn a_request_without_a_session_names_its_own_level() {
    for era in ["sessions", "both"] {
        let gate = Gate::new(era).await;
        let alice = Client::modern(&gate, "alice");
        for (level, told) in [("warning", false), ("info", true)] {
            let params = json!({
                "name": "log", "arguments": { "level": "info", "text": "line" },
                "_meta": { "io.modelcontextprotocol/logLevel": level },
            });
            let mut stream = alice.begin("tools/call", params).await;
            let first = stream.next().await.unwrap();
            assert_eq!(
                first["method"] == "notifications/message",
                told,
                "{era}: {first}"
            );
        }
        gate.end().await;
    }
}

#[tokio::test]
async fn a_question_after_the_answer_is_not_put_to_the_next_caller() {
    let gate = Gate::new("sessions").await;
    let (alice, bob) = (
        Client::session(&gate, "alice").await,
        Client::session(&gate, "bob").await,
    );
    let mut late = question();
    late["hanging"] = 1.into();
    alice.call("ask_after", late).await;
    // Only his call is under way when the child asks.
    let call = bob.begin_detached("hang");
    until("it is refused", async || {
        let state = alice.call("state", json!({})).await;
        text(&state).contains("a process for each principal")
    })
    .await;
    call.abort();
    gate.end().await;
}

#[tokio::test]
async fn the_log_of_a_child_that_two_have_used_reaches_neither() {
    let gate = Gate::new("sessions").await;
    let (alice, bob) = (
        Client::session(&gate, "alice").await,
        Client::session(&gate, "bob").await,
    );
    let mut outside = bob.listen().await;
    alice
        .call("log_after", json!({ "hanging": 1, "text": "alice's" }))
        .await;
    let mut call = bob.begin_call("hang", json!({})).await;
    until("it is written", async || {
        let state = alice.call("state", json!({})).await;
        text(&state).contains("logged after")
    })
    .await;
    // The next that he hears of is the end, in his call and outside of it.
    bob.call("change", json!({ "list": "tools" })).await;
    let first = outside.next().await.unwrap();
    assert_eq!(first["method"], "notifications/tools/list_changed");
    alice.call("crash", json!({})).await;
    let first = call.next().await.unwrap();
    assert_eq!(first["error"]["data"]["reason"], "upstream_ended");
    gate.end().await;
}

#[tokio::test]
async fn the_log_of_a_shared_child_reaches_no_request_either() {
    let gate = Gate::new("sessions").await;
    let (alice, bob) = (Client::modern(&gate, "alice"), Client::modern(&gate, "bob"));
    alice.call("echo", json!({ "text": "" })).await;
    let params = json!({
        "name": "log", "arguments": { "level": "error", "text": "line" },
        "_meta": { "io.modelcontextprotocol/logLevel": "debug" },
    });
    let mut stream = bob.begin("tools/call", params).await;
    let first = stream.next().await.unwrap();
    assert_eq!(text(&first), "logged");
    gate.end().await;
}
