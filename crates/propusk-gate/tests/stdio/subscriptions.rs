//! Changes of lists and of resources.

use propusk::{
    AccessToken, Target,
    rules::{Allowance, Asked, RuleSet, Rules, Verdict},
};
use serde_json::{Value, json};

use crate::support::{Client, Gate, Stream, fixture, text, until};

/// What the child has been told.
async fn state(client: &Client) -> Value {
    let state = client.call("state", json!({})).await;
    serde_json::from_str(text(&state)).unwrap()
}

/// A subscriber of 2026-07-28, acknowledged.
async fn subscriber(client: &Client, notifications: Value) -> Stream {
    let params = json!({ "notifications": notifications });
    let mut stream = client.begin("subscriptions/listen", params).await;
    let told = stream
        .told("notifications/subscriptions/acknowledged")
        .await;
    assert!(told["params"]["notifications"].is_object(), "{told}");
    stream
}

#[tokio::test]
async fn lists_that_change_are_told_to_both_eras() {
    for era in ["sessions", "requests", "both"] {
        let gate = Gate::new(era).await;
        let session = Client::session(&gate, "alice").await;
        let modern = Client::modern(&gate, "bob");
        let mut sessions = session.listen().await;
        let lists = json!({ "toolsListChanged": true, "promptsListChanged": true });
        let mut requests = subscriber(&modern, lists).await;
        for (list, is_subscribed) in [("tools", true), ("resources", false), ("prompts", true)] {
            modern.call("change", json!({ "list": list })).await;
            let method = format!("notifications/{list}/list_changed");
            sessions.told(&method).await;
            if is_subscribed {
                let told = requests.told(&method).await;
                let id = &told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
                assert!(id.is_number(), "{era}: {told}");
            }
        }
        gate.end().await;
    }
}

#[tokio::test]
async fn a_changed_resource_is_told_to_its_subscribers() {
    for era in ["sessions", "requests", "both"] {
        let gate = Gate::new(era).await;
        let alice = Client::session(&gate, "alice").await;
        let bob = Client::session(&gate, "bob").await;
        let carol = Client::modern(&gate, "carol");
        let (mut alices, mut bobs) = (alice.listen().await, bob.listen().await);
        let answer = alice
            .ask("resources/subscribe", json!({ "uri": "test://a" }))
            .await;
        assert!(answer["result"].is_object(), "{era}: {answer}");
        bob.ask("resources/subscribe", json!({ "uri": "test://b" }))
            .await;
        let uris = json!({ "resourceSubscriptions": ["test://b", "test://c"] });
        let mut carols = subscriber(&carol, uris).await;
        until("the child knows of all", async || {
            let known = state(&alice).await.to_string();
            known.contains("test://a") && known.contains("test://c")
        })
        .await;
        for uri in ["test://a", "test://b"] {
            alice.call("update", json!({ "uri": uri })).await;
        }
        let updated = "notifications/resources/updated";
        assert_eq!(alices.told(updated).await["params"]["uri"], "test://a");
        assert_eq!(bobs.told(updated).await["params"]["uri"], "test://b");
        assert_eq!(carols.told(updated).await["params"]["uri"], "test://b");
        // Nobody has been told twice, or of another one.
        alice.call("change", json!({ "list": "tools" })).await;
        alices.told("notifications/tools/list_changed").await;
        bobs.told("notifications/tools/list_changed").await;
        gate.end().await;
    }
}

#[tokio::test]
async fn a_subscription_ends_with_the_last_who_has_it() {
    let gate = Gate::new("sessions").await;
    let (alice, bob) = (
        Client::session(&gate, "alice").await,
        Client::session(&gate, "bob").await,
    );
    for client in [&alice, &bob] {
        client
            .ask("resources/subscribe", json!({ "uri": "test://a" }))
            .await;
    }
    alice
        .ask("resources/unsubscribe", json!({ "uri": "test://a" }))
        .await;
    assert_eq!(state(&alice).await["uris"], json!(["test://a"]));
    bob.ask("resources/unsubscribe", json!({ "uri": "test://a" }))
        .await;
    assert_eq!(state(&alice).await["uris"], json!([]));
    gate.end().await;
}

