//! What the operator sees: one event for every decision, for the log, a file, a metric or a sink of
//! the user's own.

mod cause;
mod event;
mod finished;
mod line;
mod log;
mod queue;
mod request_id;
mod span;
mod time;
mod trace;
mod writer;

use std::{net::SocketAddr, sync::Arc};

use http::Extensions;

pub use cause::Cause;
pub(crate) use event::Facts;
pub use event::{AuditEvent, Decision, Verification, Verified};
pub use finished::{Ending, Finished};
pub use log::AuditLog;
pub use request_id::RequestId;
pub use span::Span;
pub(crate) use trace::{is_traced, trace};

/// Takes every decision of an [`AuthLayer`](crate::AuthLayer) or a [`Server`](crate::Server).
///
/// A sink is called on the way of a request: it must not block and must not panic. [`AuditLog`]
/// writes JSON lines to a file; [`Metrics`](crate::metrics::Metrics) counts.
///
/// ```
/// use propusk::audit::{AuditEvent, AuditSink};
///
/// struct Stderr;
///
/// impl AuditSink for Stderr {
///     fn record(&self, event: &AuditEvent<'_>) {
///         eprintln!("{} {}", event.request_id(), event.reason());
///     }
/// }
/// ```
pub trait AuditSink: Send + Sync + 'static {
    /// Takes one event. It holds no token, only the public identifier of one.
    fn record(&self, event: &AuditEvent<'_>);

    /// Whether it looks at [`AuditEvent::operation`]. Then the body of every message is read to know
    /// it, also where no decision depends on it.
    fn wants_operations(&self) -> bool {
        true
    }

    /// Takes the end of a request, if it [wants ends](AuditSink::wants_ends).
    fn finished(&self, _end: &Finished<'_>) {}

    /// Whether it is told how requests end. Where no sink wants to be, nothing is measured. It is
    /// asked once, when the sink is added.
    fn wants_ends(&self) -> bool {
        false
    }

    /// Whether each request gets a [`Span`] of its own, which goes on to what is behind the layer as
    /// the parent in `traceparent` (W3C Trace Context). Only for a sink that wants ends; asked once.
    fn wants_spans(&self) -> bool {
        false
    }
}

impl<S: AuditSink> AuditSink for Arc<S> {
    fn record(&self, event: &AuditEvent<'_>) {
        S::record(self, event);
    }

    fn wants_operations(&self) -> bool {
        S::wants_operations(self)
    }

    fn finished(&self, end: &Finished<'_>) {
        S::finished(self, end);
    }

    fn wants_ends(&self) -> bool {
        S::wants_ends(self)
    }

    fn wants_spans(&self) -> bool {
        S::wants_spans(self)
    }
}

/// Where a request came from, in its extensions.
///
/// [`Server`](crate::Server) puts the peer of the connection there; a [`Site`](crate::server::Site)
/// that trusts proxies puts there for whom they ask, with port 0 where they do not say. Whoever mounts
/// an [`AuthLayer`](crate::AuthLayer) elsewhere inserts it where the connection is known; without it
/// the events have no address. Behind a proxy that is not trusted it is the proxy's: `X-Forwarded-For`
/// is what a client likes to write, and is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteAddress(pub SocketAddr);

impl RemoteAddress {
    /// The address of whoever sent a request, as far as its extensions tell. Events, limits and rules
    /// all ask here.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<SocketAddr> {
        extensions.get::<Self>().map(|remote| remote.0)
    }
}

/// The certificate that a client has shown in the handshake of TLS, in the extensions of its requests
/// (as an `Arc`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// Its subject, such as `O=Example,CN=agent`; empty where it is not understood.
    pub subject: String,
    /// Its SHA-256 digest in hexadecimal digits.
    pub sha256: String,
}
