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
use tower_http::cors::{AllowHeaders, AllowOrigin, Cors, CorsLayer};
use tower_layer::Layer;
use tower_service::Service;

use super::{authorize::Authorize, body::AuthBody, gate::Gate, render};
use crate::{AuthSettings, host_policy::Source};

/// The service that an [`AuthLayer`](super::AuthLayer) makes.
#[derive(Clone)]
pub struct AuthService<S> {
    gate: Arc<Gate>,
    /// For programs: no CORS header costs them anything.
    plain: Authorize<S>,
    /// For browser pages of an accepted origin.
    cors: Cors<Authorize<S>>,
}

impl<S: Clone> AuthService<S> {
    pub(super) fn new(gate: Arc<Gate>, inner: S) -> Self {
        let plain = Authorize::new(Arc::clone(&gate), inner);
        let cors = cors(gate.settings()).layer(plain.clone());
        Self { gate, plain, cors }
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
        ])
        .max_age(std::time::Duration::from_secs(600))
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for AuthService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    ReqBody: Send + 'static,
    ResBody: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<AuthBody<ResBody>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self
            .gate
            .settings()
            .hosts()
            .check(request.uri(), request.headers())
        {
            Ok(Source::Program) => self.plain.call(request),
            Ok(Source::Page) => Box::pin(self.cors.call(request)),
            Err(foreign) => {
                tracing::warn!(reason = %foreign, "turned away");
                Box::pin(std::future::ready(Ok(
                    render::foreign(foreign).map(AuthBody::own)
                )))
            }
        }
    }
}
