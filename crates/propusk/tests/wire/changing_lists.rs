//! A handler whose lists grow while it runs, and one that declares something else for each caller.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use propusk::{
    AuthLayer, AuthSettings,
    server::{Guard, RequestCaller, scopes},
};
use rmcp::{ErrorData, RoleServer, ServerHandler, model::*, service::RequestContext};
use serde_json::{Value, json};

use crate::support::{Reply, Wire, mcp, modern, token_of, with};

type Asked = Option<PaginatedRequestParams>;
type Context = RequestContext<RoleServer>;

/// Without `get_tool`. It lists more once the tool `grow` has been called, and `shared` needs
/// more then, but nothing where the caller is the boss.
#[derive(Clone, Default)]
struct Changing {
    grown: Arc<AtomicBool>,
    listed: Arc<AtomicUsize>,
}

impl Changing {
    /// Of what is locked from the start and what is only once it has grown.
    fn has_grown(&self) -> bool {
        self.listed.fetch_add(1, Ordering::SeqCst);
        self.grown.load(Ordering::SeqCst)
    }

    fn shared(&self, context: &Context) -> MetaObject {
        let caller = context.caller();
        if caller.is_some_and(|caller| caller.subject().contains("boss")) {
            return scopes([]);
        }
        match self.grown.load(Ordering::SeqCst) {
            true => scopes(["key", "more"]),
            false => scopes(["key"]),
        }
    }
}

impl ServerHandler for Changing {
    fn get_info(&self) -> ServerConfig {
        let has = ServerCapabilities::builder();
        let has = has.enable_tools().enable_prompts().enable_resources();
        ServerConfig::new(has.build())
    }

    async fn list_tools(&self, _: Asked, context: Context) -> Result<ListToolsResult, ErrorData> {
        let tool = |name: &'static str| Tool::new(name, name, Arc::default());
        let mut tools = vec![
            tool("plain"),
            tool("grow"),
            tool("shared").with_meta(self.shared(&context)),
        ];
        if self.has_grown() {
            tools.push(tool("vault").with_meta(scopes(["key"])));
        }
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == "grow" {
            self.grown.store(true, Ordering::SeqCst);
        }
        Ok(CallToolResult::success(vec![ContentBlock::text(request.name.into_owned())]).into())
    }

    async fn list_prompts(
        &self,
        _: Asked,
        context: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        let prompt = |name: &str| Prompt::new(name, None::<String>, None);
        let mut prompts = vec![
            prompt("plain"),
            prompt("shared").with_meta(self.shared(&context)),
        ];
        if self.has_grown() {
            prompts.push(prompt("secretp").with_meta(scopes(["key"])));
        }
        Ok(ListPromptsResult::with_all_items(prompts))
    }

    async fn get_prompt(
        &self,
        _: GetPromptRequestParams,
        _: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        Ok(GetPromptResult::new(Vec::new()).into())
    }

    async fn list_resources(
        &self,
        _: Asked,
        context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource = |uri: &str| Resource::new(uri, uri);
        let mut resources = vec![
            resource("mem:///plain"),
            resource("mem:///shared").with_meta(self.shared(&context)),
            // Two spellings of one resource.
            resource("mem:///a%20b").with_meta(scopes(["one"])),
            resource("mem:///a b").with_meta(scopes(["two"])),
        ];
        if self.has_grown() {
            resources.push(resource("mem:///secret").with_meta(scopes(["key"])));
        }
        Ok(ListResourcesResult::with_all_items(resources))
    }

    async fn list_resource_templates(
        &self,
        _: Asked,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let open = ResourceTemplate::new("open:///{id}", "open");
        Ok(ListResourceTemplatesResult::with_all_items(vec![open]))
    }

    async fn read_resource(
        &self,
        _: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Ok(ReadResourceResult::new(Vec::new()).into())
    }
}

struct Running {
    address: std::net::SocketAddr,
    handler: Changing,
}

impl Running {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
        let handler = Changing::default();
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

    async fn ask(&self, token: &str, method: &str, params: Value) -> Reply {
        let mut wire = Wire::connect(self.address).await;
        wire.send(&with(modern(method, params), Some(token)).bytes())
            .await;
        wire.reply().await
    }

    async fn call(&self, token: &str, tool: &str) -> Reply {
        let call = json!({ "name": tool, "arguments": {} });
        self.ask(token, "tools/call", call).await
    }

