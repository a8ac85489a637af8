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
    authorize::Authorize, body::AuthBody, gate::Gate, leftover::throw_away, operations::Operations,
    render, request_body::RequestBody, trail::Trail,
};
use crate::{AuthSettings, Operation, audit::Cause, host_policy::Source};

/// The service that an [`AuthLayer`](super::AuthLayer) makes.
#[derive(Clone)]
pub struct AuthService<S> {
    gate: Arc<Gate>,
    most_bytes: usize,
    by_path: Operation,
    /// For programs: no CORS header costs them anything.
    plain: Authorize<S>,
    /// For browser pages of an accepted origin.
    cors: Cors<Authorize<S>>,
}

impl<S: Clone> AuthService<S> {
    pub(super) fn new(gate: Arc<Gate>, operations: Operations, inner: S) -> Self {
        let (most_bytes, by_path) = (operations.most_bytes, operations.by_path.clone());
        let plain = Authorize::new(Arc::clone(&gate), operations, inner);
        let cors = cors(gate.settings()).layer(plain.clone());
        Self {
            gate,
            most_bytes,
            by_path,
            plain,
            cors,
        }
    }
}

/// Lets pages of the accepted origins call and read. The headers of a request are mirrored, since
/// `Mcp-Param-*` is an open set.
fn cors(settings: &AuthSettings) -> CorsLayer {
    let hosts = settings.hosts().clone();
    let origins = AllowOrigin::predicate(move |origin, _| {
        origin
            .to_str()
            .is_ok_and(|origin| hosts.knows_origin(origin))
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
        request: Request<ReqBody>,
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
        match self.source(&request) {
            Ok(Source::Program) => self.plain.handle(request),
            Ok(Source::Page) => Box::pin(self.cors.clone().call(request)),
            Err(response) => {
                let (parts, body) = request.into_parts();
                throw_away(&parts.headers, body, self.most_bytes);
                let response = response.map(AuthBody::own);
                Box::pin(std::future::ready(Ok(response)))
            }
        }
    }

    /// Where a request comes from by its `Host` and `Origin`, or how it is turned away.
    pub(crate) fn source<B>(
        &self,
        request: &Request<B>,
    ) -> Result<Source, Box<Response<Full<Bytes>>>> {
        let hosts = self.gate.settings().hosts();
        hosts
            .check(request.uri(), request.headers())
            .map_err(|foreign| {
                let cause = Cause::foreign(foreign);
                let mut trail = Trail::of(request, self.by_path.clone());
                self.gate.record(&mut trail, Some(&cause));
                Box::new(render::foreign(foreign))
            })
    }
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
