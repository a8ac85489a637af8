//! Headers that repeat what is in the body.

use serde_json::{Value, json};

use crate::{
    gate::{Gate, error_of, ping},
    upstream::{Upstream, json},
};

fn call(name: &str) -> Value {
    json!({
        "jsonrpc": "2.0", "id": 7, "method": "tools/call",
        "params": { "name": name, "arguments": { "region": "eu", "count": 3, "deep": { "x": true } } },
    })
}

/// Otherwise a server that goes by the headers calls what nobody has decided about.
#[tokio::test]
async fn a_header_that_says_something_else_than_the_body_does_not_go_upstream() {
    let upstream = Upstream::new(|_| json(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#)).await;
    let gate = Gate::before(&upstream.url).await;
    let read = json!({
        "jsonrpc": "2.0", "id": 7, "method": "resources/read", "params": { "uri": "file:///a" },
    });
    for (message, header, value, passes) in [
        (call("echo"), "mcp-method", "tools/call", true),
        (call("echo"), "mcp-method", "tools/list", false),
        (call("echo"), "mcp-method", "Tools/Call", false),
        (call("echo"), "mcp-name", "echo", true),
        (call("echo"), "mcp-name", "=?base64?ZWNobw==?=", true),
        (call("echo"), "mcp-name", "denied", false),
        (call("echo"), "mcp-name", "Echo", false),
        (call("echo"), "mcp-name", "=?base64?ZGVuaWVk?=", false),
        (call("echo"), "mcp-name", "=?base64?ZWNobw?=", false),
        (call("grüß"), "mcp-name", "=?base64?Z3LDvMOf?=", true),
        (call("grüß"), "mcp-name", "grüß", false),
        (read.clone(), "mcp-name", "file:///a", true),
        (read, "mcp-name", "file:///b", false),
        (call("echo"), "mcp-param-region", "eu", true),
        (call("echo"), "mcp-param-count", "3", true),
        (call("echo"), "mcp-param-x", "true", true),
        (call("echo"), "mcp-param-region", "us", false),
        (call("echo"), "mcp-param-region", "=?base64?dXM=?=", false),
    ] {
        for version in ["2026-07-28", "2025-11-25"] {
            let before = upstream.arrived().len();
            let post = gate.post(&message).header("mcp-protocol-version", version);
            let answer = post.header(header, value).send().await.expect("an answer");
            let (status, said) = error_of(answer).await;
            let arrived = &upstream.arrived()[before..];
            if passes {
                assert_eq!(status, 200, "{header}: {value}");
                let sent = arrived[0]
                    .headers
                    .get(header)
                    .map(http::HeaderValue::as_bytes);
                assert_eq!(sent, Some(value.as_bytes()));
            } else {
                let told = (status, &said["id"], &said["error"]["code"]);
                assert_eq!(told, (400, &json!(7), &json!(-32020)), "{header}: {value}");
                assert!(arrived.is_empty(), "{header}: {value}");
            }
        }
    }
    let twice = gate.post(&call("echo"));
    let twice = twice.header("mcp-param-x", "eu").header("mcp-param-x", "3");
    assert_eq!(twice.send().await.expect("an answer").status(), 400);
}

/// What there is nothing to compare with says nothing upstream.
#[tokio::test]
async fn a_header_without_its_part_of_the_body_is_taken_away() {
    let upstream = Upstream::new(|_| json(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#)).await;
    let gate = Gate::before(&upstream.url).await;
    let answer = json!({ "jsonrpc": "2.0", "id": 7, "result": {} });
    for sent in [gate.post(&ping()), gate.post(&answer), gate.get()] {
        let sent = sent.header("mcp-name", "denied").header("mcp-param-a", "b");
        sent.send().await.expect("an answer");
    }
    let stream = gate.get().header("mcp-method", "tools/call");
    stream.send().await.expect("an answer");
    let arrived = upstream.arrived();
    assert_eq!(arrived.len(), 4);
    for arrived in arrived {
        let text = arrived.text();
        assert!(
            !text.contains("denied") && !text.contains("mcp-param"),
            "{text}"
        );
        assert_eq!(arrived.header("mcp-method"), None);
    }
}
