//! A client that hides nothing: every message of both eras as it stands.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::Response;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::Gate;

/// How long anything may take at most.
const LIMIT: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
    /// The session of 2025-11-25; without one, it speaks 2026-07-28.
    session: Option<String>,
    can: Value,
    next: Arc<AtomicU64>,
}

impl Client {
    /// A client of 2026-07-28 that can do everything.
    pub(crate) fn modern(gate: &Gate, name: &str) -> Self {
        let can = json!({ "sampling": {}, "elicitation": {}, "roots": {} });
        Self::at(&gate.url, name, can)
    }

    pub(crate) fn at(url: &str, name: &str, can: Value) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: url.to_owned(),
            token: Some(format!("token-of-{name}")),
            session: None,
            can,
            next: Arc::new(AtomicU64::new(1)),
        }
    }

    pub(crate) fn without_token(mut self) -> Self {
        self.token = None;
        self
    }

    /// A client with a session of 2025-11-25 that can do everything.
    pub(crate) async fn session(gate: &Gate, name: &str) -> Self {
        let can = json!({ "sampling": {}, "elicitation": {}, "roots": { "listChanged": true } });
        Self::session_with(gate, name, can).await
    }

    pub(crate) async fn session_with(gate: &Gate, name: &str, can: Value) -> Self {
        let mut client = Self::at(&gate.url, name, can.clone());
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": can,
            "clientInfo": { "name": "test", "version": "1" },
        });
        let message =
            json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let response = client.post(&message).await;
        let session = response.headers()["mcp-session-id"].to_str().unwrap();
        client.session = Some(session.to_owned());
        let mut stream = Stream::new(response);
        assert!(stream.answer().await["result"].is_object());
        client.notify("notifications/initialized", json!({})).await;
        client
    }

    /// Calls a tool, and gives the whole answer.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.begin_call(tool, arguments).await.answer().await
    }

    pub(crate) async fn begin_call(&self, tool: &str, arguments: Value) -> Stream {
        self.begin(
            "tools/call",
            json!({ "name": tool, "arguments": arguments }),
        )
        .await
    }

    /// Calls a tool from elsewhere; aborted, the client hangs up.
    pub(crate) fn begin_detached(&self, tool: &'static str) -> tokio::task::JoinHandle<Stream> {
        let client = self.clone();
        tokio::spawn(async move { client.begin_call(tool, json!({})).await })
    }

    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        self.begin(method, params).await.answer().await
    }

    /// Sends a request.
    pub(crate) async fn begin(&self, method: &str, params: Value) -> Stream {
        self.begin_as(method, params).await.1
    }

    /// The same, and its id.
    pub(crate) async fn begin_as(&self, method: &str, mut params: Value) -> (u64, Stream) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        if self.session.is_none() {
            let meta = params
                .as_object_mut()
                .unwrap()
                .entry("_meta")
                .or_insert_with(|| Value::Object(Map::new()));
            meta["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
            meta["io.modelcontextprotocol/clientInfo"] = json!({ "name": "test", "version": "1" });
            meta["io.modelcontextprotocol/clientCapabilities"] = self.can.clone();
        }
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        (id, Stream::new(self.post(&message).await))
    }

    pub(crate) async fn notify(&self, method: &str, params: Value) {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        assert_eq!(self.post(&message).await.status(), 202);
    }

    /// Answers what was asked.
    pub(crate) async fn reply(&self, asked: &Value, result: Value) {
        let message = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
        assert_eq!(self.post(&message).await.status(), 202);
    }

    /// The stream of a session, for what belongs to no request.
    pub(crate) async fn listen(&self) -> Stream {
        let request = self
            .http
            .get(&self.url)
            .bearer_auth(self.token.as_ref().unwrap())
            .header("accept", "text/event-stream")
            .header("mcp-session-id", self.session.as_ref().unwrap())
            .header("mcp-protocol-version", "2025-11-25");
        let response = timeout(LIMIT, request.send()).await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        Stream::new(response)
    }

    /// Ends the session.
    pub(crate) async fn leave(self) {
        let request = self
            .http
            .delete(&self.url)
            .bearer_auth(self.token.as_ref().unwrap())
            .header("mcp-session-id", self.session.unwrap());
        let response = timeout(LIMIT, request.send()).await.unwrap().unwrap();
        assert_eq!(response.status(), 204);
    }

    async fn post(&self, message: &Value) -> Response {
        let mut request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(message.to_string());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(session) = &self.session {
            request = request
                .header("mcp-session-id", session)
                .header("mcp-protocol-version", "2025-11-25");
        } else if message["method"] != "initialize" {
            let params = &message["params"];
            let named = ["name", "uri", "taskId"].map(|member| params[member].as_str());
            let name = named.into_iter().flatten().next();
            request = request
                .header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", message["method"].as_str().unwrap());
            if let Some(name) = name {
                request = request.header("mcp-name", name);
            }
        }
        timeout(LIMIT, request.send()).await.unwrap().unwrap()
    }
}

/// What comes back for one request.
pub(crate) struct Stream {
    response: Response,
    is_stream: bool,
    text: String,
    messages: VecDeque<Value>,
}

impl Stream {
    fn new(response: Response) -> Self {
        let kind = response.headers().get("content-type");
        let is_stream = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        Self {
            response,
            is_stream,
            text: String::new(),
            messages: VecDeque::new(),
        }
    }

    /// The next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let reading = async {
            while self.messages.is_empty() {
                let chunk = self.response.chunk().await.ok()??;
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
                self.split();
            }
            self.messages.pop_front()
        };
        timeout(LIMIT, reading).await.expect("a message in time")
    }

    fn split(&mut self) {
        if !self.is_stream {
            if let Ok(message) = serde_json::from_str(&self.text) {
                self.messages.push_back(message);
            }
            return;
        }
        while let Some((event, rest)) = self.text.split_once("\n\n") {
            let data: String = event
                .lines()
                .filter_map(|line| line.strip_prefix("data:"))
                .collect();
            if let Ok(message) = serde_json::from_str(&data) {
                self.messages.push_back(message);
            }
            self.text = rest.to_owned();
        }
    }

    /// The next message that is no answer.
    pub(crate) async fn told(&mut self, method: &str) -> Value {
        let message = self.next().await.expect("a message");
        assert_eq!(message["method"], method, "{message}");
        message
    }

    /// The answer, whatever comes before it.
    pub(crate) async fn answer(&mut self) -> Value {
        loop {
            let message = self.next().await.expect("an answer");
            if message.get("method").is_none() {
                return message;
            }
        }
    }
}

/// What a tool has answered.
pub(crate) fn text(answer: &Value) -> &str {
    let text = &answer["result"]["content"][0]["text"];
    text.as_str().unwrap_or_else(|| panic!("no text: {answer}"))
}
