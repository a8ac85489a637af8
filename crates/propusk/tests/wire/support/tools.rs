//! The MCP server behind the authorization.

use std::sync::Arc;

use axum::http::{HeaderName, request::Parts};
use propusk::{AccessToken, Refusal, server::RequestCaller};
use rmcp::{
    RoleServer, handler::server::wrapper::Parameters, schemars, service::RequestContext, tool,
};
use tokio::sync::Semaphore;

#[derive(Clone)]
pub(crate) struct Tools {
    /// One permit for each call of `slow` that has begun.
    pub(crate) entered: Arc<Semaphore>,
    /// One permit for each call of `slow` that may end.
    pub(crate) released: Arc<Semaphore>,
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            entered: Arc::new(Semaphore::new(0)),
            released: Arc::new(Semaphore::new(0)),
        }
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Echo {
    text: String,
}

#[propusk::tool_router(server_handler)]
impl Tools {
    #[tool(description = "Who is calling, and what came")]
    async fn echo(&self, caller: AccessToken, Parameters(echo): Parameters<Echo>) -> String {
        // Lets others in between.
        tokio::task::yield_now().await;
        format!("{}: {}", caller.subject(), echo.text)
    }

    #[tool(description = "Who is calling; somebody must be")]
    async fn whoami(&self, caller: AccessToken) -> String {
        caller.subject().to_owned()
    }

    #[tool(description = "Who is calling, if anybody")]
    async fn maybe(&self, caller: Option<AccessToken>) -> String {
        caller.map_or("nobody".to_owned(), |caller| caller.subject().to_owned())
    }

    #[tool(description = "Who is calling, from the context")]
    async fn context(&self, context: RequestContext<RoleServer>) -> String {
        context
            .caller()
            .map_or("nobody", AccessToken::subject)
            .to_owned()
    }

    #[tool(description = "What the caller's token permits")]
    async fn scopes(&self, caller: AccessToken) -> String {
        caller.scopes().to_string()
    }

    #[tool(description = "The names of the HTTP headers that a tool can see")]
    async fn headers(&self, context: RequestContext<RoleServer>) -> String {
        let parts = context
            .extensions
            .get::<Parts>()
            .expect("it came over HTTP");
        let names: Vec<_> = parts.headers.keys().map(HeaderName::as_str).collect();
        names.join(" ")
    }

    #[tool(description = "Finds out by itself that more is needed")]
    async fn refuse(&self) -> Result<String, Refusal> {
        Err(Refusal::needs("x:y"))
    }

    #[tool(description = "Says to the session that the tools have changed")]
    async fn notify(&self, context: RequestContext<RoleServer>) -> String {
        let told = context.peer.notify_tool_list_changed().await;
        told.map_or_else(|error| error.to_string(), |()| "notified".to_owned())
    }

    #[tool(description = "Ends when the test says so")]
    async fn slow(&self) -> String {
        self.entered.add_permits(1);
        self.released
            .acquire()
            .await
            .expect("never closed")
            .forget();
        "done".to_owned()
    }
}
