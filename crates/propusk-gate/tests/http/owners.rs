//! What an upstream gives its clients to keep belongs to whom it was given.

use std::sync::{Arc, Mutex};

use propusk::audit::{AuditEvent, AuditSink};
use serde_json::{Value, json};

use crate::{
    gate::{ALICE, BOB, Gate, error_of, ping, settings},
    upstream::{Answer, Arrived, Upstream, json, whole},
};

const LISTEN: &str = "subscriptions/listen";

/// It knows nobody, as most do.
fn answer(arrived: &Arrived, events: bool) -> Answer {
    let asked: Value = serde_json::from_slice(&arrived.body).unwrap_or_default();
    let name = asked["params"]["name"].as_str().unwrap_or_default();
    let result = match (asked["method"].as_str().unwrap_or_default(), name) {
        ("tools/call", "old") => json!({"task": {"taskId": "t-old", "status": "working"}}),
        ("tools/call", "new") => json!({"resultType": "task", "taskId": "t-new"}),
        ("tools/call", "bobs") => json!({"resultType": "task", "taskId": "t-bobs"}),
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
            (
                LISTEN,
                json!({"notifications": {"taskIds": ["t-old", "t-new"]}}),
            ),
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
        // One of another's among one's own, and what a parser without an eye for case takes for it.
        let some = json!({"notifications": {"taskIds": ["t-bobs", "t-new"]}});
        ask(&gate, BOB, "tools/call", json!({"name": "bobs"})).await;
        let before = before + 1;
        let (_, said) = ask(&gate, BOB, LISTEN, some).await;
        assert_eq!(said["error"]["code"], -32602, "{said}");
        for (member, ids) in [("TaskIds", json!(["t-new"])), ("taskIds", json!("t-new"))] {
            let odd = json!({"notifications": {member: ids}});
            assert_eq!(ask(&gate, BOB, LISTEN, odd).await.0, 400, "{member}");
        }
        assert_eq!(upstream.arrived().len(), before, "nothing went upstream");
        for (method, params) in &uses {
            let (status, said) = ask(&gate, ALICE, method, params.clone()).await;
            assert_eq!(
                (status, &said["result"]["secret"]),
                (200, &json!("of-alice"))
            );
        }
        let bobs = json!({"notifications": {"taskIds": ["t-bobs"], "toolsListChanged": true}});
        assert_eq!(ask(&gate, BOB, LISTEN, bobs).await.0, 200);
        let none = json!({"name": "go", "requestState": null});
        assert_eq!(ask(&gate, BOB, "tools/call", none).await.0, 200);
        // Nor are others told that there are any.
        let bobs = ask(&gate, BOB, "tasks/list", json!({})).await.1;
        assert_eq!(bobs["result"]["tasks"], json!([]));
        let alices = ask(&gate, ALICE, "tasks/list", json!({})).await.1;
        assert_eq!(alices["result"]["tasks"].as_array().map(Vec::len), Some(2));
    }
}

