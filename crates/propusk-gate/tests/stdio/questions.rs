//! What a server asks of a client: sampling, elicitation, roots.

use serde_json::{Value, json};

use crate::support::{Client, Gate, text, until};

fn kinds() -> [(Value, Value); 3] {
    [
        (
            json!({ "method": "elicitation/create", "params": {
                "message": "who?", "requestedSchema": { "type": "object", "properties": {} },
            } }),
            json!({ "action": "accept", "content": { "name": "alice" } }),
        ),
        (
            json!({ "method": "sampling/createMessage", "params": {
                "messages": [{ "role": "user", "content": { "type": "text", "text": "hi" } }],
                "maxTokens": 10,
            } }),
            json!({ "model": "m", "role": "assistant", "content": { "type": "text", "text": "yo" } }),
        ),
        (
            json!({ "method": "roots/list", "params": {} }),
            json!({ "roots": [{ "uri": "file:///home/alice" }] }),
        ),
    ]
}

#[tokio::test]
async fn a_session_is_asked_in_the_middle_of_a_call() {
    for era in ["sessions", "requests", "both"] {
        let gate = Gate::new(era).await;
        let alice = Client::session(&gate, "alice").await;
        for (asks, says) in kinds() {
            let mut stream = alice.begin_call("ask", asks.clone()).await;
            let asked = stream.told(asks["method"].as_str().unwrap()).await;
            let message = &asks["params"]["message"];
            assert_eq!(&asked["params"]["message"], message, "{era}: {asked}");
            alice.reply(&asked, says.clone()).await;
            let answer: Value = serde_json::from_str(text(&stream.answer().await)).unwrap();
            let said = match era {
                "requests" => &answer["responses"]["first"],
                _ => &answer["result"],
            };
            assert_eq!(*said, says, "{era}: {answer}");
            if era == "requests" {
                assert_eq!(answer["state"], "state of the fixture");
            }
        }
        gate.end().await;
    }
}

#[tokio::test]
async fn a_client_without_sessions_gets_the_question_as_an_answer() {
    for era in ["sessions", "requests", "both"] {
        let gate = Gate::new(era).await;
        let alice = Client::modern(&gate, "alice");
        for (asks, says) in kinds() {
            let first = alice.call("ask", asks.clone()).await;
            let result = &first["result"];
            assert_eq!(result["resultType"], "input_required", "{era}: {first}");
            let (name, request) = result["inputRequests"]
                .as_object()
                .unwrap()
                .iter()
                .next()
                .unwrap();
            assert_eq!(request["method"], asks["method"], "{era}: {first}");
            let params = json!({
                "name": "ask", "arguments": asks, "requestState": result["requestState"],
                "inputResponses": { name: says },
            });
            let second = alice.ask("tools/call", params).await;
            let answer: Value = serde_json::from_str(text(&second)).unwrap();
            let said = match era {
                "sessions" => &answer["result"],
                _ => &answer["responses"][name],
            };
            assert_eq!(*said, says, "{era}: {answer}");
        }
        gate.end().await;
    }
}

#[tokio::test]
async fn a_waiting_call_is_its_callers_own() {
    let gate = Gate::new("sessions").await;
    let (alice, bob) = (Client::modern(&gate, "alice"), Client::modern(&gate, "bob"));
    let (asks, says) = kinds()[0].clone();
    let first = alice.call("ask", asks.clone()).await;
    let params = json!({
        "name": "ask", "arguments": asks, "requestState": first["result"]["requestState"],
        "inputResponses": { "question": says },
    });
    let stolen = bob.ask("tools/call", params.clone()).await;
    assert_eq!(stolen["error"]["code"], -32602, "{stolen}");
    let own = alice.ask("tools/call", params.clone()).await;
    assert!(text(&own).contains("accept"), "{own}");
    // It is over, and begins anew.
    let again = alice.ask("tools/call", params).await;
    assert_ne!(again["result"]["content"][0]["type"], "text", "{again}");
    gate.end().await;
}

#[tokio::test]
async fn a_retry_without_an_answer_is_asked_once_more() {
    let gate = Gate::new("sessions").await;
    let alice = Client::modern(&gate, "alice");
    let (asks, says) = kinds()[0].clone();
    let first = alice.call("ask", asks.clone()).await;
    let mut params = json!({
        "name": "ask", "arguments": asks, "requestState": first["result"]["requestState"],
    });
    let second = alice.ask("tools/call", params.clone()).await;
    assert_eq!(second["result"]["resultType"], "input_required", "{second}");
    params["requestState"] = second["result"]["requestState"].clone();
    params["inputResponses"] = json!({ "question": says });
    assert!(text(&alice.ask("tools/call", params).await).contains("accept"));
    gate.end().await;
}

#[tokio::test]
async fn a_waiting_call_that_nobody_answers_is_cancelled_at_the_server() {
    let settings = Gate::settings().answer(std::time::Duration::from_millis(50));
    let gate = Gate::with(crate::support::fixture("sessions"), settings).await;
    let alice = Client::modern(&gate, "alice");
    alice.call("ask", kinds()[0].0.clone()).await;
    until("the call is cancelled", async || {
        let state = alice.call("state", json!({})).await;
        text(&state).contains("notifications/cancelled")
    })
    .await;
    gate.end().await;
}

#[tokio::test]
async fn a_client_that_cannot_be_asked_is_not() {
    let gate = Gate::new("sessions").await;
    let session = Client::session_with(&gate, "alice", json!({ "roots": {} })).await;
    let modern = Client::at(&gate.url, "alice", json!({ "roots": {} }));
    for client in [&session, &modern] {
        for (asks, _) in &kinds()[..2] {
            let answer = client.call("ask", asks.clone()).await;
            assert!(text(&answer).contains("does not support"), "{answer}");
        }
    }
    gate.end().await;
}

#[tokio::test]
async fn a_server_takes_its_question_back() {
    let gate = Gate::new("sessions").await;
    let alice = Client::session(&gate, "alice").await;
    // rmcp tells of it on the stream of the session.
    let mut outside = alice.listen().await;
    let mut asks = kinds()[0].0.clone();
    asks["after_ms"] = 100.into();
    let mut stream = alice.begin_call("ask_and_withdraw", asks).await;
    let asked = stream.told("elicitation/create").await;
    let cancelled = outside.told("notifications/cancelled").await;
    assert_eq!(cancelled["params"]["requestId"], asked["id"]);
    assert_eq!(text(&stream.answer().await), "withdrawn");
    gate.end().await;
}

#[tokio::test]
async fn a_refusal_of_the_client_reaches_the_server() {
    let gate = Gate::new("sessions").await;
    let alice = Client::session(&gate, "alice").await;
    let mut stream = alice.begin_call("ask", kinds()[0].0.clone()).await;
    let asked = stream.told("elicitation/create").await;
    alice.reply(&asked, json!({ "action": "decline" })).await;
    assert!(text(&stream.answer().await).contains("decline"));
    gate.end().await;
}
