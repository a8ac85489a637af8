//! An axum handler that parses a `tools/call` of `echo` and answers it, with no MCP library: what
//! HTTP and JSON cost alone.

use axum::{
    Router,
    body::Bytes,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The key that a 2026-07-28 request has in its `_meta`, and an older one has not.
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

#[derive(Deserialize)]
struct Call {
    jsonrpc: String,
    id: Value,
    method: String,
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    name: String,
    arguments: Echo,
    #[serde(rename = "_meta", default)]
    meta: Map<String, Value>,
}

#[derive(Deserialize)]
struct Echo {
    message: String,
}

#[derive(Serialize)]
struct Answer {
    jsonrpc: &'static str,
    id: Value,
    result: CallResult,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    result_type: Option<&'static str>,
    content: [Text; 1],
    is_error: bool,
}

#[derive(Serialize)]
struct Text {
    r#type: &'static str,
    text: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    propusk_bench::serve(Router::new().route("/mcp", post(echo))).await
}

async fn echo(body: Bytes) -> Response {
    let Ok(call) = serde_json::from_slice::<Call>(&body) else {
        return discover(&body);
    };
    if call.jsonrpc != "2.0" || call.method != "tools/call" || call.params.name != "echo" {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let text = Text {
        r#type: "text",
        text: call.params.arguments.message,
    };
    let answer = Answer {
        jsonrpc: "2.0",
        id: call.id,
        result: CallResult {
            content: [text],
            is_error: false,
            result_type: call
                .params
                .meta
                .contains_key(VERSION_KEY)
                .then_some("complete"),
        },
    };
    json_of(&answer)
}

fn json_of(answer: &impl Serialize) -> Response {
    match serde_json::to_vec(answer) {
        Ok(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What a 2026-07-28 client asks once for each connection, before it is measured.
fn discover(body: &[u8]) -> Response {
    match serde_json::from_slice::<Value>(body) {
        Ok(asked) if asked["method"] == "server/discover" => json_of(&json!({
            "jsonrpc": "2.0",
            "id": asked["id"],
            "result": {
                "resultType": "complete",
                "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "bench-bare", "version": "1"},
            },
        })),
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}
