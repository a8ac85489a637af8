//! `stdio-fixture [--era sessions|requests|both] [--stubborn]`: an MCP server on standard input and
//! output that does everything, also what a server should not.
//!
//! It is written without an SDK, so that it can break the rules. Its tools say of themselves in
//! `tools.rs` what they do.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod line;
mod tools;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::stdin,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use line::Line;
use serde_json::{Value, json};

/// What a client has told.
#[derive(Default)]
struct Told {
    uris: BTreeSet<String>,
    level: Option<String>,
    /// Requests that were taken back, by their id.
    cancelled: BTreeSet<u64>,
    /// Subscriptions of 2026-07-28, and their resources.
    listening: BTreeMap<u64, Vec<String>>,
    notifications: Vec<String>,
    /// Calls that are never answered.
    hanging: u64,
}

struct Fixture {
    line: Line,
    told: Mutex<Told>,
    sessions: bool,
    requests: bool,
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let era = arguments
        .iter()
        .skip_while(|argument| *argument != "--era")
        .nth(1);
    let era = era.map_or("both", String::as_str);
    let fixture = Arc::new(Fixture {
        line: Line::default(),
        told: Mutex::default(),
        sessions: era != "requests",
        requests: era != "sessions",
    });
    for line in stdin().lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        fixture.take(message);
    }
    if arguments.iter().any(|argument| argument == "--stubborn") {
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    }
}

impl Fixture {
    fn take(self: &Arc<Self>, message: Value) {
        let method = message["method"].as_str().map(str::to_owned);
        match (method, message["id"].as_u64()) {
            (Some(method), Some(id)) => {
                let fixture = Arc::clone(self);
                thread::spawn(move || fixture.answer(id, &method, &message["params"]));
            }
            (Some(method), None) => self.notified(method, &message["params"]),
            (None, _) => self.line.answered(&message),
        }
    }

    fn notified(&self, method: String, params: &Value) {
        let mut told = self.told.lock().unwrap();
        if method == "notifications/cancelled" {
            let id = params["requestId"].as_u64().unwrap();
            told.cancelled.insert(id);
            told.listening.remove(&id);
        }
        told.notifications.push(method);
    }

    fn answer(&self, id: u64, method: &str, params: &Value) {
        let version = &params["_meta"]["io.modelcontextprotocol/protocolVersion"];
        let modern = version == "2026-07-28";
        if modern && !self.requests || !modern && !self.sessions {
            let error = json!({ "code": -32601, "message": "not in this era" });
            self.line
                .send(&json!({ "jsonrpc": "2.0", "id": id, "error": error }));
            return;
        }
        let result = match method {
            "tools/call" => tools::call(self, id, params, modern),
            "subscriptions/listen" => return self.listen(id, params),
            _ => self.simple(method, params),
        };
        match result {
            Some(Ok(result)) => self
                .line
                .send(&json!({ "jsonrpc": "2.0", "id": id, "result": result })),
            Some(Err(error)) => self
                .line
                .send(&json!({ "jsonrpc": "2.0", "id": id, "error": error })),
            None => {}
        }
    }

    fn listen(&self, id: u64, params: &Value) {
        let filter = &params["notifications"];
        let uris = filter["resourceSubscriptions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let uris = uris
            .iter()
            .map(|uri| uri.as_str().unwrap().to_owned())
            .collect();
        self.told.lock().unwrap().listening.insert(id, uris);
        let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
        let accepted = json!({ "notifications": filter, "_meta": meta });
        self.line
            .notify("notifications/subscriptions/acknowledged", accepted);
    }

    fn simple(&self, method: &str, params: &Value) -> Option<Result<Value, Value>> {
        let capabilities = json!({
            "completions": {}, "logging": {}, "prompts": { "listChanged": true },
            "resources": { "listChanged": true, "subscribe": true }, "tools": { "listChanged": true },
        });
        let info = json!({ "name": "stdio-fixture", "version": "1" });
        Some(Ok(match method {
            "initialize" => json!({
                "protocolVersion": params["protocolVersion"], "capabilities": capabilities,
                "serverInfo": info, "instructions": "breaks rules",
            }),
            "server/discover" => json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": capabilities, "ttlMs": 0, "cacheScope": "private",
                "_meta": { "io.modelcontextprotocol/serverInfo": info },
            }),
            "tools/list" => tools::list(params),
            "prompts/list" => json!({ "prompts": [{ "name": "greeting" }] }),
            "prompts/get" => json!({ "messages": [
                { "role": "user", "content": { "type": "text", "text": "hello" } }
            ] }),
            "resources/list" => json!({ "resources": [{ "name": "a", "uri": "test://a" }] }),
            "resources/templates/list" => json!({ "resourceTemplates": [
                { "name": "t", "uriTemplate": "test://{name}" }
            ] }),
            "resources/read" => {
                json!({ "contents": [{ "uri": params["uri"], "text": "content" }] })
            }
            "completion/complete" => json!({ "completion": { "values": ["one", "two"] } }),
            "resources/subscribe" if params["uri"] == "test://forbidden" => {
                return Some(Err(
                    json!({ "code": -32602, "message": "no such resource" }),
                ));
            }
            "resources/subscribe" => {
                let uri = params["uri"].as_str().unwrap().to_owned();
                self.told.lock().unwrap().uris.insert(uri);
                json!({})
            }
            "resources/unsubscribe" => {
                let uri = params["uri"].as_str().unwrap();
                self.told.lock().unwrap().uris.remove(uri);
                json!({})
            }
            "logging/setLevel" => {
                let level = params["level"].as_str().unwrap().to_owned();
                self.told.lock().unwrap().level = Some(level);
                json!({})
            }
            "example/custom" => json!({ "custom": params["value"] }),
            _ => return Some(Err(json!({ "code": -32601, "message": method }))),
        }))
    }
}