    async fn read(&self, token: &str, uri: &str) -> Reply {
        self.ask(token, "resources/read", json!({ "uri": uri }))
            .await
    }

    /// The tool, the prompt and the resource of this name.
    async fn use_all(&self, token: &str, names: [&str; 3]) -> [Reply; 3] {
        let [tool, prompt, uri] = names;
        [
            self.call(token, tool).await,
            self.ask(token, "prompts/get", json!({ "name": prompt }))
                .await,
            self.read(token, uri).await,
        ]
    }
}

const PLAIN: [&str; 3] = ["plain", "plain", "mem:///plain"];
const SHARED: [&str; 3] = ["shared", "shared", "mem:///shared"];
const GROWN: [&str; 3] = ["vault", "secretp", "mem:///secret"];

fn assert_needs_key(replies: [Reply; 3], case: &str) {
    for reply in replies {
        assert_eq!(reply.status, 403, "{case}: {reply:?}");
        let challenge = reply.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("scope=\"key\""), "{case}: {challenge}");
    }
}

#[tokio::test]
async fn what_appears_later_is_locked_at_once() {
    let site = Running::start().await;
    // Who has been served before, also what is not listed.
    for names in [PLAIN, GROWN, PLAIN] {
        for reply in site.use_all("ok", names).await {
            assert_eq!(reply.status, 200, "{reply:?}");
        }
    }
    assert_eq!(site.call("ok", "grow").await.status, 200);
    assert_needs_key(site.use_all("ok", GROWN).await, "grown");
    for reply in site.use_all("ok~key", GROWN).await {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

/// What is listed, or fits a listed template, costs no walk of its own.
#[tokio::test]
async fn what_is_listed_is_not_looked_for_each_time() {
    let site = Running::start().await;
    site.use_all("ok", PLAIN).await;
    let before = site.handler.listed.load(Ordering::SeqCst);
    for n in 0..20 {
        site.use_all("ok", PLAIN).await;
        let open = site.read("ok", &format!("open:///{n}")).await;
        assert_eq!(open.status, 200, "{open:?}");
    }
    assert_eq!(site.handler.listed.load(Ordering::SeqCst), before);
    site.read("ok", "other:///1").await;
    assert_eq!(site.handler.listed.load(Ordering::SeqCst), before + 1);
}

#[tokio::test]
async fn one_callers_list_does_not_unlock_a_tool_for_others() {
    let site = Running::start().await;
    for _ in 0..2 {
        assert_needs_key(site.use_all("ok", SHARED).await, "before the boss");
        for method in ["tools/list", "prompts/list", "resources/list"] {
            site.ask("ok~boss", method, json!({})).await;
        }
        assert_needs_key(site.use_all("ok", SHARED).await, "after the boss");
    }
    // Of a definition that is not the same for everybody all is needed, by everybody.
    assert_needs_key(site.use_all("ok~boss", SHARED).await, "the boss");
    let listed = site.ask("ok~boss", "tools/list", json!({})).await;
    assert!(!listed.text().contains("shared"), "{listed:?}");
    for reply in site.use_all("ok~boss~key", SHARED).await {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

/// Nobody lists: the calls of a caller whose last walk is not fresh walk, though something is declared
/// already.
#[tokio::test]
async fn what_is_locked_further_is_seen_by_calls() {
    let site = Running::start().await;
    for reply in site.use_all("ok~key", SHARED).await {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    assert_eq!(site.call("ok", "grow").await.status, 200);
    for token in ["ok~key~new", "ok~key"] {
        for reply in site.use_all(token, SHARED).await {
            assert_eq!(reply.status, 403, "{token}: {reply:?}");
        }
    }
    for reply in site.use_all("ok~key~more", SHARED).await {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

#[tokio::test]
async fn two_spellings_of_one_resource_need_what_both_declare() {
    let site = Running::start().await;
    for uri in ["mem:///a b", "MEM:///a%20b", "mem:///a%20b"] {
        for token in ["ok~one", "ok~two"] {
            let reply = site.read(token, uri).await;
            assert_eq!(reply.status, 403, "{uri} {token}: {reply:?}");
        }
        assert_eq!(site.read("ok~one~two", uri).await.status, 200, "{uri}");
    }
}