#[tokio::test]
async fn a_subscriber_of_2026_who_leaves_is_forgotten_at_the_child() {
    for era in ["sessions", "requests"] {
        let gate = Gate::new(era).await;
        let alice = Client::modern(&gate, "alice");
        let uris = json!({ "resourceSubscriptions": ["test://a"] });
        let stream = subscriber(&alice, uris).await;
        until("the child knows of it", async || {
            state(&alice).await.to_string().contains("test://a")
        })
        .await;
        drop(stream);
        until("the child has forgotten it", async || {
            !state(&alice).await.to_string().contains("test://a")
        })
        .await;
        gate.end().await;
    }
}

#[tokio::test]
async fn a_subscription_that_the_server_refuses_is_refused() {
    let gate = Gate::new("sessions").await;
    let alice = Client::session(&gate, "alice").await;
    let uri = json!({ "uri": "test://forbidden" });
    let answer = alice.ask("resources/subscribe", uri).await;
    assert_eq!(answer["error"]["message"], "no such resource", "{answer}");
    // It is not tried again with the next one.
    let answer = alice
        .ask("resources/subscribe", json!({ "uri": "test://a" }))
        .await;
    assert!(answer["result"].is_object(), "{answer}");
    let modern = Client::modern(&gate, "alice");
    let uris = json!({ "resourceSubscriptions": ["test://forbidden"] });
    let mut stream = subscriber(&modern, uris).await;
    assert_eq!(
        stream.answer().await["error"]["message"],
        "no such resource"
    );
    gate.end().await;
}

#[tokio::test]
async fn a_session_that_ends_ends_its_subscriptions() {
    let settings = Gate::settings().idle(std::time::Duration::from_millis(100));
    let gate = Gate::with(crate::support::fixture("sessions"), settings).await;
    let (alice, bob) = (
        Client::session(&gate, "alice").await,
        Client::session(&gate, "bob").await,
    );
    alice
        .ask("resources/subscribe", json!({ "uri": "test://a" }))
        .await;
    assert_eq!(state(&bob).await["uris"], json!(["test://a"]));
    alice.leave().await;
    until("the child has forgotten it", async || {
        state(&bob).await["uris"] == json!([])
    })
    .await;
    gate.end().await;
}

/// What has `secret` in its name is hidden from everybody.
struct NoSecrets;

impl Rules for NoSecrets {
    fn judge(&self, _: &Asked<'_>) -> Verdict {
        Verdict::Allow(Allowance::new())
    }

    fn shows(&self, target: &Target, _: Option<&AccessToken>) -> bool {
        !format!("{target:?}").contains("secret")
    }

    fn reads_arguments(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_subscription_does_not_tell_of_what_is_hidden_below_it() {
    let rules = RuleSet::new().with(NoSecrets);
    let gate = Gate::ruled(fixture("sessions"), Gate::settings(), rules).await;
    let alice = Client::session(&gate, "alice").await;
    let mut outside = alice.listen().await;
    alice
        .ask("resources/subscribe", json!({ "uri": "test://a" }))
        .await;
    for uri in ["test://a/secret/b", "test://a/open"] {
        let params = json!({ "uri": uri });
        let told = json!({
            "jsonrpc": "2.0", "method": "notifications/resources/updated", "params": params,
        });
        alice.call("raw", json!({ "line": told.to_string() })).await;
    }
    let first = outside.next().await.unwrap();
    assert_eq!(first["params"]["uri"], "test://a/open", "{first}");
    gate.end().await;
}

/// The session itself asks for nothing in between.
#[tokio::test]
async fn a_subscription_does_not_tell_of_what_rules_hide_that_came_later() {
    let gate = Gate::new("sessions").await;
    let alice = Client::session(&gate, "alice").await;
    let bob = Client::session(&gate, "bob").await;
    let mut outside = alice.listen().await;
    for uri in ["test://secret", "test://open"] {
        let subscribed = alice
            .ask("resources/subscribe", json!({ "uri": uri }))
            .await;
        assert!(subscribed["result"].is_object(), "{subscribed}");
    }
    let update = async |uri: &str| bob.call("update", json!({ "uri": uri })).await;
    until("the child knows of both", async || {
        let known = state(&bob).await.to_string();
        known.contains("test://secret") && known.contains("test://open")
    })
    .await;
    update("test://secret").await;
    let first = outside.next().await.unwrap();
    assert_eq!(first["params"]["uri"], "test://secret", "{first}");
    let rules = RuleSet::new().with(NoSecrets);
    gate.upstream.exchange_rules(&rules);
    update("test://secret").await;
    update("test://open").await;
    let next = outside.next().await.unwrap();
    assert_eq!(next["params"]["uri"], "test://open", "{next}");
    gate.end().await;
}
