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
use crate::{
    Operation, Reason, Refusal,
    audit::{Cause, RemoteAddress},
    host_policy::Source,
    rules::{AddressLimits, Hold},
};

/// The service that an [`AuthLayer`](super::AuthLayer) makes.
#[derive(Clone)]
pub struct AuthService<S> {
    gates: Arc<Gates>,
    most_bytes: usize,
    address_limits: Option<AddressLimits>,
    by_path: Operation,
    /// For programs: no CORS header costs them anything.
    plain: Authorize<S>,
    /// For browser pages of an accepted origin.
    cors: Cors<Authorize<S>>,
}

impl<S: Clone> AuthService<S> {
    pub(super) fn new(
        gates: Arc<Gates>,
        operations: Operations,
        address_limits: Option<AddressLimits>,
        inner: S,
    ) -> Self {
        let (most_bytes, by_path) = (operations.most_bytes, operations.by_path.clone());
        let plain = Authorize::new(Arc::clone(&gates), operations, inner);
        let cors = cors().layer(plain.clone());
        Self {
            gates,
            most_bytes,
            address_limits,
            by_path,
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
        let gate = self.gates.current();
        match self.place(&gate, &request) {
            Ok(None) => self.handle_placed(gate, request),
            Ok(Some(place)) => {
                let answer = self.handle_placed(gate, request);
                Box::pin(async move { Ok(answer.await?.map(|body| body.keeping(place))) })
            }
            Err(response) => self.turn_away(request, *response),
        }
    }

    /// A request whose address may make one more.
    fn handle_placed<ReqBody, ResBody>(
        &self,
        gate: Arc<Gate>,
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
        match self.source(&gate, &request) {
            Ok(Source::Program) => self.plain.handle(gate, request),
            Ok(Source::Page) => {
                request.extensions_mut().insert(gate);
                Box::pin(self.cors.clone().call(request))
            }
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
    fn place<B>(
        &self,
        gate: &Gate,
        request: &Request<B>,
    ) -> Result<Option<Hold>, Box<Response<Full<Bytes>>>> {
        let (Some(limits), Some(remote)) = (
            &self.address_limits,
            RemoteAddress::of(request.extensions()),
        ) else {
            return Ok(None);
        };
        let taken = limits.take(remote.ip(), gate.now());
        taken.map_err(|(retry_after, why)| {
            let refusal = Refusal::by_rule(Reason::Limited { retry_after }, why, None);
            let response = render::refusal(gate.settings(), &refusal);
            let cause = refusal.into();
            let mut trail = Trail::of(request, self.by_path.clone());
            gate.record(&mut trail, Some(&cause));
            Box::new(response)
        })
    }

    /// How a request is turned away by its `Host` and `Origin`, if it is.
    #[cfg(feature = "server")]
    pub(crate) fn turns_away<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        let source = self.source(&self.gates.current(), request);
        source.err().map(|response| *response)
    }

    /// Where a request comes from by its `Host` and `Origin`, or how it is turned away.
    fn source<B>(
        &self,
        gate: &Gate,
        request: &Request<B>,
    ) -> Result<Source, Box<Response<Full<Bytes>>>> {
        let hosts = gate.settings().hosts();
        hosts
            .check(request.uri(), request.headers())
            .map_err(|foreign| {
                let cause = Cause::foreign(foreign);
                let mut trail = Trail::of(request, self.by_path.clone());
                gate.record(&mut trail, Some(&cause));
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
