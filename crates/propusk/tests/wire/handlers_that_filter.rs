//! A handler that lists to some callers what it does not list to others, and one whose list fails.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use propusk::{
    AuthLayer, AuthSettings,
    server::{Guard, RequestCaller, scopes},
};
use rmcp::{ErrorData, RoleServer, ServerHandler, model::*, service::RequestContext};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Reply, Request, Wire, mcp, modern, token_of, with};

const INSIDER: Option<&str> = Some("ok~inside");
const OUTSIDER: Option<&str> = Some("ok");

/// `vault` is listed with its scope to insiders, and to others in another way or not at all.
#[derive(Clone)]
struct Filtering {
    shows_others: bool,
    fails: &'static str,
    walked: Arc<AtomicUsize>,
}

impl Filtering {
    fn fails_at(&self, list: &str) -> Result<(), ErrorData> {
        match self.fails == list {
            true => Err(ErrorData::internal_error("the database is away", None)),
            false => Ok(()),
        }
    }
}

impl ServerHandler for Filtering {
    fn get_info(&self) -> ServerConfig {
        let has = ServerCapabilities::builder();
        ServerConfig::new(
            has.enable_tools()
                .enable_prompts()
                .enable_resources()
                .build(),
        )
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.fails_at("tools")?;
        self.walked.fetch_add(1, Ordering::SeqCst);
        let vault = Tool::new("vault", "for insiders", Arc::default());
        let inside = context
            .caller()
            .is_some_and(|caller| caller.subject().contains("inside"));
        Ok(ListToolsResult::with_all_items(
            match (inside, self.shows_others) {
                (true, _) => vec![vault.with_meta(scopes(["key"]))],
                (false, true) => vec![vault],
                (false, false) => Vec::new(),
            },
        ))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::success(vec![ContentBlock::text(request.name.into_owned())]).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        self.fails_at("prompts")?;
        Ok(ListPromptsResult::default())
    }

    async fn get_prompt(
        &self,
        _: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        Ok(GetPromptResult::new(Vec::new()).into())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.fails_at("resources")?;
        Ok(ListResourceTemplatesResult::default())
    }

    async fn read_resource(
        &self,
        _: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Ok(ReadResourceResult::new(Vec::new()).into())
    }
}

struct Running {
    address: std::net::SocketAddr,
    handler: Filtering,
}

impl Running {
    async fn start(shows_others: bool, fails: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
        let handler = Filtering {
            shows_others,
            fails,
            walked: Arc::default(),
        };
        let guard = Guard::new(handler.clone(), settings.clone());
        let verifier = |token: propusk::BearerToken| {
            let token = token_of(token.expose_secret());
            std::future::ready(Ok::<_, propusk::Unavailable>(token))
        };
        let auth = AuthLayer::new(settings, verifier).declared_by(guard.clone());
        let app = axum::Router::new().nest_service("/mcp", mcp(move || guard.clone()));
        tokio::spawn(axum::serve(listener, app.layer(auth)).into_future());
        Self { address, handler }
    }

    async fn send(&self, request: Request, token: Option<&str>) -> Reply {
        let mut wire = Wire::connect(self.address).await;
        wire.send(&with(request, token).bytes()).await;
        wire.reply().await
    }

    async fn ask(&self, token: Option<&str>, method: &str, params: Value) -> Reply {
        self.send(modern(method, params), token).await
    }

    async fn call(&self, token: Option<&str>, tool: &str) -> Reply {
        self.ask(
            token,
            "tools/call",
            json!({ "name": tool, "arguments": {} }),
        )
        .await
    }
}

#[tokio::test]
async fn what_only_some_can_list_is_locked_at_their_first_call() {
    for shows_others in [false, true] {
        let site = Running::start(shows_others, "").await;
        // Somebody else is first, so that the lists have been walked once.
        assert_eq!(site.call(OUTSIDER, "other").await.status, 200);
        site.ask(OUTSIDER, "tools/list", json!({})).await;
        let reply = site.call(INSIDER, "vault").await;
        assert_eq!(reply.status, 403, "{shows_others}: {reply:?}");
        let challenge = reply.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("scope=\"key\""), "{challenge}");
        assert_eq!(site.call(Some("ok~inside~key"), "vault").await.status, 200);
        // What one caller has seen locked is locked for all, and stays so.
        for _ in 0..2 {
            site.ask(OUTSIDER, "tools/list", json!({})).await;
            assert_eq!(
                site.call(OUTSIDER, "vault").await.status,
                403,
                "{shows_others}"
            );
            assert_eq!(
                site.call(INSIDER, "vault").await.status,
                403,
                "{shows_others}"
            );
        }
        let listed = site.ask(OUTSIDER, "tools/list", json!({})).await;
        assert!(!listed.text().contains("vault"), "{listed:?}");
    }
}

/// It may be a name that has been added a moment ago. Whoever asks for it may ask for the list, too.
#[tokio::test]
async fn a_made_up_name_costs_one_list_and_a_listed_one_none() {
    let site = Running::start(true, "").await;
    for n in 0..20 {
        assert_eq!(
            site.call(OUTSIDER, &format!("made-up-{n}")).await.status,
            200
        );
    }
    assert_eq!(site.handler.walked.load(Ordering::SeqCst), 20);
    for _ in 0..20 {
        assert_eq!(site.call(OUTSIDER, "vault").await.status, 200);
    }
    assert_eq!(site.handler.walked.load(Ordering::SeqCst), 20);
    site.call(Some("ok~other"), "vault").await;
    assert_eq!(
        site.handler.walked.load(Ordering::SeqCst),
        21,
        "once for another caller"
    );
}

#[tokio::test]
async fn a_list_that_fails_closes_its_own_kind_and_nothing_else() {
    for fails in ["tools", "prompts", "resources"] {
        let site = Running::start(false, fails).await;
        for (kind, method, params) in [
            ("", "server/discover", json!({})),
            (
                "tools",
                "tools/call",
                json!({ "name": "any", "arguments": {} }),
            ),
            ("prompts", "prompts/get", json!({ "name": "any" })),
            (
                "resources",
                "resources/read",
                json!({ "uri": "mem:///any" }),
            ),
        ] {
            let reply = site.ask(OUTSIDER, method, params).await;
            let error = reply.json()["error"].is_object();
            assert_eq!(error, kind == fails, "{fails} {method}: {reply:?}");
        }
        let opened = site.send(crate::support::initialize(), OUTSIDER).await;
        assert_eq!(opened.status, 200, "{fails}: {opened:?}");
        assert!(opened.header("mcp-session-id").is_some(), "{fails}");
    }
}
