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
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    drain::Drain,
    site::SiteConnection,
    tls::{Tls, client_certificate},
};
use crate::{
    log_limit::{LogLimit, Told},
    rules::ConnectionLimits,
};

/// A client that takes longer to send its headers is cut off.
pub(super) const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// And one that takes longer for its part of a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// All headers of a request together; four times the longest token.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// What connections get to close after the streams have ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn run(
    listener: TcpListener,
    tls: Option<Tls>,
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
    // Nobody waits for handshakes once a shutdown was asked for.
    let closing = end.child_token();
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
        let Some(tls) = &tls else {
            let io = TokioIo::new(stream);
            let connection = http.serve_connection(io, site.for_peer(peer, None));
            let connection = to_its_end(connections.watch(connection), end.clone());
            tokio::spawn(async move {
                let _places = places;
                connection.await;
            });
            continue;
        };
        let (handshake, watcher) = (tls.acceptor().accept(stream), connections.watcher());
        let (http, site, end, closing) = (http.clone(), site.clone(), end.clone(), closing.clone());
        tokio::spawn(async move {
            let _places = places;
            let shaken = tokio::select! {
                biased;
                () = closing.cancelled() => return,
                shaken = timeout(HANDSHAKE_TIMEOUT, handshake) => shaken,
            };
            let stream = match shaken {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => return tracing::debug!(%error, %peer, "no TLS handshake"),
                Err(_) => return tracing::debug!(%peer, "a TLS handshake took too long"),
            };
            let shown = stream.get_ref().1.peer_certificates();
            let certificate = shown.and_then(|chain| Some(client_certificate(chain.first()?)));
            let site = site.for_peer(peer, certificate);
            let connection = http.serve_connection(TokioIo::new(stream), site);
            to_its_end(watcher.watch(connection), end).await;
        });
    }
    closing.cancel();
    drop(listener);
    drain.begin();
    tracing::info!("shutting down");
    let no_longer = async {
        drain.finish_calls().await;
        tokio::time::sleep(CLOSE_TIMEOUT).await;
    };
    tokio::select! {
        () = connections.shutdown() => {}
        () = no_longer => tracing::warn!("some connections did not close in time"),
    }
    // Sessions without a connection end here too.
    drain.streams().cancel();
}

async fn to_its_end(connection: impl Future<Output = hyper::Result<()>>, end: CancellationToken) {
    tokio::select! {
        biased;
        () = end.cancelled() => {}
        ended = connection => if let Err(error) = ended {
            tracing::debug!(%error, "connection ended early");
        },
    }
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
