//! A handler with as many tools as are asked for, each of which says its message back.

use propusk::server::scopes;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    handler::server::{
        common::schema_for_type,
        router::tool::{ToolRoute, ToolRouter},
        tool::ToolCallContext,
        wrapper::Parameters,
    },
    model::{
        CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
    },
    service::RequestContext,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::areas;

/// Tools with numbers from zero; [`areas::tool_name`] is what they are called.
pub struct Tools {
    router: ToolRouter<Self>,
}

#[derive(Deserialize, JsonSchema)]
struct Echo {
    /// What to say back.
    message: String,
}

impl Tools {
    /// So many tools, which declare the scopes of their areas, or say the same under another name
    /// that nobody looks at: all servers list the same number of bytes.
    #[must_use]
    pub fn new(number: usize, declared: bool) -> Self {
        let router = (0..number).fold(ToolRouter::new(), |router, number| {
            router.with_route(ToolRoute::new(tool(number, declared), Self::echo))
        });
        Self { router }
    }

    fn echo(&self, Parameters(Echo { message }): Parameters<Echo>) -> String {
        message
    }
}

fn tool(number: usize, declared: bool) -> Tool {
    let description = format!("Says the message back, as tool number {number} of an area");
    let mut tool = Tool::new(
        areas::tool_name(number),
        description,
        schema_for_type::<Echo>(),
    );
    tool.annotations = Some(ToolAnnotations::new().read_only(true));
    let area = areas::scope(number % areas::AREAS);
    let mut meta = scopes([area.as_str()]);
    if !declared {
        let scopes = std::mem::take(&mut meta.0).into_iter();
        meta.0 = scopes
            .map(|(_, scopes)| ("example/scopes".to_owned(), scopes))
            .collect();
    }
    tool.meta = Some(meta);
    tool
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info.server_info = Implementation::new("bench-tools", env!("CARGO_PKG_VERSION"));
        info
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let call = ToolCallContext::new(self, request, context);
        self.router.call(call).await
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.router.list_all()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.router.get(name).cloned()
    }
}
