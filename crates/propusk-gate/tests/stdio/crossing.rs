//! All that the protocol has, from clients of both eras to servers of each.

use serde_json::{Value, json};

use crate::support::{Client, Gate, text};

const ERAS: [&str; 3] = ["sessions", "requests", "both"];

/// A client of each era at a server of each.
async fn each(test: impl AsyncFn(&Client, &str)) {
    for era in ERAS {
        let gate = Gate::new(era).await;
        let modern = Client::modern(&gate, "alice");
        test(&modern, &format!("2026-07-28 at {era}")).await;
        let session = Client::session(&gate, "alice").await;
        test(&session, &format!("2025-11-25 at {era}")).await;
        gate.end().await;
    }
}

#[tokio::test]
async fn methods_cross_between_the_eras() {
    each(async |client, between| {
        let echoed = client.call("echo", json!({ "text": "hello" })).await;
        assert_eq!(text(&echoed), "hello", "{between}");
        for (method, params, pointer, expected) in [
            ("tools/list", json!({}), "/result/tools/0/name", "echo"),
            (
                "prompts/list",
                json!({}),
                "/result/prompts/0/name",
                "greeting",
            ),
            (
                "prompts/get",
                json!({ "name": "greeting" }),
                "/result/messages/0/content/text",
                "hello",
            ),
            (
                "resources/list",
                json!({}),
                "/result/resources/0/uri",
                "test://a",
            ),
            (
                "resources/templates/list",
                json!({}),
                "/result/resourceTemplates/0/uriTemplate",
                "test://{name}",
            ),
            (
                "resources/read",
                json!({ "uri": "test://a" }),
                "/result/contents/0/text",
                "content",
            ),
            (
                "completion/complete",
                json!({
                    "ref": { "type": "ref/prompt", "name": "greeting" },
                    "argument": { "name": "who", "value": "o" },
                }),
                "/result/completion/values/0",
                "one",
            ),
            (
                "example/custom",
                json!({ "value": "kept" }),
                "/result/custom",
                "kept",
            ),
        ] {
            let answer = client.ask(method, params).await;
            let found = answer.pointer(pointer).and_then(Value::as_str);
            assert_eq!(found, Some(expected), "{between} {method}: {answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn cursors_cross() {
    each(async |client, between| {
        let first = client.ask("tools/list", json!({})).await;
        let cursor = &first["result"]["nextCursor"];
        assert!(cursor.is_string(), "{between}: {first}");
        let second = client.ask("tools/list", json!({ "cursor": cursor })).await;
        assert_eq!(
            second["result"]["tools"][0]["name"], "hang",
            "{between}: {second}"
        );
        assert!(
            second["result"]["nextCursor"].is_null(),
            "{between}: {second}"
        );
    })
    .await;
}

#[tokio::test]
async fn structured_content_and_metadata_cross() {
    each(async |client, between| {
        let answer = client.call("annotated", json!({})).await;
        assert_eq!(
            answer["result"]["structuredContent"],
            json!({ "a": 1 }),
            "{between}: {answer}"
        );
        assert_eq!(
            answer["result"]["_meta"]["example.org/kept"], true,
            "{between}: {answer}"
        );
    })
    .await;
}

#[tokio::test]
async fn errors_of_the_server_are_its_own() {
    each(async |client, between| {
        let answer = client.call("nothing", json!({})).await;
        assert_eq!(answer["error"]["code"], -32602, "{between}: {answer}");
        assert_eq!(
            answer["error"]["message"], "no tool nothing",
            "{between}: {answer}"
        );
        let answer = client.ask("example/unknown", json!({})).await;
        assert_eq!(answer["error"]["code"], -32601, "{between}: {answer}");
    })
    .await;
}

#[tokio::test]
async fn progress_has_the_token_of_its_client() {
    each(async |client, between| {
        let params = json!({
            "name": "progress", "arguments": { "steps": 3 }, "_meta": { "progressToken": "mine" },
        });
        let mut stream = client.begin("tools/call", params).await;
        for step in 1..=3 {
            let told = stream.told("notifications/progress").await;
            assert_eq!(told["params"]["progressToken"], "mine", "{between}: {told}");
            assert_eq!(
                told["params"]["progress"].as_f64(),
                Some(f64::from(step)),
                "{between}"
            );
        }
        assert_eq!(text(&stream.answer().await), "done", "{between}");
    })
    .await;
}

#[tokio::test]
async fn a_request_has_the_metadata_of_the_servers_era() {
    for era in ERAS {
        let gate = Gate::new(era).await;
        for (client, is_modern) in [
            (Client::modern(&gate, "alice"), true),
            (Client::session(&gate, "alice").await, false),
        ] {
            let params = json!({
                "name": "meta", "arguments": {},
                "_meta": { "progressToken": 7, "example.org/own": "kept" },
            });
            let answer = client.begin("tools/call", params).await.answer().await;
            let meta: Value = serde_json::from_str(text(&answer)).unwrap();
            assert_eq!(meta["example.org/own"], "kept", "{era}: {meta}");
            assert_ne!(
                meta["progressToken"], 7,
                "tokens of two clients may be the same"
            );
            let version = &meta["io.modelcontextprotocol/protocolVersion"];
            let expects_modern = era == "requests" || (era == "both" && is_modern);
            assert_eq!(version == "2026-07-28", expects_modern, "{era}: {meta}");
            let has = |name| !meta[format!("io.modelcontextprotocol/{name}")].is_null();
            assert_eq!(has("clientCapabilities"), expects_modern, "{era}: {meta}");
        }
        gate.end().await;
    }
}

#[tokio::test]
async fn who_a_server_is_crosses() {
    for era in ERAS {
        let gate = Gate::new(era).await;
        let modern = Client::modern(&gate, "alice");
        let said = modern.ask("server/discover", json!({})).await;
        let result = &said["result"];
        assert_eq!(
            result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "stdio-fixture",
            "{era}: {said}"
        );
        assert_eq!(
            result["capabilities"]["resources"]["subscribe"], true,
            "{era}: {said}"
        );
        assert!(
            result["capabilities"]["logging"].is_object(),
            "{era}: {said}"
        );
        gate.end().await;
    }
}

#[tokio::test]
async fn a_stranger_reaches_no_child() {
    let gate = Gate::new("both").await;
    let stranger = Client::at(&gate.url, "nobody", json!({}));
    let answer = stranger.call("crash", json!({})).await;
    assert_eq!(answer["error"]["code"], -32001, "{answer}");
    assert_eq!(
        text(
            &Client::modern(&gate, "bob")
                .call("echo", json!({ "text": "on" }))
                .await
        ),
        "on"
    );
    gate.end().await;
}
