//! Tools that pretend that a list changed (2026-07-28).

use rmcp::{tool, tool_router};

use crate::Everything;

#[tool_router(router = change_tools, vis = "pub(super)")]
impl Everything {
    #[tool(description = "Tells all subscribers that the tools changed (2026-07-28)")]
    async fn test_trigger_tool_change(&self) -> String {
        self.subscribers.tools_changed().await;
        "Subscribers to tools were told.".to_owned()
    }

    #[tool(description = "Tells all subscribers that the prompts changed (2026-07-28)")]
    async fn test_trigger_prompt_change(&self) -> String {
        self.subscribers.prompts_changed().await;
        "Subscribers to prompts were told.".to_owned()
    }
}
