//! What answers which request of one connection.

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::Pin};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use super::{
    SiteRoutes,
    mount::{Mount, MountBody},
    routes::Table,
};
use crate::{
    audit::RemoteAddress,
    server::{
        drain::{Drain, InFlight},
        metrics,
    },
};

/// The endpoints, the metadata, the health checks, and what is open. A copy serves one connection.
#[derive(Clone)]
pub(in crate::server) struct SiteConnection {
    routes: SiteRoutes,
    drain: Drain,
    peer: Option<RemoteAddress>,
}

impl SiteConnection {
    pub(super) fn new(routes: SiteRoutes, drain: Drain) -> Self {
        Self {
            routes,
            drain,
            peer: None,
        }
    }

    pub(in crate::server) fn for_peer(&self, peer: SocketAddr) -> Self {
        Self {
            peer: Some(RemoteAddress(peer)),
            ..self.clone()
        }
    }

    /// What is answered without a token.
    fn open(&self, table: &Table, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if let Some(health) = self.health(path) {
            return health;
        }
        if let Some(turned_away) = table.first().and_then(|mount| mount.turns_away(request)) {
            return turned_away;
        }
        match &table.metrics {
            Some(metrics) if path == metrics::PATH => metrics::answer(metrics, request),
            _ => table
                .page(request)
                .unwrap_or_else(|| text(StatusCode::NOT_FOUND, "not found\n")),
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

impl hyper::service::Service<Request<Incoming>> for SiteConnection {
    type Response = Response<InFlight<MountBody>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        let table = self.routes.current();
        let path = request.uri().path();
        let Some(mount) = table.mount_at(path) else {
            if let Some(mount) = table.caller_at(path) {
                let answer = mount.tell_caller(request, self.drain.streams());
                return Box::pin(
                    async move { Ok(answer.await.map(|body| InFlight::new(body, None))) },
                );
            }
            let response = self.open(&table, &request).map(open_body);
            return Box::pin(std::future::ready(Ok(response)));
        };
        let call = is_call(&request).then(|| self.drain.call());
        let answer = Mount::handle(mount, request);
        Box::pin(async move { Ok(answer.await.map(|body| InFlight::new(body, call))) })
    }
}

fn open_body(body: Full<Bytes>) -> InFlight<MountBody> {
    InFlight::new(body.map_err(|never| match never {}).boxed_unsync(), None)
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

pub(in crate::server) fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
