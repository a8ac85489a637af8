//! The inner half of the layer: permit, session, and the service behind.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header::AUTHORIZATION};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::{
    body::AuthBody,
    gate::{Gate, Permitted},
    render,
    trail::Trail,
};
use crate::{AccessToken, Permit, audit::Cause};

type Answer<B, E> = Pin<Box<dyn Future<Output = Result<Response<AuthBody<B>>, E>> + Send>>;

/// Lets a request through to the service behind once it has a [`Permit`].
#[derive(Clone)]
pub(super) struct Authorize<S> {
    gate: Arc<Gate>,
    inner: S,
}

impl<S> Authorize<S> {
    pub(super) fn new(gate: Arc<Gate>, inner: S) -> Self {
        Self { gate, inner }
    }
}

impl<S> Authorize<S> {
    /// The same as [`Service::call`], which wants `&mut self` for nothing.
    pub(super) fn handle<ReqBody, ResBody>(
        &self,
        request: Request<ReqBody>,
    ) -> Answer<ResBody, S::Error>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
        S::Future: Send,
        ReqBody: Send + 'static,
        ResBody: Body<Data = Bytes> + 'static,
    {
        let gate = Arc::clone(&self.gate);
        let inner = self.inner.clone();
        Box::pin(async move {
            let mut trail = Trail::of(&request);
            let response = match admit(&gate, request, &mut trail).await {
                Ok(admitted) => {
                    // Before it runs, so that what it does is never without a trace.
                    gate.record(&mut trail, None);
                    forward(&gate, inner, admitted).await?
                }
                Err(response) => response.map(AuthBody::own),
            };
            if let Some(cause) = response.extensions().get::<Cause>() {
                gate.record(&mut trail, Some(cause));
            }
            Ok(response)
        })
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Authorize<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    ReqBody: Send + 'static,
    ResBody: Body<Data = Bytes> + 'static,
{
    type Response = Response<AuthBody<ResBody>>;
    type Error = S::Error;
    type Future = Answer<ResBody, S::Error>;

    /// Always ready: readiness of the service behind is awaited after the decision.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        self.handle(request)
    }
}

/// A request that may go on, with the 2025-11-25 session that it names.
struct Admitted<B> {
    request: Request<B>,
    session: Option<String>,
    next_nonce: Option<HeaderValue>,
}

async fn admit<B>(
    gate: &Gate,
    request: Request<B>,
    trail: &mut Trail,
) -> Result<Admitted<B>, Box<Response<Full<Bytes>>>> {
    let (mut parts, body) = request.into_parts();
    if let Some(document) = gate.metadata(parts.uri.path())
        && matches!(parts.method, Method::GET | Method::HEAD)
    {
        return Err(Box::new(render::metadata(document)));
    }
    let permitted = gate.permit(&parts, trail).await.map_err(|refusal| {
        let response = render::refusal(gate.settings(), &refusal);
        Box::new(render::with_nonce(response, gate.nonce_for(&refusal)))
    })?;
    let Permitted { permit, next_nonce } = permitted;
    trail.admit(&permit);
    let session = gate
        .sessions()
        .check(
            &mut parts.headers,
            permit.caller().map(AccessToken::principal),
        )
        .map_err(|_| Box::new(render::unknown_session()))?;
    // Nothing behind the gate needs the secret, and what is not there cannot leak.
    parts.headers.remove(AUTHORIZATION);
    parts.headers.remove("dpop");
    parts.extensions.insert(permit);
    Ok(Admitted {
        request: Request::from_parts(parts, body),
        session,
        next_nonce,
    })
}

async fn forward<S, ReqBody, ResBody>(
    gate: &Gate,
    mut inner: S,
    Admitted {
        request,
        session,
        next_nonce,
    }: Admitted<ReqBody>,
) -> Result<Response<AuthBody<ResBody>>, S::Error>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    let ends = request.method() == Method::DELETE;
    // Only an answer to a request without a session can open one.
    let opener = session.is_none().then(|| {
        let caller = request
            .extensions()
            .get::<Permit>()
            .and_then(Permit::caller);
        caller.map(|token| token.principal().clone())
    });
    poll_fn(|cx| inner.poll_ready(cx)).await?;
    let response = inner.call(request).await?;
    if let Some(caller) = opener {
        gate.sessions().learn(response.headers(), caller);
    } else if let Some(id) = session
        && ends
        && response.status().is_success()
    {
        // A 404 may be another route's; an entry that is left over makes room for the next.
        gate.sessions().forget(&id);
    }
    Ok(render::with_nonce(response, next_nonce).map(AuthBody::inner))
}
