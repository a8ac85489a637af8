//! JSON-RPC requests of both eras.

use serde_json::{Value, json};

use super::{Reply, Request, Site};

/// Which era of MCP a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// 2026-07-28: every request stands for itself.
    Modern,
    /// 2025-11-25: `initialize`, then a session.
    Legacy,
}

impl Era {
    pub(crate) const BOTH: [Self; 2] = [Self::Modern, Self::Legacy];
}

const NEWER: &str = "2026-07-28";
const OLDER: &str = "2025-11-25";

/// What opens a session.
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;

fn post(body: &str) -> Request {
    Request::new("POST /mcp")
        .header("Content-Type", "application/json")
        .header("Accept", "application/json, text/event-stream")
        .body(body)
}

/// A request of 2026-07-28.
pub(crate) fn modern(method: &str, mut params: Value) -> Request {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": NEWER,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {
            "elicitation": {"form": {}},
            "extensions": {"io.modelcontextprotocol/tasks": {}},
        },
    });
    let named = ["name", "uri", "taskId"].map(|member| params[member].as_str());
    // A header cannot carry a control character; what it says instead is refused as well.
    let name = named.into_iter().flatten().next();
    let name = name.map(|name| name.replace(char::is_control, "?"));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let request = post(&body.to_string())
        .header("MCP-Protocol-Version", NEWER)
        .header("Mcp-Method", method);
    match name {
        Some(name) => request.header("Mcp-Name", name),
        None => request,
    }
}

/// A call of a tool in 2026-07-28.
pub(crate) fn call(tool: &str) -> Request {
    modern("tools/call", json!({"name": tool, "arguments": {}}))
}

/// The request that opens a session of 2025-11-25.
pub(crate) fn initialize() -> Request {
    post(INITIALIZE)
}

/// A call of a tool inside a session of 2025-11-25.
pub(crate) fn legacy(session: &str, tool: &str) -> Request {
    in_session(
        session,
        "tools/call",
        &json!({"name": tool, "arguments": {}}),
    )
}

/// A request inside a session of 2025-11-25.
pub(crate) fn in_session(session: &str, method: &str, params: &Value) -> Request {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    post(&body.to_string())
        .header("MCP-Protocol-Version", OLDER)
        .header("Mcp-Session-Id", session)
}

/// A request of 2025-11-25, which may or may not be in a session.
pub(crate) fn older(method: &str, params: &Value) -> Request {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    post(&body.to_string()).header("MCP-Protocol-Version", OLDER)
}

/// The session that a reply opens.
fn session_id(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
        .header("mcp-session-id")
        .expect("a session")
        .to_owned()
}

/// What came out of a call: the tool's text, `error: …` of the tool or of JSON-RPC, or the status.
pub(crate) fn called(reply: &Reply) -> String {
    if reply.status != 200 {
        return reply.status.to_string();
    }
    let json = reply.json();
    if let Some(error) = json.get("error") {
        return format!("error: {}", error["message"].as_str().expect("a message"));
    }
    let text = json["result"]["content"][0]["text"]
        .as_str()
        .expect("a text");
    match json["result"]["isError"].as_bool() {
        Some(true) => format!("error: {text}"),
        _ => text.to_owned(),
    }
}

impl Site {
    /// Opens a session with these headers, or gives the refusal.
    pub(crate) async fn open(&self, headers: &[(&str, &str)]) -> Result<String, Reply> {
        let reply = self.send(&initialize().headers(headers)).await;
        if reply.status != 200 {
            return Err(reply);
        }
        let session = session_id(&reply);
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let reply = self
            .send(&legacy(&session, "").body(initialized).headers(headers))
            .await;
        assert_eq!(reply.status, 202, "{reply:?}");
        Ok(session)
    }

    /// Calls a tool with these headers, in the older era in a session of its own.
    pub(crate) async fn tool(&self, era: Era, headers: &[(&str, &str)], tool: &str) -> Reply {
        let request = match era {
            Era::Modern => call(tool),
            Era::Legacy => match self.open(headers).await {
                Ok(session) => legacy(&session, tool),
                Err(refusal) => return refusal,
            },
        };
        self.send(&request.headers(headers)).await
    }
}
