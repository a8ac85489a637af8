//! Reads an answer as rmcp's own client reads it, under the same limits.

use std::sync::{Arc, atomic::AtomicBool};

use reqwest::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use rmcp::{
    model::{ClientJsonRpcMessage, ClientRequest, ErrorData, JsonRpcMessage, ServerJsonRpcMessage},
    transport::{
        common::http_header::{EVENT_STREAM_MIME_TYPE, HEADER_SESSION_ID, JSON_MIME_TYPE},
        streamable_http_client::{
            StreamableHttpError, StreamableHttpPostResponse, StreamableHttpResponseLimits,
        },
    },
};

use super::{Events, Failed, Failure, events, headers};

/// An answer that is no refusal.
pub(super) struct Answer<'a> {
    response: Response,
    limits: StreamableHttpResponseLimits,
    oversized: &'a Arc<AtomicBool>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        response: Response,
        limits: StreamableHttpResponseLimits,
        oversized: &'a Arc<AtomicBool>,
    ) -> Self {
        Self {
            response,
            limits,
            oversized,
        }
    }

    /// The answer to a POST of this message.
    pub(super) async fn into_post(
        self,
        message: &ClientJsonRpcMessage,
        in_session: bool,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let status = self.response.status();
        match status.as_u16() {
            202 | 204 => return Ok(StreamableHttpPostResponse::Accepted),
            404 if in_session => return Err(StreamableHttpError::SessionExpired),
            _ if !status.is_success() => return self.into_failed_post(message, in_session).await,
            _ => {}
        }
        let session = session(self.response.headers());
        let awaits_none = !matches!(message, JsonRpcMessage::Request(_));
        if is(self.response.headers(), EVENT_STREAM_MIME_TYPE) {
            let limit = self.limits.max_sse_event_size;
            let events = events::of(self.response, limit, self.oversized);
            return Ok(StreamableHttpPostResponse::Sse(events, session));
        }
        if awaits_none {
            // Some servers answer a notification with something. Nobody reads it.
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        if !is(self.response.headers(), JSON_MIME_TYPE) {
            return Err(unexpected_type(self.response.headers()));
        }
        let body = whole_body(self.response, self.limits.max_json_response_size).await?;
        match serde_json::from_slice::<ServerJsonRpcMessage>(&body) {
            Ok(message) => Ok(StreamableHttpPostResponse::Json(message, session)),
            Err(error) => Err(unexpected(format!("no JSON-RPC message: {error}"))),
        }
    }

    /// A status that is no success, and yet maybe a JSON-RPC error.
    async fn into_failed_post(
        self,
        message: &ClientJsonRpcMessage,
        in_session: bool,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let status = self.response.status();
        let session = session(self.response.headers());
        let broken = broken(&self.response);
        let (body, error) = if is(self.response.headers(), JSON_MIME_TYPE) {
            let body = whole_body(self.response, self.limits.max_json_response_size).await?;
            let error = serde_json::from_slice(&body).ok();
            let error = error.filter(|answer| matches!(answer, JsonRpcMessage::Error(_)));
            (body, error)
        } else {
            let limit = self.limits.max_error_response_size;
            (begin_of_body(self.response, limit).await, None)
        };
        let shown = || {
            let begin = &body[..body.len().min(self.limits.max_error_response_size)];
            format!("HTTP {status}: {}", String::from_utf8_lossy(begin))
        };
        if let Some(id) = rejected_discovery(message).filter(|_| !in_session)
            && status.is_client_error()
        {
            // What did not understand the question cannot name its id; rmcp judges the era by it.
            let error = match error {
                Some(JsonRpcMessage::Error(answer)) => answer.error,
                _ => ErrorData::invalid_request(
                    format!("server/discover rejected with {}", shown()),
                    None,
                ),
            };
            let answer = ServerJsonRpcMessage::error(error, Some(id));
            return Ok(StreamableHttpPostResponse::Json(answer, None));
        }
        match (error, broken) {
            // A gateway speaks for a server that it did not hear: that is no answer of the server.
            (Some(JsonRpcMessage::Error(answer)), Some(broken)) if is_gateway(status) => {
                Err(broken.saying(&answer.error.message).into())
            }
            (Some(answer), _) => Ok(StreamableHttpPostResponse::Json(answer, session)),
            (None, Some(broken)) => Err(broken.into()),
            (None, None) => Err(unexpected(shown())),
        }
    }

    /// The stream that a GET asked for.
    pub(super) fn into_get(self, max_event: usize) -> Result<Events, Failed> {
        let status = self.response.status();
        if status.as_u16() == 405 {
            return Err(StreamableHttpError::ServerDoesNotSupportSse);
        }
        if let Some(broken) = broken(&self.response) {
            return Err(broken.into());
        }
        if !status.is_success() {
            return Err(unexpected(format!("HTTP {status}")));
        }
        if !is(self.response.headers(), EVENT_STREAM_MIME_TYPE) {
            return Err(unexpected_type(self.response.headers()));
        }
        Ok(events::of(self.response, max_event, self.oversized))
    }
}

/// What a status says of a server that failed.
fn broken(response: &Response) -> Option<Failure> {
    let status = response.status();
    status.is_server_error().then(|| Failure::Broken {
        status: status.as_u16(),
        retry_after: headers::retry_after(response.headers()),
        said: None,
    })
}

/// RFC 9110 §15.6.3 and §15.6.5: Bad Gateway, Gateway Timeout.
fn is_gateway(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT
    )
}

/// The end of a session: 405 means that the server ends them itself.
pub(super) fn of_delete(response: &Response) -> Result<(), Failed> {
    let status = response.status();
    if status.is_success() || status.as_u16() == 405 {
        Ok(())
    } else {
        Err(unexpected(format!("HTTP {status}")))
    }
}

/// The id of a message that asks which protocol the server speaks.
fn rejected_discovery(message: &ClientJsonRpcMessage) -> Option<rmcp::model::RequestId> {
    match message {
        JsonRpcMessage::Request(asked)
            if matches!(asked.request, ClientRequest::DiscoverRequest(_)) =>
        {
            Some(asked.id.clone())
        }
        _ => None,
    }
}

fn session(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(HEADER_SESSION_ID)?.to_str().ok()?;
    Some(id.to_owned())
}

/// Whether the media type is this one, whatever its parameters and its case (RFC 9110 §8.3.1).
fn is(headers: &HeaderMap, expected: &str) -> bool {
    let declared = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let essence = declared.and_then(|bytes| bytes.split(|byte| *byte == b';').next());
    essence.is_some_and(|essence| {
        essence
            .trim_ascii()
            .eq_ignore_ascii_case(expected.as_bytes())
    })
}

fn unexpected(what: String) -> Failed {
    StreamableHttpError::UnexpectedServerResponse(what.into())
}

fn unexpected_type(headers: &HeaderMap) -> Failed {
    let declared = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let shown = declared.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    StreamableHttpError::UnexpectedContentType(shown)
}

/// A body of at most so many bytes, all of it.
async fn whole_body(mut response: Response, max_size: usize) -> Result<Vec<u8>, Failed> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::from)? {
        if chunk.len() > max_size - body.len() {
            return Err(StreamableHttpError::ResponseBodyTooLarge { max_size });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The first bytes of a body, for a human.
async fn begin_of_body(mut response: Response, max_size: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < max_size
        && let Ok(Some(chunk)) = response.chunk().await
    {
        let room = max_size - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    body
}
