//! The check at the handler itself, where nothing stands in front.

use propusk::{AuthSettings, ScopePolicy, server::Guard};
use rmcp::{ClientHandler, ServiceExt, model::CallToolRequestParams};
use serde_json::json;

use crate::support::{Front, Library, Scoped, Speech, Wire, called, mcp, modern, token_of, with};

fn settings(settings: AuthSettings) -> AuthSettings {
    let policy = ScopePolicy::new().resource("file:///private/*", "files");
    settings.policy(policy.expect("scopes"))
}

/// A guard without a layer sees no permit, whatever the request carries, and lets nothing through
/// that needs a scope.
#[tokio::test]
async fn without_a_layer_nobody_is_asking() {
    let site = Scoped::start(Front::Unlayered, settings).await;
    for speech in Front::Unlayered.speeches() {
        for token in [None, Some("ok~notes~code~secret~files~root")] {
            let case = format!("{speech:?} {token:?}");
            let free = site.call(*speech, token, "free").await;
            assert_eq!(called(&free), "free", "{case}: {free:?}");
            site.library.reached();
            let read = |uri: &str| ("resources/read", json!({ "uri": uri }));
            for (method, params) in [
                ("tools/call", json!({ "name": "add", "arguments": {} })),
                ("tools/call", json!({ "name": "either", "arguments": {} })),
                ("prompts/get", json!({ "name": "review" })),
                read("file:///private/a"),
                read("mem:///secret"),
                read("note:///1"),
            ] {
                let reply = site.ask(*speech, token, method, params).await;
                let error = &reply.json()["error"];
                assert_eq!(error["code"], -32001, "{case} {method}: {reply:?}");
                assert_eq!(error["data"]["error"], "unauthenticated", "{case} {method}");
                assert!(error["data"]["scope"].is_string(), "{case} {method}");
                assert_eq!(site.library.reached(), [""; 0], "{case} {method}");
            }
        }
        let list = site
            .list(*speech, Some("ok~root"), "tools/list", json!({}))
            .await;
        assert!(!list.to_string().contains("notes:write"), "{list}");
    }
}

/// Server-wide scopes hold there too: not even a greeting goes through.
#[tokio::test]
async fn without_a_layer_server_wide_scopes_close_everything() {
    let wide = |s: AuthSettings| s.require_scopes("mcp").expect("scopes");
    let site = Scoped::start(Front::Unlayered, wide).await;
    let reply = site
        .ask(Speech::Modern, Some("ok~mcp"), "tools/list", json!({}))
        .await;
    assert_eq!(reply.json()["error"]["data"]["scope"], "mcp", "{reply:?}");
    let reply = site.call(Speech::Modern, None, "free").await;
    assert_eq!(reply.json()["error"]["data"]["scope"], "mcp", "{reply:?}");
    assert_eq!(site.library.reached(), [""; 0]);
}

struct Nobody;

impl ClientHandler for Nobody {}

/// Another transport than HTTP.
#[tokio::test]
async fn over_a_pipe_nobody_is_asking() {
    let library = Library::new();
    let plain = AuthSettings::new("http://127.0.0.1:1/mcp").expect("a URL");
    let guard = Guard::new(library.clone(), settings(plain));
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let server = tokio::spawn(async move { guard.serve(ours).await });
    let client = Nobody.serve(theirs).await.expect("connected");
    let server = server.await.expect("no panic").expect("connected");
    client
        .call_tool(CallToolRequestParams::new("free"))
        .await
        .expect("needs nothing");
    let refused = client.call_tool(CallToolRequestParams::new("add")).await;
    assert!(
        format!("{refused:?}").contains("notes:write"),
        "{refused:?}"
    );
    assert_eq!(library.reached(), ["free"]);
    drop((client, server));
}

/// A handler that is written by hand and cannot say what a tool is by its name; its list can.
#[derive(Clone)]
struct ByHand;

