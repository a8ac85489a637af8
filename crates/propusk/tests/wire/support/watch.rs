//! A sink that keeps what it is told.

use std::sync::{Arc, Mutex};

use propusk::{
    Principal, ScopeSet,
    audit::{AuditEvent, AuditSink, ClientCertificate, Decision},
};

/// Keeps every event.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<Vec<Seen>>>);

/// What a test compares of an event.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) allowed: bool,
    pub(crate) reason: &'static str,
    pub(crate) principal: Option<Principal>,
    pub(crate) missing: Option<ScopeSet>,
    pub(crate) request_id: String,
    pub(crate) operation: String,
    pub(crate) http_method: Option<String>,
    /// Whether the peer was known to be of this machine.
    pub(crate) remote: Option<bool>,
    /// Where it came from, to the letter.
    pub(crate) from: Option<std::net::SocketAddr>,
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) verified: Option<&'static str>,
    /// All that can be seen of it.
    pub(crate) debug: String,
}

impl Watch {
    /// Everything since the last time.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The reasons since the last time, which stay.
    pub(crate) fn peek(&self) -> Vec<&'static str> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|seen| seen.reason)
            .collect()
    }

    /// The only event since the last time.
    #[track_caller]
    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.take();
        assert_eq!(seen.len(), 1, "{seen:#?}");
        seen.remove(0)
    }
}

impl Seen {
    pub(crate) fn subject(&self) -> &str {
        self.principal.as_ref().map_or("", Principal::subject)
    }
}

impl AuditSink for Watch {
    fn record(&self, event: &AuditEvent<'_>) {
        self.0.lock().unwrap().push(Seen {
            allowed: event.decision() == Decision::Allowed,
            reason: event.reason(),
            principal: event.principal().cloned(),
            missing: event.missing_scopes(),
            request_id: event.request_id().to_string(),
            operation: event.operation().to_string(),
            http_method: event.http_method().map(ToString::to_string),
            remote: event.remote().map(|remote| remote.ip().is_loopback()),
            from: event.remote(),
            certificate: event.certificate().cloned(),
            verified: event.verification().map(|asked| asked.verified.as_str()),
            debug: format!("{event:?} {}", event.operation()),
        });
    }
}
