//! A connected client.

use std::{ops::Deref, sync::Arc};

use rmcp::{
    ClientHandler, Peer, RoleClient,
    model::{CallToolRequestParams, CallToolResult, PaginatedRequestParams, Tool},
    service::RunningService,
};
use serde_json::Value;

use super::{ClientError, ErrorKind, pages::Pages};

/// A connected client. What is not here is rmcp's [`Peer`], which it dereferences to; the errors of
/// those methods convert into [`ClientError`], with `?` or `ClientError::from`.
pub struct Session<H: ClientHandler> {
    service: RunningService<RoleClient, Arc<H>>,
}

impl<H: ClientHandler> Session<H> {
    pub(super) fn new(service: RunningService<RoleClient, Arc<H>>) -> Self {
        Self { service }
    }

    /// Calls a tool with a JSON object of arguments (`null` for none).
    ///
    /// A tool's own error is no error here: see [`CallToolResult::is_error`].
    ///
    /// # Errors
    /// [`ClientError`], with the parsed challenge where the server refuses.
    pub async fn call_tool(
        &self,
        name: impl Into<String>,
        arguments: Value,
    ) -> Result<CallToolResult, ClientError> {
        let mut request = CallToolRequestParams::new(name.into());
        match arguments {
            Value::Null => {}
            Value::Object(arguments) => request = request.with_arguments(arguments),
            _ => return Err(ClientError::new(ErrorKind::InvalidArguments)),
        }
        Ok(self.service.call_tool(request).await?)
    }

    /// Lists all tools that the server shows to this caller, across pages.
    ///
    /// # Errors
    /// As [`Session::call_tool`]; and [`ErrorKind::Transport`] where the list does not end: it leads
    /// in a circle, or has 1,000 pages or more than 100,000 tools.
    pub async fn list_tools(&self) -> Result<Vec<Tool>, ClientError> {
        let mut all = Pages::new();
        let mut asked = PaginatedRequestParams::default();
        loop {
            let page = self.service.list_tools(Some(asked)).await?;
            match all.take(page.tools, page.next_cursor)? {
                None => return Ok(all.into_items()),
                next => asked = PaginatedRequestParams::default().with_cursor(next),
            }
        }
    }

    /// Ends the session and waits until the server has been told.
    pub async fn close(mut self) {
        if let Err(error) = self.service.close().await {
            tracing::debug!(%error, "the session did not end cleanly");
        }
    }
}

impl<H: ClientHandler> Deref for Session<H> {
    type Target = Peer<RoleClient>;

    fn deref(&self) -> &Peer<RoleClient> {
        self.service.peer()
    }
}

impl<H: ClientHandler> std::fmt::Debug for Session<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