/// A server that keeps nothing itself has all of it in its states.
#[tokio::test]
async fn a_state_in_a_long_answer_is_its_callers() {
    let long = |fill: &str| format!("s-{}", fill.repeat(100_000));
    let result = move |before: usize| {
        let before = " ".repeat(before);
        let state = long("x");
        let told = format!(r#"{{"requestState":"{state}","resultType":"input_required"}}"#);
        format!(r#"{before}{{"jsonrpc":"2.0","id":7,"result":{told}}}"#)
    };
    for (before, known) in [(0, true), (50_000, true), (1_000_000, false)] {
        let upstream = Upstream::new(move |_| json(&result(before))).await;
        let gate = Gate::before(&upstream.url).await;
        ask(&gate, ALICE, "tools/call", json!({"name": "ask"})).await;
        let again = json!({"name": "ask", "requestState": long("x")});
        let (_, said) = ask(&gate, ALICE, "tools/call", again.clone()).await;
        assert_eq!(said["result"].is_object(), known, "{before}");
        let (_, said) = ask(&gate, BOB, "tools/call", again).await;
        assert_eq!(said["error"]["code"], -32602);
    }
}

/// MCP 2025-11-25, transports, resumability: without sessions the ids of events are "that client's", and
/// an upstream behind the gate knows no clients.
#[tokio::test]
async fn a_stream_without_a_session_is_taken_up_again_by_whom_it_was_for() {
    let session = ("mcp-session-id", "s");
    let upstream = Upstream::new(move |arrived| {
        let stream = "id: e-1\ndata: {}\n\nid:e-2\ndata: {}\n\n";
        let mut answer = whole(200, "text/event-stream", stream);
        if arrived.text().contains("initialize") {
            let id = session.1.parse().expect("a value");
            answer.headers_mut().insert(session.0, id);
        }
        answer
    })
    .await;
    let gate = Gate::before(&upstream.url).await;
    let resume = async |token: &str, id: &'static str, headers: &[(&'static str, &'static str)]| {
        let get = gate.client.get(gate.url()).bearer_auth(token);
        let get = get.header("last-event-id", id);
        let get = headers
            .iter()
            .fold(get, |get, (name, value)| get.header(*name, *value));
        let answer = get.send().await.expect("an answer");
        let status = answer.status().as_u16();
        answer.bytes().await.expect("all of it");
        status
    };
    assert_eq!(
        resume(ALICE, "e-1", &[]).await,
        400,
        "nobody was told of it"
    );
    // Of a stream that answers a POST as of one that a GET opens.
    gate.call(&ping()).await.text().await.expect("the stream");
    for id in ["e-1", "e-2"] {
        assert_eq!(resume(BOB, id, &[]).await, 400);
        assert_eq!(resume(ALICE, id, &[]).await, 200);
    }
    // In a session, which is its owner's, the ids are the session's.
    let opens = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}});
    gate.call(&opens).await.text().await.expect("the stream");
    assert_eq!(resume(ALICE, "e-9", &[session]).await, 200);
    assert_eq!(resume(BOB, "e-9", &[session]).await, 404);
    let told = upstream.arrived();
    let of_bob = told
        .iter()
        .filter(|arrived| arrived.header("last-event-id").is_some());
    assert_eq!(of_bob.count(), 3, "Alice's only");
}

/// What the audit log is told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl AuditSink for Told {
    fn record(&self, event: &AuditEvent<'_>) {
        let told = format!("{} {}", event.decision().as_str(), event.reason());
        self.0.lock().unwrap().push(told);
    }
}

/// Otherwise whoever tries out the ids of others leaves no trace.
#[tokio::test]
async fn what_the_gate_turns_away_behind_the_layer_is_a_refusal_in_the_audit_log() {
    let upstream = Upstream::new(|arrived| answer(arrived, false)).await;
    let told = Told::default();
    let sink = told.clone();
    let layer = |layer: propusk::AuthLayer| layer.audit(sink);
    let gate = Gate::behind(&upstream.url, settings(), |auth| auth, layer).await;
    let last = || told.0.lock().unwrap().last().cloned().unwrap_or_default();
    ask(&gate, BOB, "tasks/get", json!({"taskId": "t-new"})).await;
    assert_eq!(last(), "refused hidden");
    let state = json!({"name": "go", "requestState": "s-1"});
    ask(&gate, BOB, "tools/call", state).await;
    assert_eq!(last(), "refused hidden");
    let post = gate.post(&ping()).header("mcp-method", "tools/list");
    assert_eq!(post.send().await.expect("an answer").status(), 400);
    assert_eq!(last(), "refused unclear_message");
    let put = gate.client.put(gate.url()).bearer_auth(ALICE);
    assert_eq!(put.send().await.expect("an answer").status(), 405);
    assert_eq!(last(), "refused unclear_message");
    ask(&gate, ALICE, "ping", json!({})).await;
    assert_eq!(last(), "allowed authorized");
}
