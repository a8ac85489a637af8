//! What is said where the upstream cannot answer.

use std::time::Duration;

use rmcp::model::{ErrorCode, ErrorData};
use serde_json::{Value, json};

/// Why an upstream has failed, for programs: `reason` in the data of an error.
const FAILURES: [&str; 8] = [
    "answer_not_valid",
    "answer_too_long",
    "shutdown",
    "time_limit",
    "upstream_busy",
    "upstream_ended",
    "upstream_hangs",
    "upstream_unavailable",
];

/// The child ended in the middle of a request.
pub(super) fn ended() -> ErrorData {
    let says = "The server behind this gate ended while it worked on this request. \
                How much of it was done is not known. It is started again.";
    ErrorData::internal_error(says, Some(json!({ "reason": "upstream_ended" })))
}

/// The child does not read what it is sent, and is ended for that.
pub(super) fn unread(limit: Duration) -> ErrorData {
    let says = format!(
        "The server behind this gate did not read its input for {} s, and is started again. \
         How much of this request was done is not known.",
        limit.as_secs_f32()
    );
    ErrorData::internal_error(says, Some(json!({ "reason": "upstream_hangs" })))
}

/// There is no child now, and there will be one again.
pub(super) fn unavailable(why: &str, retry: Duration) -> ErrorData {
    let seconds = retry.as_secs().max(1);
    let says =
        format!("The server behind this gate is not available: {why}. Try again in {seconds} s.");
    let data = json!({ "reason": "upstream_unavailable", "retryAfter": seconds });
    ErrorData::internal_error(says, Some(data))
}

/// No further child may be started.
pub(super) fn full(retry: Duration) -> ErrorData {
    let seconds = retry.as_secs().max(1);
    let says = format!(
        "As many servers as may run behind this gate are in use by others. Try again in {seconds} s."
    );
    let data = json!({ "reason": "upstream_busy", "retryAfter": seconds });
    ErrorData::internal_error(says, Some(data))
}

/// The gate is being shut down.
pub(super) fn closed() -> ErrorData {
    let says = "This gate is being shut down.";
    ErrorData::internal_error(says, Some(json!({ "reason": "shutdown" })))
}

/// A rule allows a request only so much time.
pub(super) fn too_slow(limit: Duration) -> ErrorData {
    let says = format!(
        "The server behind this gate did not answer within {} s, which is as long as this request may take.",
        limit.as_secs_f32()
    );
    ErrorData::internal_error(says, Some(json!({ "reason": "time_limit" })))
}

/// The answer is longer than a line may be.
pub(super) fn too_long(limit: usize) -> ErrorData {
    let says = format!("The answer of the server behind this gate is longer than {limit} bytes.");
    ErrorData::internal_error(says, Some(json!({ "reason": "answer_too_long" })))
}

/// The answer is not what the method is answered with.
pub(super) fn not_understood(method: &str) -> ErrorData {
    let says = format!("The server behind this gate gave no valid answer to {method}.");
    ErrorData::internal_error(says, Some(json!({ "reason": "answer_not_valid" })))
}

/// A line that answers a request, as far as can be seen, and is no JSON-RPC.
pub(super) fn unreadable() -> ErrorData {
    let says = "The answer of the server behind this gate cannot be read: it is no valid JSON-RPC.";
    ErrorData::internal_error(says, Some(json!({ "reason": "answer_not_valid" })))
}

/// The client has taken its request back.
pub(super) fn cancelled() -> ErrorData {
    ErrorData::internal_error("The request was cancelled.", None)
}

/// Whether an error says that the upstream has failed. A child could say the same words; it would be
/// counting its own failures.
pub(super) fn is_failure(error: &ErrorData) -> bool {
    let reason = error.data.as_ref().and_then(|data| data.get("reason"));
    let reason = reason.and_then(Value::as_str);
    error.code == ErrorCode::INTERNAL_ERROR && reason.is_some_and(|own| FAILURES.contains(&own))
}

/// Said to a child: its question finds nobody.
pub(super) fn nobody_to_ask(why: &'static str) -> ErrorData {
    ErrorData::new(ErrorCode::INVALID_REQUEST, why, None)
}

/// Said to a child: the client of this request cannot do that.
pub(super) fn client_cannot(what: &str) -> ErrorData {
    let says = format!("The client that made this request does not support {what}.");
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, says, None)
}
