//! Faults in front of the provider.

use std::time::Duration;

use serde_json::{Value, json};

/// What an endpoint does instead of answering as it should.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// This status with a line of plain text.
    Status(u16),
    /// 200 with a page of HTML, as from a captive portal or a proxy.
    Html,
    /// Whatever the test says.
    Answer {
        /// The status code.
        status: u16,
        /// The value of `Content-Type`.
        content_type: &'static str,
        /// The body.
        body: String,
    },
    /// The real JSON answer with these members replaced; `null` removes a member.
    Merge(Value),
    /// The real JSON answer made longer than this many bytes, without `Content-Length`. Who reads
    /// it whole gets a good answer.
    Oversized(usize),
    /// The real answer after this time.
    Delay(Duration),
    /// The provider does what it was asked to, and its real JSON answer comes after this time.
    Withhold(Duration),
    /// Headers and one byte, and then nothing.
    Stall,
    /// The connection is closed without an answer.
    Disconnect,
    /// 307 to this URL.
    Redirect(String),
}

impl Fault {
    /// The fault in the words of `idp.mjs`.
    pub(super) fn order(&self) -> Value {
        match self {
            Self::Status(status) => json!({"kind": "status", "status": status}),
            Self::Html => json!({
                "kind": "answer",
                "type": "text/html",
                "body": "<!doctype html><title>Welcome</title><p>Please accept our terms.",
            }),
            Self::Answer {
                status,
                content_type,
                body,
            } => json!({"kind": "answer", "status": status, "type": content_type, "body": body}),
            Self::Merge(members) => json!({"kind": "merge", "members": members}),
            Self::Oversized(bytes) => json!({"kind": "oversized", "bytes": bytes}),
            Self::Delay(time) => json!({"kind": "delay", "seconds": time.as_secs_f64()}),
            Self::Withhold(time) => {
                json!({"kind": "withhold", "seconds": time.as_secs_f64()})
            }
            Self::Stall => json!({"kind": "stall"}),
            Self::Disconnect => json!({"kind": "disconnect"}),
            Self::Redirect(location) => json!({"kind": "redirect", "location": location}),
        }
    }
}
