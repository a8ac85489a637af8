//! A server that ends, hangs, floods or says nonsense.

use std::{sync::Arc, time::Duration};

use propusk::{
    AccessToken, Target,
    rules::{Allowance, Asked, RuleSet, Rules, Verdict},
};
use propusk_gate::stdio::StdioCommand;
use serde_json::json;

use crate::support::{Client, Gate, fixture, is_alive, text, until};

#[tokio::test]
async fn a_crash_is_an_error_for_calls_under_way_and_for_nothing_else() {
    for era in ["sessions", "requests"] {
        let gate = Gate::new(era).await;
        let alice = Client::session(&gate, "alice").await;
        let bob = Client::modern(&gate, "bob");
        alice
            .ask("resources/subscribe", json!({ "uri": "test://a" }))
            .await;
        alice
            .ask("logging/setLevel", json!({ "level": "error" }))
            .await;
        let mut outside = alice.listen().await;
        let mut hanging = alice.begin_call("hang", json!({})).await;
        until("the child has it", async || {
            text(&bob.call("state", json!({})).await).contains("\"hanging\":1")
        })
        .await;

        let crashed = bob.call("crash", json!({})).await;
        assert_eq!(
            crashed["error"]["data"]["reason"], "upstream_ended",
            "{era}: {crashed}"
        );
        let failed = hanging.answer().await;
        assert_eq!(
            failed["error"]["data"]["reason"], "upstream_ended",
            "{era}: {failed}"
        );

        // The session goes on, and so does what it has asked for.
        let echoed = alice.call("echo", json!({ "text": "on" })).await;
        assert_eq!(text(&echoed), "on", "{era}");
        let state = alice.call("state", json!({})).await;
        assert!(text(&state).contains("test://a"), "{era}: {state}");
        if era == "sessions" {
            assert!(text(&state).contains("\"level\":\"error\""), "{state}");
        }
        for list in ["tools", "prompts", "resources"] {
            outside
                .told(&format!("notifications/{list}/list_changed"))
                .await;
        }
        alice.call("update", json!({ "uri": "test://a" })).await;
        outside.told("notifications/resources/updated").await;
        gate.end().await;
    }
}

#[tokio::test]
async fn others_wait_for_the_next_child_when_one_is_killed() {
    let gate = Gate::new("both").await;
    let alice = Client::modern(&gate, "alice");
    let first = alice.call("pid", json!({})).await;
    let first = text(&first).to_owned();
    kill(&first);
    // Whether it has been noticed yet or not: none of these fails but those that it had been given.
    for _ in 0..20 {
        let answer = alice.call("pid", json!({})).await;
        if answer["error"]["data"]["reason"] != "upstream_ended" {
            assert_ne!(text(&answer), first);
        }
    }
    assert!(!is_alive(&first));
    gate.end().await;
}

#[tokio::test]
async fn a_program_that_does_not_run_is_unavailable_with_a_time_to_wait() {
    let missing = StdioCommand::new("/nonexistent/server");
    let settings = Gate::settings().patience(Duration::from_millis(100));
    let gate = Gate::with(missing, settings).await;
    assert!(gate.upstream.start().await.is_err());
    let answer = Client::modern(&gate, "alice")
        .call("echo", json!({ "text": "" }))
        .await;
    let error = &answer["error"];
    assert_eq!(error["data"]["reason"], "upstream_unavailable", "{answer}");
    assert!(
        error["data"]["retryAfter"].as_u64().unwrap() >= 1,
        "{answer}"
    );
    let says = error["message"].as_str().unwrap();
    assert!(says.contains("cannot be started"), "{answer}");
    gate.end().await;
}

