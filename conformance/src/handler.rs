//! Which module answers which method.

// Logging, and the two legacy subscription methods, are deprecated since 2026-07-28. The suite
// still scores them for 2025-11-25.
#![expect(
    deprecated,
    reason = "the 2025-11-25 scenarios use deprecated features"
)]

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CompleteRequestParams, CompleteResult, GetPromptRequestParams, GetPromptResponse,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerConfig,
        SetLevelRequestMethod, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter,
        UnsubscribeRequestParams,
    },
    service::{RequestContext, SubscriptionContext},
    tool_handler,
};

use crate::{Everything, cache::CacheHints, completion, era, prompts, resources, round::Round};

#[tool_handler(router = self.tools)]
impl ServerHandler for Everything {
    fn get_info(&self) -> ServerConfig {
        Self::config()
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut list = ListToolsResult::with_all_items(self.tools.list_all());
        CacheHints::of(&context).write(&mut list.ttl_ms, &mut list.cache_scope);
        Ok(list)
    }

    async fn list_prompts(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut list = ListPromptsResult::with_all_items(prompts::list());
        CacheHints::of(&context).write(&mut list.ttl_ms, &mut list.cache_scope);
        Ok(list)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let round = Round::new(request.input_responses, request.request_state, &context);
        prompts::get(
            &request.name,
            &request.arguments.unwrap_or_default(),
            &round,
        )
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut list = ListResourcesResult::with_all_items(resources::list());
        CacheHints::of(&context).write(&mut list.ttl_ms, &mut list.cache_scope);
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut list = ListResourceTemplatesResult::with_all_items(resources::templates());
        CacheHints::of(&context).write(&mut list.ttl_ms, &mut list.cache_scope);
        Ok(list)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let mut read = resources::read(&request.uri)?;
        CacheHints::of(&context).write(&mut read.ttl_ms, &mut read.cache_scope);
        Ok(read.into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        completion::complete(&request)
    }

    /// Accepts any level and keeps none: sessions share this handler, so a level kept here would
    /// leak from one into another. 2026-07-28 carries the level in each request instead.
    async fn set_level(
        &self,
        _request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        // rmcp refuses the other methods that 2026-07-28 removed, but hands this one on.
        if era::is_modern(&context) {
            return Err(ErrorData::method_not_found::<SetLevelRequestMethod>());
        }
        Ok(())
    }

    /// Checks that the resource exists. No resource of the fixture ever changes, so that there is
    /// nothing to remember.
    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        resources::read(&request.uri).map(drop)
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        resources::read(&request.uri).map(drop)
    }

    /// Everything that was asked for: rmcp cuts it down to the advertised capabilities.
    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let _seat = self.subscribers.join(context.sink().clone());
        context.cancelled().await;
        Ok(())
    }
}
