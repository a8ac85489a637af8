//! What a client is told when its upstream fails: that it failed, and nothing of the inside. The
//! operator's log has the reason.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use propusk::{LogLimit, Reason, Refusal, ScopeSet, Told, audit::Cause};
use serde_json::{Value, json};

use super::body::UpstreamBody;
use crate::credentials::{CredentialsError, CredentialsErrorKind};

/// JSON-RPC 2.0 §5.1, internal error.
const INTERNAL_ERROR: i32 = -32603;

/// JSON-RPC 2.0 §5.1, invalid request.
const INVALID_REQUEST: i32 = -32600;

/// JSON-RPC 2.0 §5.1, invalid params.
const INVALID_PARAMS: i32 = -32602;

/// MCP 2026-07-28, error codes: a header and the body do not agree.
const HEADER_MISMATCH: i32 = -32020;

/// Why a request has no answer from its upstream. The texts are for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no connection: {0}")]
    Unreachable(String),
    #[error("{0} took too long")]
    Late(&'static str),
    #[error("the exchange broke: {0}")]
    Broken(String),
    #[error("it refused the gate with HTTP {0}; check the credentials that it is given")]
    Refused(u16),
    #[error("it redirects with HTTP {0}, which is not followed; check its URL")]
    Redirects(u16),
    #[error("{0}")]
    Unusable(&'static str),
    #[error("no credentials for it: {0}")]
    Credentials(#[from] CredentialsError),
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::Late(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Credentials(error) if error.kind() == CredentialsErrorKind::Unavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::BAD_GATEWAY,
        }
    }

    /// For the client.
    fn sentence(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "The server behind this gate cannot be reached now.",
            Self::Late(_) => "The server behind this gate did not answer in time.",
            Self::Broken(_) => "The server behind this gate broke off its answer.",
            Self::Refused(_) | Self::Redirects(_) | Self::Unusable(_) => {
                "The server behind this gate gave an answer that cannot be passed on."
            }
            Self::Credentials(_) => "This gate has no credentials for the server behind it now.",
        }
    }

    /// One kind, for the limit of the log.
    fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Late(_) => "late",
            Self::Broken(_) => "broken",
            Self::Refused(_) => "refused",
            Self::Redirects(_) => "redirects",
            Self::Unusable(_) => "unusable",
            Self::Credentials(_) => "credentials",
        }
    }

    /// A JSON-RPC error for the request, where its id is known: that is what clients show.
    pub(super) fn render(&self, id: Option<&Value>) -> Response<UpstreamBody> {
        let mut response = answer(self.status(), INTERNAL_ERROR, self.sentence(), id);
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }

    /// The same as the last event of a stream that has begun.
    pub(super) fn event(&self, id: &Value) -> Bytes {
        let error = error(INTERNAL_ERROR, self.sentence(), id);
        format!("event: message\ndata: {error}\n\n").into()
    }

    pub(super) fn log(&self, upstream: &str, limit: &LogLimit) {
        let told = limit.tell((upstream, self.kind()), 1, SystemTime::now());
        if let Some(Told { more_like_this, .. }) = told {
            tracing::warn!(upstream, more_like_this, "an upstream failed: {self}");
        }
    }
}

fn error(code: i32, message: &str, id: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

/// A request that no upstream is to see.
pub(super) fn turned_away(
    status: StatusCode,
    message: &str,
    id: Option<&Value>,
) -> Response<UpstreamBody> {
    answer(status, INVALID_REQUEST, message, id)
}

/// A request whose headers say something else than its body.
pub(super) fn mismatch(message: &str, id: Option<&Value>) -> Response<UpstreamBody> {
    let status = StatusCode::BAD_REQUEST;
    unread(answer(status, HEADER_MISMATCH, message, id))
}

/// The same, for the audit log a message that was not understood.
pub(super) fn unread(mut response: Response<UpstreamBody>) -> Response<UpstreamBody> {
    response.extensions_mut().insert(Cause::unclear_message());
    response
}

/// A request with something that this caller was never given. For the audit log it is hidden from it.
pub(super) fn unknown(message: &str, id: Option<&Value>) -> Response<UpstreamBody> {
    let status = match id {
        Some(_) => StatusCode::OK,
        None => StatusCode::BAD_REQUEST,
    };
    let mut response = answer(status, INVALID_PARAMS, message, id);
    let hidden = Refusal::new(Reason::Hidden, ScopeSet::default());
    response.extensions_mut().insert(Cause::from(hidden));
    response
}

/// Without an id a plain sentence: some clients wait for ever for the answer to `null`.
fn answer(
    status: StatusCode,
    code: i32,
    message: &str,
    id: Option<&Value>,
) -> Response<UpstreamBody> {
    let (content_type, text) = match id {
        Some(id) => ("application/json", error(code, message, id).to_string()),
        None => ("text/plain; charset=utf-8", format!("{message}\n")),
    };
    let mut response = Response::new(UpstreamBody::whole(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
