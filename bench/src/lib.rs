//! What the two servers that `propusk serve` is measured beside have in common: a listener on any
//! free port of the loopback interface, the line that names it, `TCP_NODELAY`, and an end.

use std::net::Ipv4Addr;

use axum::{Router, serve::ListenerExt};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

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