impl rmcp::ServerHandler for ByHand {
    fn get_info(&self) -> rmcp::model::ServerConfig {
        let tools = rmcp::model::ServerCapabilities::builder().enable_tools();
        rmcp::model::ServerConfig::new(tools.build())
    }

    async fn list_tools(
        &self,
        _: Option<rmcp::model::PaginatedRequestParams>,
        _: rmcp::service::RequestContext<rmcp::RoleServer>,
    ) -> Result<rmcp::model::ListToolsResult, rmcp::ErrorData> {
        let tool = |name| rmcp::model::Tool::new(name, "by hand", std::sync::Arc::default());
        let locked = tool("locked").with_meta(propusk::server::scopes(["key"]));
        Ok(rmcp::model::ListToolsResult::with_all_items(vec![
            locked,
            tool("open"),
        ]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: rmcp::service::RequestContext<rmcp::RoleServer>,
    ) -> Result<rmcp::model::CallToolResponse, rmcp::ErrorData> {
        let text = rmcp::model::ContentBlock::text(request.name.into_owned());
        Ok(rmcp::model::CallToolResult::success(vec![text]).into())
    }
}

#[tokio::test]
async fn what_a_list_shows_as_locked_is_locked() {
    let plain = AuthSettings::new("http://127.0.0.1:1/mcp").expect("a URL");
    let guard = Guard::new(ByHand, plain);
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let server = tokio::spawn(async move { guard.serve(ours).await });
    let client = Nobody.serve(theirs).await.expect("connected");
    let server = server.await.expect("no panic").expect("connected");
    let refused = client.call_tool(CallToolRequestParams::new("locked")).await;
    assert!(format!("{refused:?}").contains("key"), "{refused:?}");
    client
        .call_tool(CallToolRequestParams::new("open"))
        .await
        .expect("needs nothing");
    let listed = client.list_all_tools().await.expect("a list");
    assert_eq!(listed.len(), 1, "{listed:?}");
    drop((client, server));
}

/// A handler with one tool, which declares this.
struct One(&'static [&'static str]);

impl rmcp::ServerHandler for One {
    fn get_tool(&self, name: &str) -> Option<rmcp::model::Tool> {
        let tool = rmcp::model::Tool::new(name.to_owned(), "one", std::sync::Arc::default());
        Some(match self.0 {
            [scope] => tool.with_meta(propusk::server::scopes([*scope])),
            _ => tool,
        })
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: rmcp::service::RequestContext<rmcp::RoleServer>,
    ) -> Result<rmcp::model::CallToolResponse, rmcp::ErrorData> {
        let text = rmcp::model::ContentBlock::text(request.name.into_owned());
        Ok(rmcp::model::CallToolResult::success(vec![text]).into())
    }
}

/// What a layer was told by another guard says nothing to this one, even if both are of one type.
#[tokio::test]
async fn a_guard_takes_the_word_of_no_other_guard() {
    for (told, own, expected) in [
        (&[][..], &["key"][..], 403),
        (&["other"], &["key"], 403),
        (&["other"], &[], 200),
        (&["key"], &["key"], 403),
        (&[], &[], 200),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
        let guard = |scopes| Guard::new(One(scopes), settings.clone());
        let (own_guard, other) = (guard(own), guard(told));
        let verifier = |token: propusk::BearerToken| {
            std::future::ready(Ok::<_, propusk::Unavailable>(token_of(
                token.expose_secret(),
            )))
        };
        let layer = propusk::AuthLayer::new(settings.clone(), verifier).declared_by(other);
        let app = axum::Router::new().nest_service("/mcp", mcp(move || own_guard.clone()));
        tokio::spawn(axum::serve(listener, app.layer(layer)).into_future());
        let call = modern("tools/call", json!({ "name": "a", "arguments": {} }));
        let mut wire = Wire::connect(address).await;
        wire.send(&with(call, Some("ok~other")).bytes()).await;
        let reply = wire.reply().await;
        assert_eq!(reply.status, expected, "{told:?} {own:?}: {reply:?}");
    }
}
