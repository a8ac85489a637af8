//! The accept loop.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{drain::Drain, site::SiteConnection};
use crate::{
    log_limit::{LogLimit, Told},
    rules::ConnectionLimits,
};

/// A client that takes longer to send its headers is cut off.
pub(super) const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// All headers of a request together; four times the longest token.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// What connections get to close after the streams have ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn run(
    listener: TcpListener,
    site: SiteConnection,
    limits: &ConnectionLimits,
    drain: Drain,
    shutdown: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES);
    let mut shutdown = pin!(shutdown);
    // When this function ends, or is dropped, so do its connections.
    let end = CancellationToken::new();
    let _end = end.clone().drop_guard();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        let Some(places) = limits.take(peer.ip()) else {
            say_full(peer);
            continue;
        };
        no_delay(&stream);
        let connection = http.serve_connection(TokioIo::new(stream), site.for_peer(peer));
        let connection = connections.watch(connection);
        let end = end.clone();
        tokio::spawn(async move {
            let _places = places;
            tokio::select! {
                biased;
                () = end.cancelled() => {}
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended early");
                },
            }
        });
    }
    drop(listener);
    drain.begin();
    tracing::info!("shutting down");
    let closing = async {
        drain.finish_calls().await;
        tokio::time::sleep(CLOSE_TIMEOUT).await;
    };
    tokio::select! {
        () = connections.shutdown() => {}
        () = closing => tracing::warn!("some connections did not close in time"),
    }
    // Sessions without a connection end here too.
    drain.streams().cancel();
}

/// Without it every call inside a 2025-11-25 session waits for a delayed acknowledgement.
fn no_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
}

/// Too many connections, of one address or in all; this one is closed.
fn say_full(peer: SocketAddr) {
    static LIMIT: LazyLock<LogLimit> = LazyLock::new(LogLimit::default);
    let told = LIMIT.tell("full", 1, SystemTime::now());
    if let Some(Told { more_like_this }) = told {
        tracing::warn!(%peer, more_like_this, "one connection too many is closed");
    }
}

/// Out of file descriptors or memory: new ones come only with time, and a busy loop helps nobody.
pub(super) async fn pause_after(error: &io::Error) {
    static LIMIT: LazyLock<LogLimit> = LazyLock::new(LogLimit::default);
    let of_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !of_one_connection {
        let told = LIMIT.tell("accept", 1, SystemTime::now());
        if let Some(Told { more_like_this }) = told {
            tracing::warn!(%error, more_like_this, "cannot accept a connection");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
