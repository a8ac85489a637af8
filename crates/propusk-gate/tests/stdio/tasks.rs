//! Tasks belong to whoever has made them, where each principal has a process.

use propusk_gate::stdio::Sharing;
use serde_json::{Value, json};

use crate::support::{Client, Gate, fixture, text};

/// A client of 2026-07-28 that knows of tasks.
fn client(gate: &Gate, name: &str) -> Client {
    Client::at(&gate.url, name, knows_tasks())
}

fn knows_tasks() -> Value {
    json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } })
}

/// The id that the maker of a task is given.
async fn made(client: &Client) -> String {
    let made = client.call("task", json!({})).await;
    let id = made["result"]["taskId"].as_str();
    id.unwrap_or_else(|| panic!("no task: {made}")).to_owned()
}

#[tokio::test]
async fn nobody_reaches_the_tasks_of_another_and_everybody_reaches_their_own() {
    let settings = Gate::settings().per(Sharing::Principal);
    let gate = Gate::with(fixture("both"), settings).await;
    let (alice, bob) = (client(&gate, "alice"), client(&gate, "bob"));
    let (hers, his) = (made(&alice).await, made(&bob).await);
    // Both processes call it the same, and neither caller gets to see that name.
    assert_ne!(hers, his);
    assert_ne!(hers, "t-1");
    let methods = ["tasks/get", "tasks/result", "tasks/update", "tasks/cancel"];
    let stranger = client(&gate, "nobody");
    for method in methods {
        for id in [&hers, "t-1", "made-up"] {
            let params = json!({ "taskId": id, "inputResponses": {} });
            let answer = bob.ask(method, params).await;
            assert_eq!(answer["error"]["code"], -32602, "{method} {id}: {answer}");
        }
        let answer = stranger.ask(method, json!({ "taskId": hers })).await;
        assert_eq!(answer["error"]["code"], -32001, "{method}: {answer}");
    }
    // Nothing of it has reached his own process.
    let state = bob.call("state", json!({})).await;
    assert!(text(&state).contains(r#""tasks":{"t-1":0}"#), "{state}");

    let got = alice.ask("tasks/get", json!({ "taskId": hers })).await;
    assert_eq!(got["result"]["taskId"], hers, "{got}");
    let result = alice.ask("tasks/result", json!({ "taskId": hers })).await;
    let related = &result["result"]["_meta"]["io.modelcontextprotocol/related-task"];
    assert_eq!(related["taskId"], hers, "{result}");
    let cancelled = alice.ask("tasks/cancel", json!({ "taskId": hers })).await;
    assert!(cancelled["result"].is_object(), "{cancelled}");
    let gone = alice.ask("tasks/get", json!({ "taskId": hers })).await;
    let says = gone["error"]["message"].as_str().unwrap();
    assert!(says.contains(&hers) && !says.contains("t-1"), "{gone}");
    // His goes on.
    let got = bob.ask("tasks/get", json!({ "taskId": his })).await;
    assert_eq!(got["result"]["taskId"], his, "{got}");
    gate.end().await;
}

#[tokio::test]
async fn a_list_of_tasks_is_of_the_callers_own_and_its_ids_are_good() {
    let settings = Gate::settings().per(Sharing::Principal);
    let gate = Gate::with(fixture("both"), settings).await;
    let (alice, bob) = (
        client(&gate, "alice"),
        Client::session_with(&gate, "bob", knows_tasks()).await,
    );
    made(&alice).await;
    made(&alice).await;
    let nothing = bob.ask("tasks/list", json!({})).await;
    assert_eq!(nothing["result"]["tasks"], json!([]), "{nothing}");
    let listed = alice.ask("tasks/list", json!({})).await;
    let tasks = listed["result"]["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 2, "{listed}");
    assert!(!listed.to_string().contains("propusk/"), "{listed}");
    for task in tasks {
        let id = &task["taskId"];
        let got = alice.ask("tasks/get", json!({ "taskId": id })).await;
        assert_eq!(got["result"]["status"], "working", "{got}");
        let refused = bob.ask("tasks/get", json!({ "taskId": id })).await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
    }
    gate.end().await;
}
