//! What the measured programs have in common.
//!
//! The servers: a listener on any free port of the loopback interface, the line that names it,
//! `TCP_NODELAY`, and an end.

pub mod areas;
pub mod rounds;
pub mod tools;

use std::{net::Ipv4Addr, sync::Arc};

use axum::{Router, serve::ListenerExt};
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Serves the router until SIGTERM. The first line on standard output is `listening on URL`, with
/// the URL of the path `/mcp`, as that of `propusk serve`.
///
/// # Errors
/// The address cannot be bound, or the signal cannot be listened to.
pub async fn serve(router: Router) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    println!("listening on http://{}/mcp", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // Without it every call inside a 2025-11-25 session waits for a delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::warn!(%error, "TCP_NODELAY cannot be set");
        }
    });
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await?;
    Ok(())
}

/// A handler on rmcp alone, without authorization, as a careful engineer would mount it by hand:
/// rmcp's service in an axum route, the handler behind an `Arc`, JSON answers.
pub fn on_rmcp(handler: impl ServerHandler, sessions: bool) -> Router {
    let handler = Arc::new(handler);
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_legacy_session_mode(sessions);
    let mcp = StreamableHttpService::new(
        move || Ok(Arc::clone(&handler)),
        Arc::<LocalSessionManager>::default(),
        config,
    );
    Router::new().route_service("/mcp", mcp)
}

/// Logs as `propusk serve` does: warnings of rmcp, and what is said about the server itself.
///
/// # Errors
/// There is a log already.
pub fn log() -> anyhow::Result<()> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let filter: Targets = "info,rmcp=error".parse()?;
    Ok(tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init()?)
}
