//! The outer half of the layer: host, origin and CORS.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, Method, Request, Response, header};
use http_body::Body;
use http_body_util::Full;
use tower_http::cors::{AllowHeaders, AllowOrigin, Cors, CorsLayer};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    authorize::Authorize,
    body::AuthBody,
    gate::{Gate, Gates},
    leftover::throw_away,
    operations::Operations,
    render,
    request_body::RequestBody,
    trail::Trail,
};
use crate::{audit::Cause, host_policy::Source};

/// The service that an [`AuthLayer`](super::AuthLayer) makes.
#[derive(Clone)]
pub struct AuthService<S> {
    gates: Arc<Gates>,
    most_bytes: usize,
    /// For programs: no CORS header costs them anything.
    plain: Authorize<S>,
    /// For browser pages of an accepted origin.
    cors: Cors<Authorize<S>>,
}

impl<S: Clone> AuthService<S> {
    pub(super) fn new(gates: Arc<Gates>, operations: Operations, inner: S) -> Self {
        let most_bytes = operations.most_bytes;
        let plain = Authorize::new(Arc::clone(&gates), operations, inner);
        let cors = cors().layer(plain.clone());
        Self {
            gates,
            most_bytes,
            plain,
            cors,
        }
    }
}

/// Lets pages of the accepted origins call and read. The headers of a request are mirrored, since
/// `Mcp-Param-*` is an open set.
fn cors() -> CorsLayer {
    let origins = AllowOrigin::predicate(|origin, request| {
        let gate = request.extensions.get::<Arc<Gate>>();
        let hosts = gate.map(|gate| gate.settings().hosts());
        let origin = origin.to_str().ok();
        hosts
            .zip(origin)
            .is_some_and(|(hosts, origin)| hosts.knows_origin(origin))
    });
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            header::WWW_AUTHENTICATE,
            header::RETRY_AFTER,
            HeaderName::from_static("mcp-session-id"),
            HeaderName::from_static("dpop-nonce"),
        ])
        .max_age(std::time::Duration::from_secs(600))
}

type Answer<B, E> = Pin<Box<dyn Future<Output = Result<Response<AuthBody<B>>, E>> + Send>>;

impl<S> AuthService<S> {
    /// The same as [`Service::call`] without `&mut self`: a server that shares the service need
    /// not copy it (and its CORS settings) for every request.
    pub(crate) fn handle<ReqBody, ResBody>(
        &self,
        mut request: Request<ReqBody>,
    ) -> Answer<ResBody, S::Error>
    where
        S: Service<Request<RequestBody<ReqBody>>, Response = Response<ResBody>>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        S::Error: Send,
        ReqBody: Body<Data = Bytes> + Send + 'static,
        ResBody: Body<Data = Bytes> + Send + 'static,
    {
        let gate = self.gates.current();
        match source(&gate, &request) {
            Ok(Source::Program) => self.plain.handle(gate, request),
            Ok(Source::Page) => {
                request.extensions_mut().insert(gate);
                Box::pin(self.cors.clone().call(request))
            }
            Err(response) => {
                let (parts, body) = request.into_parts();
                throw_away(&parts.headers, body, self.most_bytes);
                let response = response.map(AuthBody::own);
                Box::pin(std::future::ready(Ok(response)))
            }
        }
    }

    /// How a request is turned away by its `Host` and `Origin`, if it is.
    #[cfg(feature = "server")]
    pub(crate) fn turns_away<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        let source = source(&self.gates.current(), request);
        source.err().map(|response| *response)
    }
}

/// Where a request comes from by its `Host` and `Origin`, or how it is turned away.
fn source<B>(gate: &Gate, request: &Request<B>) -> Result<Source, Box<Response<Full<Bytes>>>> {
    let hosts = gate.settings().hosts();
    hosts
        .check(request.uri(), request.headers())
        .map_err(|foreign| {
            let cause = Cause::foreign(foreign);
            gate.record(&mut Trail::of(request), Some(&cause));
            Box::new(render::foreign(foreign))
        })
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for AuthService<S>
where
    S: Service<Request<RequestBody<ReqBody>>, Response = Response<ResBody>>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    S::Error: Send,
    ReqBody: Body<Data = Bytes> + Send + 'static,
    ResBody: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<AuthBody<ResBody>>;
    type Error = S::Error;
    type Future = Answer<ResBody, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        self.handle(request)
    }
}
