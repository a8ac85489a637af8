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
use crate::{
    AuthSettings, Reason, Refusal,
    audit::{Cause, RemoteAddress},
    host_policy::Source,
    rules::{AddressLimits, Hold},
};

/// The service that an [`AuthLayer`](super::AuthLayer) makes.
#[derive(Clone)]
pub struct AuthService<S> {
    gate: Arc<Gate>,
    most_bytes: usize,
    address_limits: Option<AddressLimits>,
    /// For programs: no CORS header costs them anything.
    plain: Authorize<S>,
    /// For browser pages of an accepted origin.
    cors: Cors<Authorize<S>>,
}

impl<S: Clone> AuthService<S> {
    pub(super) fn new(
        gate: Arc<Gate>,
        operations: Operations,
        address_limits: Option<AddressLimits>,
        inner: S,
    ) -> Self {
        let most_bytes = operations.most_bytes;
        let plain = Authorize::new(Arc::clone(&gate), operations, inner);
        let cors = cors(gate.settings()).layer(plain.clone());
        Self {
            gate,
            most_bytes,
            address_limits,
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
        match self.place(&request) {
            Ok(None) => self.handle_placed(request),
            Ok(Some(place)) => {
                let answer = self.handle_placed(request);
                Box::pin(async move { Ok(answer.await?.map(|body| body.keeping(place))) })
            }
            Err(response) => self.turn_away(request, *response),
        }
    }

    /// A request whose address may make one more.
    fn handle_placed<ReqBody, ResBody>(
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
            Err(response) => self.turn_away(request, *response),
        }
    }

    fn turn_away<ReqBody, ResBody, E>(
        &self,
        request: Request<ReqBody>,
        response: Response<Full<Bytes>>,
    ) -> Answer<ResBody, E>
    where
        E: Send + 'static,
        ReqBody: Body<Data = Bytes> + Send + 'static,
        ResBody: Send + 'static,
    {
        let (parts, body) = request.into_parts();
        throw_away(&parts.headers, body, self.most_bytes);
        let response = response.map(AuthBody::own);
        Box::pin(std::future::ready(Ok(response)))
    }

    /// What the address of a request may take, before anything else is looked at.
    fn place<B>(&self, request: &Request<B>) -> Result<Option<Hold>, Box<Response<Full<Bytes>>>> {
        let (Some(limits), Some(remote)) = (
            &self.address_limits,
            RemoteAddress::of(request.extensions()),
        ) else {
            return Ok(None);
        };
        let taken = limits.take(remote.ip(), self.gate.now());
        taken.map_err(|(retry_after, why)| {
            let refusal = Refusal::by_rule(Reason::Limited { retry_after }, why, None);
            let response = render::refusal(self.gate.settings(), &refusal);
            let cause = refusal.into();
            self.gate.record(&mut Trail::of(request), Some(&cause));
            Box::new(response)
        })
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
                self.gate.record(&mut Trail::of(request), Some(&cause));
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
