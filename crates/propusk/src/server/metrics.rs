//! Metrics over HTTP, for Prometheus.

use std::{convert::Infallible, io, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{
    listen::{HEADER_TIMEOUT, pause_after},
    site::text,
};
use crate::{
    ResourceUrl,
    host_policy::HostPolicy,
    metrics::{CONTENT_TYPE, Metrics},
};

/// Where the metrics are.
pub(super) const PATH: &str = "/metrics";

/// Serves these numbers at `/metrics` on a listener of their own, until the future is dropped.
///
/// No token is asked for: bind it to an address that only the monitoring reaches. On a loopback
/// address `Host` and `Origin` are checked, so that no page in a browser of this machine reads it.
///
/// # Errors
/// The listener has no address.
pub async fn serve_metrics(listener: TcpListener, metrics: Metrics) -> io::Result<()> {
    let hosts = local_hosts(listener.local_addr()?);
    // They end with this future.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, metrics.clone(), hosts.clone()));
                }
                Err(error) => pause_after(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, metrics: Metrics, hosts: Option<HostPolicy>) {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let known = hosts
            .as_ref()
            .is_none_or(|hosts| hosts.check(request.uri(), request.headers()).is_ok());
        let response = match request.uri().path() {
            _ if !known => text(
                StatusCode::MISDIRECTED_REQUEST,
                "only for programs of this machine\n",
            ),
            PATH => answer(&metrics, &request),
            _ => text(StatusCode::NOT_FOUND, "see /metrics\n"),
        };
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    let served = http.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "connection ended early");
    }
}

/// The names of a loopback address; elsewhere names are for the network to know.
fn local_hosts(address: SocketAddr) -> Option<HostPolicy> {
    if !address.ip().is_loopback() {
        return None;
    }
    let url = ResourceUrl::parse(&format!("http://{address}/")).ok()?;
    Some(HostPolicy::of(&url))
}

/// The numbers, to who asks with GET or HEAD.
pub(super) fn answer<B>(metrics: &Metrics, request: &Request<B>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(header::ALLOW, allowed);
        return response;
    }
    let mut response = Response::new(Full::from(metrics.render()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
