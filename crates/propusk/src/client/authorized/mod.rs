//! The token on the way out, and the refusal on the way back.
//!
//! Sessions, messages and reconnection are rmcp's; this is the HTTP client that it calls. rmcp's own
//! one shows no header of an answer, and three of them are what this module is about:
//! `WWW-Authenticate` (all of them), `DPoP-Nonce` and `Retry-After`.

mod answer;
mod events;
mod exchange;
mod failure;
mod headers;
mod outgoing;
mod patience;
mod resumption;
mod retry_after;
mod tried;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_core::Stream;
use reqwest::{
    Method,
    header::{HeaderName, HeaderValue},
};
use rmcp::{
    model::{ClientJsonRpcMessage, ClientRequest, JsonRpcMessage},
    transport::streamable_http_client::{
        AuthRequiredError, SseError, StreamableHttpClient, StreamableHttpClientTransportConfig,
        StreamableHttpError, StreamableHttpPostResponse, StreamableHttpResponseLimits,
    },
};
use sse_stream::Sse;

use super::{DpopKey, ProtectedServer, token_source::DynTokenSource};
use answer::Answer;
use outgoing::Outgoing;
use resumption::Resumptions;
use tried::Tried;

pub(super) use failure::{Failure, Setback};
pub(super) use headers::challenge;
pub(super) use patience::Patience;

type Failed = StreamableHttpError<Failure>;
type Headers = HashMap<HeaderName, HeaderValue>;
type Events = Pin<Box<dyn Stream<Item = Result<Sse, SseError>> + Send>>;

/// The HTTP client below rmcp, with the tokens of a [`TokenSource`](super::TokenSource).
#[derive(Clone)]
pub(super) struct Authorized(Arc<Shared>);

struct Shared {
    http: reqwest::Client,
    server: ProtectedServer,
    source: Arc<dyn DynTokenSource>,
    key: Option<DpopKey>,
    tried: Tried,
    /// Until it is connected, a setback is left here for whoever connects: rmcp limits the time of a
    /// handshake, and a user may be signing in.
    connected: AtomicBool,
    setback: Mutex<Option<Setback>>,
    /// An event was too large; its stream is not taken up again.
    oversized: Arc<AtomicBool>,
    resumptions: Arc<Resumptions>,
}

impl Authorized {
    pub(super) fn new(
        http: reqwest::Client,
        server: ProtectedServer,
        source: Arc<dyn DynTokenSource>,
        key: Option<DpopKey>,
    ) -> Self {
        Self(Arc::new(Shared {
            http,
            server,
            source,
            key,
            tried: Tried::default(),
            connected: AtomicBool::new(false),
            setback: Mutex::default(),
            oversized: Arc::default(),
            resumptions: Arc::default(),
        }))
    }

    /// From now on setbacks are dealt with here.
    pub(super) fn connected(&self) {
        self.0.connected.store(true, Ordering::Relaxed);
    }

    /// What a handshake failed on, where it can be dealt with.
    pub(super) fn take_setback(&self) -> Option<Setback> {
        self.left().take()
    }

    fn leave(&self, setback: &Setback) {
        *self.left() = Some(setback.clone());
    }

    // Nothing panics while it is held.
    fn left(&self) -> MutexGuard<'_, Option<Setback>> {
        self.0
            .setback
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How rmcp's transport to this server is set up.
    pub(super) fn config(&self, url: &str) -> StreamableHttpClientTransportConfig {
        let mut config = StreamableHttpClientTransportConfig::with_uri(url);
        if let Some(limit) = self.0.server.http().longest_answer {
            config.max_json_response_size = limit;
            config.max_sse_event_size = limit;
        }
        config
    }
}

impl StreamableHttpClient for Authorized {
    type Error = Failure;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(
            uri,
            message,
            session_id,
            auth_header,
            custom_headers,
            limits,
        )
        .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _: Option<String>,
        custom_headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let request = Outgoing::new(Method::POST, uri, custom_headers)
            .operation(operation(&message))
            .session(session_id.as_deref())?
            .message(&message)?;
        let response = self.exchange(&request).await?;
        let answer = Answer::new(response, limits, &self.0.oversized);
        let reading = answer.into_post(&message, session_id.is_some());
        Ok(match self.in_time(reading).await?? {
            StreamableHttpPostResponse::Sse(events, session) => {
                let events = self.0.resumptions.follow(events, Arc::default());
                StreamableHttpPostResponse::Sse(events, session)
            }
            other => other,
        })
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _: Option<String>,
        custom_headers: Headers,
    ) -> Result<(), Failed> {
        let request =
            Outgoing::new(Method::DELETE, uri, custom_headers).session(Some(&session_id))?;
        answer::of_delete(&self.exchange(&request).await?)
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<Events, Failed> {
        let limit = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(
            uri,
            session_id,
            last_event_id,
            auth_header,
            custom_headers,
            limit,
        )
        .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _: Option<String>,
        custom_headers: Headers,
        max_sse_event_size: usize,
    ) -> Result<Events, Failed> {
        if self.0.oversized.swap(false, Ordering::Relaxed) {
            // The same event would come again, and again be too large.
            return Err(StreamableHttpError::ServerDoesNotSupportSse);
        }
        let progress = self.0.resumptions.of(last_event_id.as_deref());
        if !progress.may_ask().await {
            return Err(StreamableHttpError::ServerDoesNotSupportSse);
        }
        let request = Outgoing::new(Method::GET, uri, custom_headers)
            .session(session_id.as_deref())?
            .last_event(last_event_id.as_deref())?;
        let response = self.exchange(&request).await.map_err(ends_the_stream)?;
        let limits = StreamableHttpResponseLimits::default();
        let events =
            Answer::new(response, limits, &self.0.oversized).into_get(max_sse_event_size)?;
        Ok(self.0.resumptions.follow(events, progress))
    }
}

/// A stream that is refused is not asked for again; rmcp knows that by this error alone.
fn ends_the_stream(failed: Failed) -> Failed {
    match failed {
        StreamableHttpError::Client(Failure::Setback(Setback::Refused(refused))) => {
            let header = refused.header.unwrap_or_default();
            StreamableHttpError::AuthRequired(AuthRequiredError::new(header))
        }
        other => other,
    }
}

/// The method of a message, with the name or URI where it has one.
fn operation(message: &ClientJsonRpcMessage) -> String {
    let JsonRpcMessage::Request(request) = message else {
        return "POST".to_owned();
    };
    let name = match &request.request {
        ClientRequest::CallToolRequest(call) => Some(&*call.params.name),
        ClientRequest::GetPromptRequest(get) => Some(&*get.params.name),
        ClientRequest::ReadResourceRequest(read) => Some(&*read.params.uri),
        _ => None,
    };
    let method = request.request.method();
    name.map_or_else(|| method.to_owned(), |name| format!("{method}:{name}"))
}
