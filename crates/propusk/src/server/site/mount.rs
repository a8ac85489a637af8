//! One protected service, whatever it is made of.

use std::{convert::Infallible, error::Error, fmt, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tower_layer::Layer;
use tower_service::Service;

use super::caller::{self, CallerService, StreamsEnd};
use crate::{
    AuthLayer, Operation,
    layer::{AuthBody, AuthService, RequestBody},
    resource::WELL_KNOWN,
};

pub(in crate::server) type BoxError = Box<dyn Error + Send + Sync>;
pub(in crate::server) type MountBody = UnsyncBoxBody<Bytes, BoxError>;
type Answer = Pin<Box<dyn Future<Output = Response<MountBody>> + Send>>;

/// A service behind its [`AuthLayer`], under the path of the layer's resource URL.
///
/// Below it, `GET {path}/caller` tells the caller who it is here; the same token is asked for, by the
/// same rules, and the service is not. The answer is JSON:
///
/// ```json
/// {"anonymous": false, "subject": "alice", "issuer": "https://login.example", "client_id": "app",
///  "scopes": ["notes:read"], "audience": ["https://mcp.example/mcp"], "expires_at": 1790000000}
/// ```
///
/// with `claims` where the token is one that its bearer can read too (a JWT). With `Accept:
/// text/event-stream` it is an event of the name `caller`, in a stream that ends when the token
/// expires or is revoked. A caller without a token gets `{"anonymous":true}` either way.
#[derive(Clone)]
pub struct Mount {
    path: Arc<str>,
    service: Arc<dyn Mounted>,
    /// What answers who the caller is, behind the same gate.
    caller: Arc<dyn Mounted>,
}

impl Mount {
    /// Puts the layer around the service. The path is that of the layer's resource URL.
    #[must_use]
    pub fn new<S, B>(layer: &AuthLayer, service: S) -> Self
    where
        S: Service<Request<RequestBody<Incoming>>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let path = layer.settings().resource().path().trim_end_matches('/');
        Self {
            path: path.into(),
            service: Arc::new(layer.layer(service)),
            caller: Arc::new(layer.by_path(Operation::Caller).layer(CallerService)),
        }
    }

    /// The path of the endpoint, without a slash at its end.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn handle(&self, request: Request<Incoming>) -> Answer {
        self.service.handle(request)
    }

    /// Answers who the caller is; a stream ends with `end` at the latest.
    pub(super) fn tell_caller(
        &self,
        mut request: Request<Incoming>,
        end: CancellationToken,
    ) -> Answer {
        request.extensions_mut().insert(StreamsEnd(end));
        self.caller.handle(request)
    }

    /// How a request is turned away by its `Host` and `Origin`, if it is.
    pub(super) fn turns_away(&self, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        self.service.turns_away(request)
    }

    /// Whether a path is the endpoint's, with or without a slash at its end.
    pub(super) fn is_at(&self, path: &str) -> bool {
        path.trim_end_matches('/') == &*self.path
    }

    /// Whether a path is the one below the endpoint that tells who the caller is.
    pub(super) fn has_caller_at(&self, path: &str) -> bool {
        path.strip_suffix(caller::PATH) == Some(&*self.path)
    }

    /// Whether a path is that of the endpoint's metadata (RFC 9728 §3.1).
    pub(super) fn has_metadata_at(&self, path: &str) -> bool {
        path.strip_prefix(WELL_KNOWN)
            .is_some_and(|rest| rest.trim_end_matches('/') == &*self.path)
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

trait Mounted: Send + Sync {
    fn handle(&self, request: Request<Incoming>) -> Answer;
    fn turns_away(&self, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>>;
}

impl<S, B> Mounted for AuthService<S>
where
    S: Service<Request<RequestBody<Incoming>>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn handle(&self, request: Request<Incoming>) -> Answer {
        let answer = AuthService::handle(self, request);
        Box::pin(async move {
            let Ok(response) = answer.await;
            response.map(|body: AuthBody<B>| body.map_err(Into::into).boxed_unsync())
        })
    }

    fn turns_away(&self, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        self.source(request).err().map(|response| *response)
    }
}
