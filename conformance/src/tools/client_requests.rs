//! Tools that send a request to the client while they run (2025-11-25).
//!
//! rmcp refuses to send these to a peer of 2026-07-28; the refusal becomes the tool's error.

#![expect(deprecated, reason = "sampling is deprecated, and still scored")]

use rmcp::{
    RoleServer,
    handler::server::wrapper::Parameters,
    model::{CreateMessageRequestParams, ElicitationSchema, SamplingMessage},
    service::{Peer, ServiceError},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::forms::elicit;
use crate::Everything;

/// Arguments of `test_sampling`.
#[derive(Debug, Deserialize, JsonSchema)]
struct Prompt {
    /// The prompt for the client's model.
    prompt: String,
}

/// Arguments of `test_elicitation`.
#[derive(Debug, Deserialize, JsonSchema)]
struct Message {
    /// The message for the user.
    message: String,
}

#[tool_router(router = client_request_tools, vis = "pub(super)")]
impl Everything {
    #[tool(description = "Asks the client's model to continue a prompt (2025-11-25)")]
    async fn test_sampling(
        &self,
        Parameters(Prompt { prompt }): Parameters<Prompt>,
        peer: Peer<RoleServer>,
    ) -> Result<String, String> {
        let messages = vec![SamplingMessage::user_text(prompt)];
        let result = peer
            .create_message(CreateMessageRequestParams::new(messages, 100))
            .await
            .map_err(|error| failed(&error))?;
        let text = result.message.content.first();
        let text = text.and_then(|block| block.as_text());
        text.map(|text| format!("LLM response: {}", text.text))
            .ok_or_else(|| "The model answered without text".to_owned())
    }

    #[tool(description = "Asks the user for a name and an address (2025-11-25)")]
    async fn test_elicitation(
        &self,
        Parameters(Message { message }): Parameters<Message>,
        peer: Peer<RoleServer>,
    ) -> Result<String, String> {
        let form = ElicitationSchema::builder()
            .required_string("username")
            .required_string("email");
        let answer = elicit(&peer, message, form).await?;
        Ok(format!("User response: {answer}"))
    }
}

/// The words for a request that the client did not, or could not, answer.
pub(super) fn failed(error: &ServiceError) -> String {
    format!("The client did not answer: {error}")
}
