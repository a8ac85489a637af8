//! What a server says and asks while a tool runs: progress, and questions for the user.

mod form;
mod question;

use std::sync::Arc;

use rmcp::{
    ClientHandler, ErrorData, RoleClient,
    model::{
        ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
        ElicitationCapability, FormElicitationCapability, Implementation,
        ProgressNotificationParam, UrlElicitationCapability,
    },
    service::{NotificationContext, RequestContext},
};

use super::screen::Screen;
use crate::terminal;

/// The user of a session.
pub(super) struct Dialogue {
    server: String,
    asks: bool,
    screen: Arc<Screen>,
}

impl Dialogue {
    /// The user of a session with this server.
    pub(super) fn new(server: &str, screen: Arc<Screen>) -> Self {
        Self {
            server: server.to_owned(),
            asks: terminal::can_ask(),
            screen,
        }
    }
}

impl ClientHandler for Dialogue {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        // Where nobody can be asked, the server is told so.
        if self.asks {
            capabilities.elicitation = Some(
                ElicitationCapability::new()
                    .with_form(FormElicitationCapability::new())
                    .with_url(UrlElicitationCapability::new()),
            );
        }
        let program = Implementation::new("propusk", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(capabilities, program)
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        if !self.asks {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        }
        let _alone = self.screen.ask().await;
        Ok(match request {
            ElicitRequestParams::FormElicitationParams {
                message,
                requested_schema,
                ..
            } => form::fill_in(&self.server, &message, &requested_schema).await,
            ElicitRequestParams::UrlElicitationParams { message, url, .. } => {
                form::go_to(&self.server, &message, &url).await
            }
            // A way to ask that is not known here.
            _ => ElicitResult::new(ElicitationAction::Decline),
        })
    }

    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.screen.progress(&progress);
    }
}
