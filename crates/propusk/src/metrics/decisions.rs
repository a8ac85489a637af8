//! Decisions and verifications, counted.

use std::sync::Arc;

use super::{Counter, Metrics, histogram::Histogram};
use crate::audit::{AuditEvent, AuditSink, Cause, Decision, Verified};

/// The sink that counts into [`Metrics`].
pub(crate) struct Decisions {
    by_reason: Vec<(&'static str, Counter)>,
    /// For a word that somebody forgot to put on the list: counted wrong is better than not at all.
    other: Counter,
    /// In the order of [`Verified::ALL`].
    verifications: [Arc<Histogram>; 3],
}

impl Decisions {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let counter = |reason| {
            let decision = match reason {
                Cause::AUTHORIZED | Cause::ANONYMOUS => Decision::Allowed,
                _ => Decision::Refused,
            };
            let labels = [("decision", decision.as_str()), ("reason", reason)];
            metrics.counter(
                "propusk_decisions_total",
                "Decisions about requests, by their reason.",
                &labels,
            )
        };
        let histogram = |verified: Verified| {
            metrics.histogram(
                "propusk_verifier_duration_seconds",
                "How long the verifier took to tell, by what it said.",
                &[("outcome", verified.as_str())],
            )
        };
        Self {
            by_reason: Cause::WORDS
                .map(|reason| (reason, counter(reason)))
                .to_vec(),
            other: counter("other"),
            verifications: Verified::ALL.map(histogram),
        }
    }
}

impl AuditSink for Decisions {
    fn record(&self, event: &AuditEvent<'_>) {
        let reason = event.reason();
        let known = self.by_reason.iter().find(|(own, _)| *own == reason);
        known
            .map_or(&self.other, |(_, counter)| counter)
            .increment();
        if let Some(asked) = event.verification() {
            self.verifications[asked.verified as usize].observe(asked.latency);
        }
    }

    fn wants_operations(&self) -> bool {
        false
    }
}
