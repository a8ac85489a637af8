//! What the server holds, and what it says of itself.

#![expect(deprecated, reason = "logging is deprecated, and still scored")]

use rmcp::{
    handler::server::tool::ToolRouter,
    model::{Implementation, ServerCapabilities, ServerConfig},
};

use crate::{request_states::RequestStates, subscribers::Subscribers, tools};

/// The server that the conformance suite expects to talk to.
///
/// It holds no state of any one session, so a single value behind an `Arc` serves every client.
#[derive(Debug)]
pub struct Everything {
    pub(crate) tools: ToolRouter<Self>,
    pub(crate) states: RequestStates,
    pub(crate) subscribers: Subscribers,
}

impl Everything {
    /// Builds the fixture, with a fresh random key for the `requestState` values it hands out.
    ///
    /// # Errors
    ///
    /// Fails when the operating system gives no random bytes.
    pub fn new() -> Result<Self, getrandom::Error> {
        Ok(Self {
            // Built once: the default of `#[tool_handler]` builds the router on every call.
            tools: tools::router(),
            states: RequestStates::new()?,
            subscribers: Subscribers::default(),
        })
    }

    /// Name, version and capabilities, the same in both eras.
    pub(crate) fn config() -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_logging()
            .enable_completions()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        let name = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        ServerConfig::new(capabilities).with_server_info(name)
    }
}
