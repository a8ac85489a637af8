//! A real MCP server behind the gate, and a real client in front: rmcp on both sides, in both eras.

use std::sync::Arc;

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use propusk::{
    Client, ScopePolicy,
    client::{Era, ErrorKind},
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};
use tower_service::Service;

use crate::gate::{ALICE, BOB, Gate, ping, settings};

/// A server that knows nothing of authorization: its tools are `read`, `write` and `wait`.
#[derive(Clone)]
pub(crate) struct Notes {
    happened: mpsc::UnboundedSender<&'static str>,
}

impl Notes {
    /// With what tells what happens in it.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<&'static str>) {
        let (happened, happens) = mpsc::unbounded_channel();
        (Self { happened }, happens)
    }
}

impl ServerHandler for Notes {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = Arc::new(serde_json::Map::from_iter([(
            "type".to_owned(),
            "object".into(),
        )]));
        let tools =
            ["read", "write", "wait"].map(|name| Tool::new(name, name, Arc::clone(&schema)));
        Ok(ListToolsResult::with_all_items(tools.to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == "wait" {
            self.happened.send("waits").expect("a test");
            context.ct.cancelled().await;
            self.happened.send("cancelled").expect("a test");
        }
        let headers = context.extensions.get::<http::request::Parts>();
        let headers = format!("{:?}", headers.map(|parts| &parts.headers));
        assert!(!headers.contains(ALICE) && !headers.contains(BOB));
        let answer = CallToolResult::success(vec![ContentBlock::text(request.name.into_owned())]);
        Ok(CallToolResponse::Complete(answer))
    }
}

async fn notes() -> (String, mpsc::UnboundedReceiver<&'static str>) {
    let (notes, happens) = Notes::new();
    let service = StreamableHttpService::new(
        move || Ok(notes.clone()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            let service = service_fn(move |request| service.clone().call(request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (url, happens)
}

async fn gate() -> (Gate, mpsc::UnboundedReceiver<&'static str>) {
    let (url, happens) = notes().await;
    let policy = ScopePolicy::default()
        .tool("write", "write")
        .expect("scopes");
    let gate = Gate::with(&url, settings(), |auth| auth.policy(policy)).await;
    (gate, happens)
}

#[tokio::test]
async fn clients_of_both_eras_list_and_call_what_they_may() {
    let (gate, _) = gate().await;
    for era in [Era::Modern, Era::Legacy] {
        for (token, names) in [
            (ALICE, &["read", "write", "wait"][..]),
            (BOB, &["read", "wait"]),
        ] {
            let client = Client::new(gate.url()).bearer(token).era(era);
            let session = client.connect().await.expect("a session");
            let tools = session.list_tools().await.expect("a list");
            let listed: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
            assert_eq!(listed, names, "{era:?}");
            let read = session
                .call_tool("read", json!({}))
                .await
                .expect("an answer");
            assert_eq!(read.content[0].as_text().expect("text").text, "read");
            let write = session.call_tool("write", json!({})).await;
            match token {
                ALICE => assert!(write.is_ok(), "{era:?} {write:?}"),
                _ => {
                    let error = write.expect_err("too few scopes");
                    assert_eq!(*error.kind(), ErrorKind::Forbidden, "{era:?}");
                    let scope = error.challenge().and_then(propusk::Challenge::scope);
                    assert_eq!(scope.expect("scopes").to_string(), "write");
                }
            }
            session.close().await;
        }
        let stranger = Client::new(gate.url()).era(era).connect().await;
        assert_eq!(
            *stranger.expect_err("refused").kind(),
            ErrorKind::Unauthenticated
        );
    }
}

/// 2026-07-28: to close the stream of a request is to cancel it.
#[tokio::test]
async fn a_modern_client_that_goes_away_cancels_its_call() {
    let (gate, mut happens) = gate().await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": "wait", "arguments": {}, "_meta": meta });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let post = gate
        .post(&message)
        .header("mcp-protocol-version", "2026-07-28");
    let post = post
        .header("mcp-method", "tools/call")
        .header("mcp-name", "wait");
    let call = tokio::spawn(post.send());
    assert_eq!(happens.recv().await, Some("waits"));
    call.abort();
    assert_eq!(happens.recv().await, Some("cancelled"));
}

/// 2025-11-25: it is cancelled by a notification, and by nothing else.
#[tokio::test]
async fn a_client_of_a_session_cancels_its_call_by_saying_so() {
    let (gate, mut happens) = gate().await;
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let opened = gate
        .call(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }))
        .await;
    let id = opened.headers()["mcp-session-id"]
        .to_str()
        .expect("text")
        .to_owned();
    let inside = async |message: Value| {
        let post = gate.post(&message).header("mcp-session-id", &id);
        let post = post.header("mcp-protocol-version", "2025-11-25");
        post.send().await.expect("an answer")
    };
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(inside(ready).await.status(), 202);
    let params = json!({ "name": "wait", "arguments": {} });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let call = inside(call).await;
    assert_eq!(happens.recv().await, Some("waits"));
    // It goes away, and the call goes on.
    drop(call);
    assert_eq!(inside(ping()).await.status(), 200);
    assert!(happens.try_recv().is_err());
    let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    assert_eq!(inside(cancel).await.status(), 202);
    assert_eq!(happens.recv().await, Some("cancelled"));
}
