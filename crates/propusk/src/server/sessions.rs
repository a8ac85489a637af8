//! Ending a session in rmcp when a limit has ended it in the layer.

use std::{sync::Arc, time::Duration};

use rmcp::transport::streamable_http_server::session::{
    SessionManager,
    local::{LocalSessionManager, SessionConfig},
};
use tokio::runtime::Handle;

use crate::SessionLimits;

/// Closes sessions in this session manager; for
/// [`AuthLayer::on_session_end`](crate::AuthLayer::on_session_end):
///
/// ```
/// # use std::sync::Arc;
/// # use propusk::{AuthLayer, AuthSettings, FixedTokens, server::close_in};
/// # use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
/// # fn run(settings: AuthSettings, tokens: FixedTokens) {
/// let manager = Arc::new(LocalSessionManager::default());
/// let auth = AuthLayer::new(settings, tokens).on_session_end(close_in(Arc::clone(&manager)));
/// # }
/// ```
pub fn close_in<M: SessionManager>(manager: Arc<M>) -> impl Fn(&str) + Send + Sync + 'static {
    move |id| {
        let (manager, id) = (Arc::clone(&manager), id.into());
        // Outside of a runtime nothing serves any session either.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = manager.close_session(&id).await {
                    tracing::debug!(%error, "a session could not be closed");
                }
            });
        }
    }
}

/// The backstop: a session of which the layer should have lost sight is not there for ever.
const KEEP_ALIVE: Duration = Duration::from_secs(24 * 60 * 60);

/// A session manager that leaves it to the layer to say what idles: rmcp's own measure takes a tool
/// that works in silence for idle, and a client that only listens. So its limit is a day, or twice
/// the layer's.
pub(super) fn session_manager(limits: SessionLimits) -> Arc<LocalSessionManager> {
    let mut config = SessionConfig::default();
    config.keep_alive = Some(KEEP_ALIVE.max(limits.idle.saturating_mul(2)));
    let mut manager = LocalSessionManager::default();
    manager.session_config = config;
    Arc::new(manager)
}
