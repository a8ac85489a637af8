//! An MCP server with something of every kind, and scopes of every kind.

// Subscribing to one resource is of 2025-11-25.
#![expect(deprecated, reason = "2025-11-25 clients still use it")]

use std::sync::{Arc, Mutex};

use propusk::{
    AccessToken, Refusal,
    server::{any_of, scopes},
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    handler::server::{
        router::{prompt::PromptRouter, tool::ToolRouter},
        wrapper::Parameters,
    },
    model::*,
    prompt, prompt_handler, prompt_router,
    service::{RequestContext, SubscriptionContext},
    tool, tool_handler,
};
use serde::Deserialize;

#[derive(Clone)]
pub(crate) struct Library {
    /// What has been asked of the handler itself, lists and greetings aside.
    reached: Arc<Mutex<Vec<String>>>,
    tools: ToolRouter<Self>,
    prompts: PromptRouter<Self>,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Wanted {
    scope: String,
}

impl Library {
    pub(crate) fn new() -> Self {
        Self {
            reached: Arc::default(),
            tools: Self::tool_router(),
            prompts: Self::prompt_router(),
        }
    }

    /// What has been asked since the last time.
    pub(crate) fn reached(&self) -> Vec<String> {
        std::mem::take(&mut *self.reached.lock().unwrap())
    }

    fn note(&self, what: &str) -> String {
        self.reached.lock().unwrap().push(what.to_owned());
        what.to_owned()
    }
}

#[propusk::tool_router]
impl Library {
    #[tool(description = "Nothing is declared")]
    async fn plain(&self) -> String {
        self.note("plain")
    }

    #[tool(description = "No scope, and that is declared", meta = scopes([]))]
    async fn free(&self) -> String {
        self.note("free")
    }

    #[tool(description = "One scope", meta = scopes(["notes:write"]))]
    async fn add(&self) -> String {
        self.note("add")
    }

    #[tool(description = "One of two", meta = scopes(any_of(["keeper", "notes:read notes:write"])))]
    async fn either(&self) -> String {
        self.note("either")
    }

    #[tool(description = "Closed by the policy")]
    async fn shut(&self) -> String {
        self.note("shut")
    }

    #[tool(description = "Declared, and with a rule", meta = scopes(["notes:write"]))]
    async fn admin_purge(&self) -> String {
        self.note("admin_purge")
    }

    #[tool(description = "Finds out by itself", meta = scopes(["notes:read"]))]
    async fn computed(
        &self,
        Parameters(Wanted { scope }): Parameters<Wanted>,
    ) -> Result<String, Refusal> {
        Err(Refusal::needs(&scope))
    }

    #[tool(description = "Finds out, and needs nothing before", meta = scopes([]))]
    async fn finds(
        &self,
        Parameters(Wanted { scope }): Parameters<Wanted>,
    ) -> Result<String, Refusal> {
        Err(Refusal::needs(&scope))
    }

    #[tool(description = "For the owner only", meta = scopes([]))]
    async fn owned(&self) -> Result<String, Refusal> {
        Err(Refusal::forbidden())
    }

    #[tool(description = "For somebody", meta = scopes([]))]
    async fn whoami(&self, caller: AccessToken) -> String {
        caller.subject().to_owned()
    }
}

#[prompt_router]
impl Library {
    #[prompt(description = "Nothing is declared")]
    async fn greet(&self) -> Vec<PromptMessage> {
        self.note("greet");
        Vec::new()
    }

    #[prompt(description = "One scope", meta = scopes(["code"]))]
    async fn review(&self) -> Vec<PromptMessage> {
        self.note("review");
        Vec::new()
    }
}

/// Every page of resources has one.
const RESOURCES: [&str; 4] = [
    "file:///public/a",
    "mem:///secret",
    "file:///private/a",
    "file:///public/b",
];

#[tool_handler(router = self.tools)]
#[prompt_handler(router = self.prompts)]
impl ServerHandler for Library {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder()
                .enable_tools()
                .enable_prompts()
                .enable_resources()
                .enable_resources_subscribe()
                .enable_completions()
                .enable_logging()
                .build(),
        )
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let at = page.and_then(|page| page.cursor).unwrap_or_default();
        let at: usize = at.parse().unwrap_or_default();
        let uri = RESOURCES[at];
        let mut resource = Resource::new(uri, uri);
        if uri == "mem:///secret" {
            resource = resource.with_meta(scopes(["secret"]));
        }
        let mut list = ListResourcesResult::with_all_items(vec![resource]);
        list.next_cursor = (at + 1 < RESOURCES.len()).then(|| (at + 1).to_string());
        list.cache_scope = Some(CacheScope::Public);
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let template = ResourceTemplate::new("note:///{id}", "note");
        let template = template.with_meta(scopes(["notes:read"]));
        Ok(ListResourceTemplatesResult::with_all_items(vec![template]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.note(&request.uri);
        Ok(ReadResourceResult::new(Vec::new()).into())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.note(&request.uri);
        Ok(())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        self.note(request.r#ref.reference_type());
        Ok(CompleteResult::default())
    }

    async fn set_level(
        &self,
        _: SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.note("level");
        Ok(())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        self.note(&request.method);
        Ok(CustomResult::new(serde_json::json!({})))
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.note("listen");
        context.cancelled().await;
        Ok(())
    }
}
