//! What an upstream gives its clients to keep belongs to whom it was given.

use serde_json::{Value, json};

use crate::{
    gate::{ALICE, BOB, Gate, error_of},
    upstream::{Answer, Arrived, Upstream, json, whole},
};

/// It knows nobody, as most do.
fn answer(arrived: &Arrived, events: bool) -> Answer {
    let asked: Value = serde_json::from_slice(&arrived.body).unwrap_or_default();
    let name = asked["params"]["name"].as_str().unwrap_or_default();
    let result = match (asked["method"].as_str().unwrap_or_default(), name) {
        ("tools/call", "old") => json!({"task": {"taskId": "t-old", "status": "working"}}),
        ("tools/call", "new") => json!({"resultType": "task", "taskId": "t-new"}),
        ("tools/call", "ask") => json!({"resultType": "input_required", "requestState": "s-1"}),
        ("tasks/list", _) => json!({"tasks": [{"taskId": "t-old"}, {"taskId": "t-new"}]}),
        _ => json!({"secret": "of-alice"}),
    };
    let message = json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}).to_string();
    match events {
        true => whole(200, "text/event-stream", format!("data: {message}\n\n")),
        false => json(&message),
    }
}

async fn ask(gate: &Gate, token: &str, method: &str, params: Value) -> (u16, Value) {
    let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    let post = gate.client.post(gate.url()).bearer_auth(token);
    let post = post.header("content-type", "application/json");
    let (status, said) = error_of(
        post.body(message.to_string())
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    match said
        .as_str()
        .and_then(|text| text.trim().strip_prefix("data: "))
    {
        Some(event) => (status, serde_json::from_str(event).expect("JSON")),
        None => (status, said),
    }
}

#[tokio::test]
async fn tasks_and_request_states_are_for_whom_they_were_made() {
    for events in [false, true] {
        let upstream = Upstream::new(move |arrived| answer(arrived, events)).await;
        let gate = Gate::before(&upstream.url).await;
        for name in ["old", "new", "ask"] {
            ask(&gate, ALICE, "tools/call", json!({"name": name})).await;
        }
        let before = upstream.arrived().len();
        let uses = [
            ("tasks/get", json!({"taskId": "t-old"})),
            ("tasks/get", json!({"taskId": "t-new"})),
            ("tasks/result", json!({"taskId": "t-new"})),
            ("tasks/update", json!({"taskId": "t-new"})),
            ("tasks/cancel", json!({"taskId": "t-new"})),
            ("tasks/of_some_extension", json!({"taskId": "t-new"})),
            ("tools/call", json!({"name": "go", "requestState": "s-1"})),
        ];
        for (method, params) in &uses {
            let (status, said) = ask(&gate, BOB, method, params.clone()).await;
            assert_eq!(
                (status, &said["error"]["code"]),
                (200, &json!(-32602)),
                "{method}"
            );
        }
        // Nobody's, and nothing that could be somebody's.
        for params in [
            json!({"name": "go", "requestState": "s-2"}),
            json!({"name": "go", "requestState": "t-new"}),
            json!({"name": "go", "requestState": ["s-1"]}),
        ] {
            let (_, said) = ask(&gate, ALICE, "tools/call", params).await;
            assert_eq!(said["error"]["code"], -32602, "{said}");
        }
        let like = json!({"name": "go", "RequestState": "s-1"});
        assert_eq!(ask(&gate, BOB, "tools/call", like).await.0, 400);
        assert_eq!(upstream.arrived().len(), before, "nothing went upstream");
        for (method, params) in &uses {
            let (status, said) = ask(&gate, ALICE, method, params.clone()).await;
            assert_eq!(
                (status, &said["result"]["secret"]),
                (200, &json!("of-alice"))
            );
        }
        let none = json!({"name": "go", "requestState": null});
        assert_eq!(ask(&gate, BOB, "tools/call", none).await.0, 200);
        // Nor are others told that there are any.
        let bobs = ask(&gate, BOB, "tasks/list", json!({})).await.1;
        assert_eq!(bobs["result"]["tasks"], json!([]));
        let alices = ask(&gate, ALICE, "tasks/list", json!({})).await.1;
        assert_eq!(alices["result"]["tasks"].as_array().map(Vec::len), Some(2));
    }
}
