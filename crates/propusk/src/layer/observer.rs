//! Who is told of decisions.

use std::sync::{PoisonError, RwLock};

use super::trail::Trail;
use crate::{
    Clock,
    audit::{self, AuditEvent, AuditSink, Cause},
};

/// The sinks, and the log.
#[derive(Default)]
pub(super) struct Observer {
    /// Written to while a server is set up, read by every request.
    sinks: RwLock<Vec<Box<dyn AuditSink>>>,
}

impl Observer {
    pub(super) fn add(&self, sink: Box<dyn AuditSink>) {
        let mut sinks = self.sinks.write().unwrap_or_else(PoisonError::into_inner);
        sinks.push(sink);
    }

    /// Tells of a decision. Where nobody listens it costs two looks and nothing else.
    pub(super) fn record(&self, trail: &mut Trail, cause: Option<&Cause>, clock: &dyn Clock) {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        let traced = cause.is_some() || audit::is_traced();
        if traced || !sinks.is_empty() {
            let event = AuditEvent {
                time: clock.now(),
                facts: trail.facts(),
                cause,
            };
            if traced {
                audit::trace(&event);
            }
            for sink in &*sinks {
                sink.record(&event);
            }
        }
        drop(sinks);
        trail.told();
    }
}
