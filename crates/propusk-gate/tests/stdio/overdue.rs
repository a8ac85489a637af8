//! A server that does not read what it is sent.

use std::{sync::Arc, time::Duration};

use propusk::{
    AccessToken, Target,
    rules::{Allowance, Asked, RuleSet, Rules, Verdict},
};
use serde_json::{Value, json};

use crate::{
    faults::Within,
    support::{Client, Gate, fixture, is_alive, text, until},
};

/// More than a pipe holds.
fn big() -> Value {
    json!({ "text": "x".repeat(300_000) })
}

async fn deafen(client: &Client) -> String {
    let child = text(&client.call("pid", json!({})).await).to_owned();
    assert_eq!(text(&client.call("deaf", json!({})).await), "not listening");
    child
}

#[tokio::test]
async fn a_child_that_does_not_read_is_given_up_and_its_callers_are_told() {
    for era in ["sessions", "requests"] {
        let settings = Gate::settings().unread(Duration::from_millis(500));
        let gate = Gate::with(fixture(era), settings).await;
        let alice = Client::session(&gate, "alice").await;
        let bob = Client::modern(&gate, "bob");
        let first = deafen(&bob).await;
        let big = alice.begin_call("echo", big());
        let small = bob.call("echo", json!({ "text": "on" }));
        let subscribed = alice.ask("resources/subscribe", json!({ "uri": "test://a" }));
        let (mut big, small, _) = tokio::join!(big, small, subscribed);
        for answer in [big.answer().await, small] {
            // Whichever came after the child had been given up is answered by the next one.
            let reason = &answer["error"]["data"]["reason"];
            let is_answered = answer["result"].is_object();
            assert!(reason == "upstream_hangs" || is_answered, "{era}: {answer}");
        }
        let second = text(&bob.call("pid", json!({})).await).to_owned();
        assert_ne!(first, second, "{era}");
        until("the first one has ended", async || !is_alive(&first)).await;
        gate.end().await;
    }
}

#[tokio::test]
async fn who_waits_for_room_is_told_as_well() {
    let settings = Gate::settings().unread(Duration::from_secs(1));
    let gate = Gate::with(fixture("both"), settings).await;
    let bob = Client::modern(&gate, "bob");
    deafen(&bob).await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..400 {
        let caller = bob.clone();
        // The first one fills the pipe, the next some hundred the queue.
        let arguments = match number {
            0 => big(),
            _ => json!({ "text": "small" }),
        };
        calls.spawn(async move { caller.call("echo", arguments).await });
    }
    let mut failed = 0;
    for answer in calls.join_all().await {
        match answer["error"]["data"]["reason"].as_str() {
            Some("upstream_hangs") => failed += 1,
            None => assert!(answer["result"].is_object(), "{answer}"),
            Some(_) => panic!("{answer}"),
        }
    }
    assert!(failed > 0, "somebody was under way");
    gate.end().await;
}

#[tokio::test]
async fn who_has_less_time_than_that_waits_no_longer() {
    // A child that is given a minute to read.
    let rules = RuleSet::new().with(Within(Duration::from_millis(500)));
    let gate = Gate::ruled(fixture("both"), Gate::settings(), rules).await;
    let session = Client::session(&gate, "alice").await;
    let modern = Client::modern(&gate, "bob");
    let child = deafen(&modern).await;
    for answer in [
        modern.call("echo", big()).await,
        session.call("echo", json!({ "text": "small" })).await,
        session.ask("tools/list", json!({})).await,
        session
            .ask("resources/subscribe", json!({ "uri": "test://a" }))
            .await,
        session
            .ask("logging/setLevel", json!({ "level": "error" }))
            .await,
    ] {
        assert_eq!(answer["error"]["data"]["reason"], "time_limit", "{answer}");
    }
    assert!(is_alive(&child));
    gate.end().await;
    assert!(!is_alive(&child));
}

/// Everything is allowed, and holds this as long as it is under way.
struct Holding(Arc<()>);

impl Rules for Holding {
    fn judge(&self, _: &Asked<'_>) -> Verdict {
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
async fn who_hangs_up_holds_nothing_any_longer() {
    let held = Arc::new(());
    let rules = RuleSet::new().with(Holding(Arc::clone(&held)));
    let gate = Gate::ruled(fixture("both"), Gate::settings(), rules).await;
    let alice = Client::modern(&gate, "alice");
    let child = deafen(&alice).await;
    until("nothing is under way", async || {
        Arc::strong_count(&held) == 2
    })
    .await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let caller = alice.clone();
        calls.spawn(async move { caller.call("echo", big()).await });
    }
    until("both are under way", async || Arc::strong_count(&held) == 4).await;
    calls.shutdown().await;
    until("both have been given up", async || {
        Arc::strong_count(&held) == 2
    })
    .await;
    assert!(is_alive(&child));
    gate.end().await;
}
