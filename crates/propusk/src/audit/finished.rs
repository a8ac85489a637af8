//! The end of a request, as it is told.

use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};

use super::{Cause, Decision, Facts, RequestId, Span};
use crate::{AccessToken, Operation, Principal};

/// What became of one request: told once its answer has been taken, or is given up.
///
/// The decision was told before (see [`AuditEvent`](super::AuditEvent)), since what a handler does
/// must never be without a trace; this has the same request id.
#[derive(Debug, Clone)]
pub struct Finished<'a> {
    pub(crate) facts: &'a Facts,
    /// `None`: allowed.
    pub(crate) cause: Option<&'a Cause>,
    pub(crate) upstream: Option<&'a str>,
    pub(crate) began: SystemTime,
    pub(crate) duration: Duration,
    pub(crate) status: Option<StatusCode>,
    pub(crate) bytes: u64,
    pub(crate) ending: Ending,
    pub(crate) span: Option<Span>,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was sent to its end.
    Complete,
    /// What gave it broke off, or has failed inside of it ([`Course`](crate::layer::Course)).
    Broken,
    /// Its client went away before.
    Abandoned,
}

impl Ending {
    /// `complete`, `broken` or `abandoned`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Broken => "broken",
            Self::Abandoned => "abandoned",
        }
    }
}

impl<'a> Finished<'a> {
    /// How the request was decided upon before its handler was asked, or by its handler before the
    /// answer began.
    #[must_use]
    pub fn decision(&self) -> Decision {
        match self.cause {
            None => Decision::Allowed,
            Some(_) => Decision::Refused,
        }
    }

    /// Why it was refused.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.cause
    }

    /// The name of the upstream, where one stands behind the layer
    /// ([`AuthLayer::upstream`](crate::AuthLayer::upstream)).
    #[must_use]
    pub fn upstream(&self) -> Option<&'a str> {
        self.upstream
    }

    /// When the request came.
    #[must_use]
    pub fn began(&self) -> SystemTime {
        self.began
    }

    /// From the request's head to the last byte of its answer; of a stream it is the time that the
    /// stream was open.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// The status of the answer; `None` where the client went away before there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// How many bytes of the answer's body were taken.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How the answer ended.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// The request's own span, where a sink wants spans.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// What was asked, as far as it is known. It is the client's text.
    #[must_use]
    pub fn operation(&self) -> &'a Operation {
        &self.facts.operation
    }

    /// The method of the HTTP request.
    #[must_use]
    pub fn http_method(&self) -> Option<&'a Method> {
        self.facts.http_method.as_ref()
    }

    /// For whom the token speaks.
    #[must_use]
    pub fn principal(&self) -> Option<&'a Principal> {
        self.facts.token.as_ref().map(AccessToken::principal)
    }

    /// The id of the HTTP request; the same in all events of one request.
    #[must_use]
    pub fn request_id(&self) -> &'a RequestId {
        &self.facts.request_id
    }

    /// The id of the JSON-RPC request as its JSON, if the body was read.
    #[must_use]
    pub fn rpc_id(&self) -> Option<&'a str> {
        self.facts.rpc_id.as_deref()
    }
}
