//! All that protects an rmcp server that somebody else serves.

use std::{io, sync::Arc};

use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};

use super::{Bound, Guard, StateSealer, close_in, sessions::session_manager};
use crate::{AuthLayer, AuthSettings, TokenVerifier};

/// rmcp's service around a guarded handler.
pub type MountedService<H> = StreamableHttpService<Bound<Guard<H>>, LocalSessionManager>;

/// Protects a handler that is served by a router of your own: the layer to put around the router,
/// and rmcp's service to mount in it.
///
/// ```no_run
/// # use propusk::{AuthSettings, FixedTokens, server::mount};
/// # use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
/// # fn run(handler: impl rmcp::ServerHandler, tokens: FixedTokens) -> Result<(), Box<dyn std::error::Error>> {
/// let settings = AuthSettings::new("https://notes.example/mcp")?;
/// let config = StreamableHttpServerConfig::default();
/// let (auth, mcp) = mount(handler, settings, tokens, config)?;
/// let app = axum::Router::<()>::new().nest_service("/mcp", mcp).layer(auth);
/// # drop(app);
/// # Ok(())
/// # }
/// ```
///
/// It is what [`Server`](crate::Server) does itself:
///
/// * a [`Guard`] around the handler decides on the very values that it gets, and filters lists;
/// * the layer is told what the handler declares ([`AuthLayer::declared_by`]), so that a refusal is an
///   HTTP 403;
/// * [`Bound`] around both seals what clients keep for the server (with a key of this process; for
///   several replicas write these lines yourself, with a [`StateSealer`] that they share);
/// * a session that a limit ends is ended in rmcp too ([`AuthLayer::on_session_end`]);
/// * rmcp's own checks of `Host` and `Origin` are off, since the layer has checked both.
///
/// # Errors
/// The operating system gives no random bytes for a key.
pub fn mount<H: ServerHandler>(
    handler: H,
    settings: AuthSettings,
    verifier: impl TokenVerifier,
    config: StreamableHttpServerConfig,
) -> io::Result<(AuthLayer, MountedService<H>)> {
    let manager = session_manager(settings.session_limits());
    let guard = Guard::new(handler, settings.clone());
    let auth = AuthLayer::new(settings, verifier)
        .declared_by(guard.clone())
        .on_session_end(close_in(Arc::clone(&manager)));
    // Outside of the guard, so that its cursors are sealed too.
    let handler = Bound::new(guard, StateSealer::new()?);
    let config = config.disable_allowed_hosts().disable_allowed_origins();
    let mcp = StreamableHttpService::new(move || Ok(handler.clone()), manager, config);
    Ok((auth, mcp))
}
