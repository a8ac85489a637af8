//! The token on the way out, and the refusal on the way back.
//!
//! Sessions, streams and reconnection are rmcp's; this is the HTTP client that it calls, around
//! rmcp's own.

use std::{collections::HashMap, io, pin::Pin, sync::Arc};

use futures_core::Stream;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use rmcp::{
    model::{ClientJsonRpcMessage, ClientRequest, JsonRpcMessage},
    transport::streamable_http_client::{
        AuthRequiredError, InsufficientScopeError, SseError, StreamableHttpClient,
        StreamableHttpError, StreamableHttpPostResponse, StreamableHttpResponseLimits,
    },
};
use sse_stream::Sse;
use zeroize::Zeroizing;

use super::{
    OutgoingToken, ProtectedServer, Reaction, RefusedRequest, TokenError, TokenErrorKind, error,
    token_source::DynTokenSource,
};

type Failed = StreamableHttpError<reqwest::Error>;
type Headers = HashMap<HeaderName, HeaderValue>;
type Events = Pin<Box<dyn Stream<Item = Result<Sse, SseError>> + Send>>;

/// How often one operation is sent again after refusals: once for a token that is no longer valid,
/// and twice for one that must be widened (MCP 2026-07-28, step-up: "no more than a few times").
const MOST_RETRIES: usize = 3;

/// rmcp's HTTP client, with the tokens of a [`TokenSource`](super::TokenSource).
#[derive(Clone)]
pub(super) struct Authorized {
    http: reqwest::Client,
    server: Arc<ProtectedServer>,
    source: Arc<dyn DynTokenSource>,
}

impl Authorized {
    pub(super) fn new(
        http: reqwest::Client,
        server: ProtectedServer,
        source: Arc<dyn DynTokenSource>,
    ) -> Self {
        Self {
            http,
            server: Arc::new(server),
            source,
        }
    }

    /// Sends a request with the source's token, and again as long as the source has another one
    /// after a refusal.
    async fn exchange<T, Send_, Sent>(
        &self,
        operation: &str,
        headers: Headers,
        send: Send_,
    ) -> Result<T, Failed>
    where
        Send_: Fn(Headers) -> Sent,
        Sent: Future<Output = Result<T, Failed>>,
    {
        let mut retries = 0;
        loop {
            let token = self.source.dyn_token(&self.server).await;
            let token = token.map_err(failed)?;
            let mut with_token = headers.clone();
            if let Some(token) = &token {
                with_token.insert(AUTHORIZATION, authorization(token).map_err(failed)?);
            }
            let refusal = match send(with_token).await {
                Err(refusal) if retries < MOST_RETRIES => refusal,
                done => return done,
            };
            let Some(refused) = refused(&refusal, token, operation) else {
                return Err(refusal);
            };
            let reaction = self.source.dyn_on_challenge(&self.server, &refused).await;
            if reaction.map_err(failed)? == Reaction::GiveUp {
                return Err(refusal);
            }
            retries += 1;
        }
    }
}

impl StreamableHttpClient for Authorized {
    type Error = reqwest::Error;

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
        let operation = operation(&message);
        self.exchange(&operation, custom_headers, |headers| {
            self.http.post_message_with_response_limits(
                uri.clone(),
                message.clone(),
                session_id.clone(),
                None,
                headers,
                limits,
            )
        })
        .await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _: Option<String>,
        custom_headers: Headers,
    ) -> Result<(), Failed> {
        self.exchange("DELETE", custom_headers, |headers| {
            self.http
                .delete_session(uri.clone(), session_id.clone(), None, headers)
        })
        .await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _: Option<String>,
        custom_headers: Headers,
    ) -> Result<Events, Failed> {
        self.exchange("GET", custom_headers, |headers| {
            self.http.get_stream(
                uri.clone(),
                session_id.clone(),
                last_event_id.clone(),
                None,
                headers,
            )
        })
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
        self.exchange("GET", custom_headers, |headers| {
            self.http.get_stream_with_max_sse_event_size(
                uri.clone(),
                session_id.clone(),
                last_event_id.clone(),
                None,
                headers,
                max_sse_event_size,
            )
        })
        .await
    }
}

/// The header of a request, marked so that nobody logs it.
fn authorization(token: &OutgoingToken) -> Result<HeaderValue, TokenError> {
    let scheme = if token.is_bound_to_key() {
        "DPoP"
    } else {
        "Bearer"
    };
    let text = Zeroizing::new(format!("{scheme} {}", token.secret().expose_secret()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        TokenError::new(
            TokenErrorKind::Misconfigured,
            "the token cannot go into a header",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// rmcp carries an I/O error through to the caller as it is; [`ClientError`](super::ClientError)
/// finds ours in there.
fn failed(error: TokenError) -> Failed {
    StreamableHttpError::Io(io::Error::other(error))
}

/// What the server refused, if it did.
fn refused(
    failure: &Failed,
    sent: Option<OutgoingToken>,
    operation: &str,
) -> Option<RefusedRequest> {
    let (status, header) = match failure {
        StreamableHttpError::AuthRequired(AuthRequiredError {
            www_authenticate_header: header,
            ..
        }) => (401, Some(header.clone())),
        StreamableHttpError::InsufficientScope(InsufficientScopeError {
            www_authenticate_header: header,
            ..
        }) => (403, Some(header.clone())),
        other => (error::status_without_challenge(other)?, None),
    };
    Some(RefusedRequest {
        status,
        challenge: header.as_deref().and_then(error::challenge_of),
        header,
        sent,
        operation: operation.to_owned(),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BearerToken;

    #[test]
    fn the_outgoing_header_is_marked_sensitive() {
        let token = BearerToken::parse("Bearer hunter2").expect("a token");
        let token = OutgoingToken::new(token);
        assert!(!format!("{token:?}").contains("hunter2"));
        for (bound, header) in [(false, "Bearer hunter2"), (true, "DPoP hunter2")] {
            let value = authorization(&token.clone().bound_to_key(bound)).expect("a header");
            assert!(value.is_sensitive());
            assert_eq!(value.to_str().expect("ASCII"), header);
            assert_eq!(format!("{value:?}"), "Sensitive");
        }
    }
}
