//! What answers which path.

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::Pin};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use rmcp::ServerHandler;

use super::{
    drain::{Drain, InFlight},
    mcp::McpService,
    metrics,
};
use crate::{
    audit::RemoteAddress,
    layer::{AuthBody, AuthService},
    metrics::Metrics,
    resource::WELL_KNOWN,
};

type InnerBody = http_body_util::combinators::BoxBody<Bytes, Infallible>;
pub(super) type ResponseBody = InFlight<AuthBody<InnerBody>>;

/// The MCP endpoint behind its layer, the metadata, the health checks, and the metrics. A copy
/// serves one connection.
pub(super) struct Endpoint<H> {
    path: String,
    mcp: AuthService<McpService<H>>,
    drain: Drain,
    metrics: Option<Metrics>,
    peer: Option<RemoteAddress>,
}

impl<H: ServerHandler> Endpoint<H> {
    pub(super) fn new(
        path: &str,
        mcp: AuthService<McpService<H>>,
        drain: Drain,
        metrics: Option<Metrics>,
    ) -> Self {
        Self {
            path: path.trim_end_matches('/').to_owned(),
            mcp,
            drain,
            metrics,
            peer: None,
        }
    }

    /// The endpoint for the requests of one connection.
    pub(super) fn for_peer(&self, peer: SocketAddr) -> Self {
        Self {
            path: self.path.clone(),
            mcp: self.mcp.clone(),
            drain: self.drain.clone(),
            metrics: self.metrics.clone(),
            peer: Some(RemoteAddress(peer)),
        }
    }

    /// The endpoint with or without a slash at its end, and what is below the well-known path.
    fn is_mcp(&self, path: &str) -> bool {
        path.trim_end_matches('/') == self.path || path.starts_with(WELL_KNOWN)
    }

    /// What is answered without a token.
    fn open(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if let Some(health) = self.health(path) {
            return health;
        }
        match &self.metrics {
            Some(metrics) if path == metrics::PATH => match self.mcp.source(request) {
                Ok(_) => metrics::answer(metrics, request),
                Err(turned_away) => *turned_away,
            },
            _ => text(StatusCode::NOT_FOUND, "not found\n"),
        }
    }

    fn health(&self, path: &str) -> Option<Response<Full<Bytes>>> {
        match path {
            "/healthz" => Some(text(StatusCode::OK, "ok\n")),
            "/readyz" if self.drain.is_draining() => {
                Some(text(StatusCode::SERVICE_UNAVAILABLE, "shutting down\n"))
            }
            "/readyz" => Some(text(StatusCode::OK, "ready\n")),
            _ => None,
        }
    }
}

impl<H: ServerHandler> hyper::service::Service<Request<Incoming>> for Endpoint<H> {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        if !self.is_mcp(request.uri().path()) {
            let response = self
                .open(&request)
                .map(|body| InFlight::new(AuthBody::own(body), None));
            return Box::pin(std::future::ready(Ok(response)));
        }
        let call = is_call(&request).then(|| self.drain.call());
        let answer = self.mcp.handle(request);
        Box::pin(async move { Ok(answer.await?.map(|body| InFlight::new(body, call))) })
    }
}

/// Whether a drain waits for this request: a POST that is answered and done, not one that opens a
/// stream of notifications.
fn is_call(request: &Request<Incoming>) -> bool {
    let listens = request
        .headers()
        .get("mcp-method")
        .is_some_and(|m| m == "subscriptions/listen");
    request.method() == Method::POST && !listens
}

pub(super) fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
