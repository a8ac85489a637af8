//! An MCP server over stdio that knows nothing of authorization, of 2025-11-25.

// A helper of tests is a test too; `clippy.toml` reaches the test functions only.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::io::{BufRead, Write};

use serde_json::{Value, json};

fn main() {
    let stdin = std::io::stdin().lock();
    for line in stdin.lines().map_while(Result::ok) {
        let message: Value = serde_json::from_str(&line).expect("JSON");
        let Some(id) = message.get("id") else {
            continue;
        };
        let answer = answer(&message);
        let (key, value) = match answer {
            Some(result) => ("result", result),
            None => ("error", json!({"code": -32601, "message": "unknown"})),
        };
        let mut stdout = std::io::stdout().lock();
        let line = json!({"jsonrpc": "2.0", "id": id, key: value});
        writeln!(stdout, "{line}").expect("written");
        stdout.flush().expect("written");
    }
}

fn answer(message: &Value) -> Option<Value> {
    Some(match message["method"].as_str()? {
        "initialize" => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "fixture", "version": "1"},
        }),
        "ping" => json!({}),
        "tools/list" => json!({"tools": [
            tool("look", &json!({"readOnlyHint": true})),
            tool("change", &json!({"readOnlyHint": false, "destructiveHint": false})),
            tool("wipe_all", &json!({"destructiveHint": true})),
            tool("odd\"]\nhidden = true #", &json!({"readOnlyHint": true})),
        ]}),
        "tools/call" => {
            let said = match message["params"]["name"].as_str()? {
                "environment" => format!("{:?}", std::env::var("FIXTURE").ok()),
                name => format!("{name} of {}", std::process::id()),
            };
            json!({"content": [{"type": "text", "text": said}]})
        }
        _ => return None,
    })
}

fn tool(name: &str, annotations: &Value) -> Value {
    let schema = json!({"type": "object"});
    let description = "It does\nwhat [[upstream]] says";
    json!({"name": name, "description": description, "inputSchema": schema, "annotations": annotations})
}
