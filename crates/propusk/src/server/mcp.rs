//! rmcp's Streamable HTTP service, set up once and shared by all requests.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::{Bound, Guard, Options};
use crate::layer::RequestBody;

type Rmcp<H> = StreamableHttpService<Bound<Guard<H>>, LocalSessionManager>;

/// Behind an `Arc`: rmcp's own `Service::call` would copy its configuration for every request.
pub(super) struct McpService<H>(Arc<Rmcp<H>>);

impl<H: ServerHandler> McpService<H> {
    pub(super) fn new(
        handler: Bound<Guard<H>>,
        sessions: Arc<LocalSessionManager>,
        options: &Options,
        streams: CancellationToken,
    ) -> Self {
        let config = StreamableHttpServerConfig::default()
            // The layer in front has checked both, by the resource URL.
            .disable_allowed_hosts()
            .disable_allowed_origins()
            .with_json_response(true)
            .with_legacy_session_mode(options.legacy_sessions)
            .with_max_request_body_bytes(options.max_body_bytes)
            .with_cancellation_token(streams);
        let factory = move || Ok(handler.clone());
        Self(Arc::new(StreamableHttpService::new(
            factory, sessions, config,
        )))
    }
}

impl<H> Clone for McpService<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H: ServerHandler> Service<Request<RequestBody<Incoming>>> for McpService<H> {
    type Response = Response<BoxBody<Bytes, Infallible>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody<Incoming>>) -> Self::Future {
        let service = Arc::clone(&self.0);
        let ends_session = request.method() == Method::DELETE;
        Box::pin(async move {
            let mut response = service.handle(request).await;
            if ends_session && response.status() == StatusCode::ACCEPTED {
                // rmcp says 202; the official Python client takes only 200 and 204 for done.
                *response.status_mut() = StatusCode::NO_CONTENT;
            }
            Ok(response)
        })
    }
}