#[tokio::test]
async fn nobody_waits_for_a_program_that_has_never_answered() {
    for script in ["exit 1", "echo nonsense; exit 0"] {
        let command = StdioCommand::new("sh").args(["-c", script]);
        // As long as a test may take at most.
        let settings = Gate::settings().patience(Duration::from_secs(60));
        let gate = Gate::with(command, settings).await;
        for client in [Client::modern(&gate, "alice"), Client::modern(&gate, "bob")] {
            let answer = client.call("echo", json!({ "text": "" })).await;
            let error = &answer["error"];
            assert_eq!(error["data"]["reason"], "upstream_unavailable", "{answer}");
            let says = error["message"].as_str().unwrap();
            assert!(says.contains("it ended before it had answered"), "{answer}");
        }
        gate.end().await;
    }
}

#[tokio::test]
async fn a_server_that_answers_discovery_with_anything_is_initialized() {
    let gate = Gate::new("vague").await;
    let alice = Client::modern(&gate, "alice");
    let echoed = alice.call("echo", json!({ "text": "on" })).await;
    assert_eq!(text(&echoed), "on", "{echoed}");
    gate.end().await;
}

#[tokio::test]
async fn garbage_is_skipped() {
    let gate = Gate::new("both").await;
    let alice = Client::modern(&gate, "alice");
    let answer = alice.call("garbage", json!({})).await;
    assert_eq!(text(&answer), "after garbage");
    gate.end().await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_an_error() {
    let gate = Gate::new("sessions").await;
    let alice = Client::modern(&gate, "alice");
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":$id,"result":{{"a":{}1{}}}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    for line in [
        r#"{"jsonrpc": "2.0", "id": $id, "result": {"content": [], "a": NaN}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"result":{"a":1e999}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"result":{"a":"\ud83d"}}"#,
        r#"{"jsonrpc":"2.0","id":$id.0,"result":{"content":[]}}"#,
        r#"[{"jsonrpc":"2.0","id":$id,"result":{"content":[]}}]"#,
        r#"{"jsonrpc":"2.0","result":{"a":NaN},"id":$id}"#,
        r#"{"jsonrpc":"2.0","id":$id}"#,
        r#"{"jsonrpc":"2.0","id":$id,"result":{"#,
        &deep,
    ] {
        let answer = alice.call("raw", json!({ "line": line })).await;
        let reason = &answer["error"]["data"]["reason"];
        assert_eq!(reason, "answer_not_valid", "{line}: {answer}");
    }
    gate.end().await;
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_an_error_and_the_next_one_is_not() {
    let settings = Gate::settings().line(64 * 1024);
    let gate = Gate::with(fixture("both"), settings).await;
    let alice = Client::modern(&gate, "alice");
    let answer = alice.call("huge", json!({ "bytes": 5_000_000 })).await;
    assert_eq!(
        answer["error"]["data"]["reason"], "answer_too_long",
        "{answer}"
    );
    let answer = alice.call("huge", json!({ "bytes": 1000 })).await;
    assert_eq!(text(&answer).len(), 1000);
    gate.end().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_its_call_at_the_server() {
    let gate = Gate::new("both").await;
    let (alice, bob) = (Client::modern(&gate, "alice"), Client::modern(&gate, "bob"));
    let call = alice.begin_detached("hang");
    let state = async || text(&bob.call("state", json!({})).await).to_owned();
    until("the child has it", async || {
        state().await.contains("\"hanging\":1")
    })
    .await;
    call.abort();
    until("it is cancelled", async || {
        state().await.contains("notifications/cancelled")
    })
    .await;
    gate.end().await;
}

#[tokio::test]
async fn a_client_that_cancels_does_so_at_the_server() {
    let gate = Gate::new("both").await;
    let alice = Client::session(&gate, "alice").await;
    let (id, _stream) = alice
        .begin_as("tools/call", json!({ "name": "hang", "arguments": {} }))
        .await;
    let state = async || text(&alice.call("state", json!({})).await).to_owned();
    until("the child has it", async || {
        state().await.contains("\"hanging\":1")
    })
    .await;
    alice
        .notify("notifications/cancelled", json!({ "requestId": id }))
        .await;
    until("it is cancelled", async || {
        state().await.contains("notifications/cancelled")
    })
    .await;
    gate.end().await;
}

#[tokio::test]
async fn a_flood_of_progress_keeps_no_answer_from_anybody() {
    let gate = Gate::new("both").await;
    let (alice, bob) = (Client::modern(&gate, "alice"), Client::modern(&gate, "bob"));
    let params = json!({ "name": "flood", "arguments": {}, "_meta": { "progressToken": 1 } });
    let mut flood = alice.begin("tools/call", params).await;
    // She does not read. He is answered all the same.
    assert_eq!(text(&bob.call("echo", json!({ "text": "b" })).await), "b");
    assert_eq!(text(&flood.answer().await), "flooded");
    gate.end().await;
}

/// Everything is allowed, for so long.
pub(crate) struct Within(pub(crate) Duration);

impl Rules for Within {
    fn judge(&self, _: &Asked<'_>) -> Verdict {
        Verdict::Allow(Allowance::new().within(self.0))
    }

    fn shows(&self, _: &Target, _: Option<&AccessToken>) -> bool {
        true
    }

    fn reads_arguments(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_call_takes_no_longer_than_its_rule_allows_and_is_cancelled_then() {
    for era in ["sessions", "requests"] {
        let rules = RuleSet::new().with(Within(Duration::from_millis(500)));
        let gate = Gate::ruled(fixture(era), Gate::settings(), rules).await;
        let session = Client::session(&gate, "alice").await;
        let modern = Client::modern(&gate, "alice");
        for client in [&session, &modern] {
            let answer = client.call("hang", json!({})).await;
            assert_eq!(
                answer["error"]["data"]["reason"], "time_limit",
                "{era}: {answer}"
            );
        }
        until("both are cancelled", async || {
            let state = modern.call("state", json!({})).await;
            text(&state).matches("notifications/cancelled").count() == 2
        })
        .await;
        gate.end().await;
    }
}

/// One call of `hang` at a time.
#[derive(Default)]
struct OneHangs(Arc<()>);

impl Rules for OneHangs {
    fn judge(&self, asked: &Asked<'_>) -> Verdict {
        if !format!("{:?}", asked.operation).contains("hang") {
            return Verdict::Allow(Allowance::new());
        }
        if Arc::strong_count(&self.0) > 1 {
            let reason = "one at a time".to_owned();
            return Verdict::Limit {
                retry_after: Duration::from_secs(1),
                reason,
            };
        }
        Verdict::Allow(Allowance::new().holding(Arc::clone(&self.0)))
    }

    fn shows(&self, _: &Target, _: Option<&AccessToken>) -> bool {
        true
    }

    fn reads_arguments(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_limit_of_calls_at_once_is_not_passed_by_hanging_up() {
    let one = OneHangs::default();
    let held = Arc::downgrade(&one.0);
    let rules = RuleSet::new().with(one);
    let gate = Gate::ruled(fixture("sessions"), Gate::settings(), rules).await;
    let alice = Client::session(&gate, "alice").await;
    let state = async || text(&alice.call("state", json!({})).await).to_owned();
    let (id, stream) = alice
        .begin_as("tools/call", json!({ "name": "hang", "arguments": {} }))
        .await;
    until("the child has it", async || {
        state().await.contains("\"hanging\":1")
    })
    .await;
    // She hangs up; inside her session the call goes on, and she could ask for its answer later.
    drop(stream);
    for _ in 0..50 {
        let second = alice.call("hang", json!({})).await;
        assert!(second["error"].is_object(), "{second}");
        assert_eq!(held.strong_count(), 2);
    }
    assert!(!state().await.contains("notifications/cancelled"));
    // Once it is cancelled, it is over.
    alice
        .notify("notifications/cancelled", json!({ "requestId": id }))
        .await;
    until("it is given back", async || held.strong_count() == 1).await;
    gate.end().await;
}

fn kill(process: &str) {
    let status = std::process::Command::new("kill")
        .args(["-KILL", process])
        .status();
    assert!(status.unwrap().success());
}
