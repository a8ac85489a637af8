//! Tools that send progress and log messages on the stream of their own response.

#![expect(deprecated, reason = "logging is deprecated, and still scored")]

use std::time::Duration;

use rmcp::{
    ErrorData, RoleServer,
    model::{LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam},
    service::{RequestContext, ServiceError},
    tool, tool_router,
};
use serde_json::json;
use tokio::time::sleep;

use crate::{Everything, era};

/// Long enough that a client sees the messages arrive one by one.
const GAP: Duration = Duration::from_millis(50);

#[tool_router(router = notification_tools, vis = "pub(super)")]
impl Everything {
    #[tool(description = "Reports its progress in three steps")]
    async fn test_tool_with_progress(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<String, ErrorData> {
        let token = context.meta.get_progress_token();
        for done in [0.0, 50.0, 100.0] {
            if let Some(token) = token.clone() {
                let progress = ProgressNotificationParam::new(token, done)
                    .with_total(100.0)
                    .with_message(format!("Completed {done} of 100"));
                let sent = context.peer.notify_progress(progress).await;
                sent.map_err(|error| lost(&error))?;
            }
            sleep(GAP).await;
        }
        Ok("Three steps done.".to_owned())
    }

    #[tool(description = "Writes three log messages")]
    async fn test_tool_with_logging(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<String, ErrorData> {
        for step in ["started", "processing data", "completed"] {
            log(&context, &format!("Tool execution {step}")).await?;
            sleep(GAP).await;
        }
        Ok("Logged three messages.".to_owned())
    }

    #[tool(description = "Writes a log message if the request asks for them (2026-07-28)")]
    async fn test_logging_tool(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<String, ErrorData> {
        log(&context, "The request asked for log messages").await?;
        Ok("Done.".to_owned())
    }
}

/// Sends an "info" message, unless the request does not want it: 2026-07-28 logs only for
/// requests that carry a level in `_meta`, and nothing below that level.
async fn log(context: &RequestContext<RoleServer>, text: &str) -> Result<(), ErrorData> {
    let wanted = match context.meta.log_level() {
        // The levels are declared in the order of their severity.
        Some(least) => LoggingLevel::Info as u8 >= least as u8,
        None => !era::is_modern(context),
    };
    if wanted {
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(text));
        let sent = context.peer.notify_logging_message(message).await;
        sent.map_err(|error| lost(&error))?;
    }
    Ok(())
}

fn lost(error: &ServiceError) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}
