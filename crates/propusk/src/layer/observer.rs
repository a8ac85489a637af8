//! Who is told of decisions.

use std::sync::{PoisonError, RwLock};

use super::trail::Trail;
use crate::{
    Clock, ScopeHierarchy,
    audit::{self, AuditEvent, AuditSink, Cause},
    log_limit::LogLimit,
};

/// The sinks, and the log.
#[derive(Default)]
pub(crate) struct Observer {
    /// Written to while a server is set up, read by every request.
    sinks: RwLock<Vec<Box<dyn AuditSink>>>,
    log_limit: LogLimit,
}

impl Observer {
    pub(crate) fn add(&self, sink: Box<dyn AuditSink>) {
        let mut sinks = self.sinks.write().unwrap_or_else(PoisonError::into_inner);
        sinks.push(sink);
    }

    /// Whether anybody but the log listens.
    pub(super) fn listens(&self) -> bool {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        sinks.iter().any(|sink| sink.wants_operations())
    }

    /// Whether there is a sink at all.
    pub(crate) fn is_heard(&self) -> bool {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        !sinks.is_empty()
    }

    /// Tells of a decision. Where nobody listens it costs two looks and nothing else.
    pub(crate) fn record(
        &self,
        trail: &mut Trail,
        cause: Option<&Cause>,
        hierarchy: &ScopeHierarchy,
        clock: &dyn Clock,
    ) {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        let traced = cause.is_some() || audit::is_traced();
        if traced || !sinks.is_empty() {
            let event = AuditEvent {
                time: clock.now(),
                facts: trail.facts(),
                cause,
                hierarchy,
            };
            if traced {
                audit::trace(&event, &self.log_limit);
            }
            for sink in &*sinks {
                sink.record(&event);
            }
        }
        drop(sinks);
        trail.told();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::Request;

    use super::*;
    use crate::{AccessToken, BearerToken, Operation, Refusal, SystemClock, Unavailable};

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl AuditSink for Heard {
        fn record(&self, event: &AuditEvent<'_>) {
            let asked = event.verification().is_some();
            let heard = format!("{} {} {asked}", event.request_id(), event.reason());
            self.0.lock().unwrap().push(heard);
        }
    }

    /// Allowed by the gate, and then refused by the tool itself.
    #[tokio::test]
    async fn two_decisions_about_a_request_share_its_id_and_tell_of_one_verification() {
        let observer = Observer::default();
        let heard = Arc::new(Heard::default());
        observer.add(Box::new(Arc::clone(&heard)));
        let request = Request::builder().header("x-request-id", "r-1").body(());
        let mut trail = Trail::of(&request.expect("a request"), Operation::Request);
        let verifier =
            |_| std::future::ready(Ok::<_, Unavailable>(Some(AccessToken::new("alice"))));
        let text = BearerToken::parse("t").expect("a token");
        let verified = trail.verify(&verifier, &text).await;
        verified.expect("it can tell").expect("valid");
        observer.record(&mut trail, None, &ScopeHierarchy::default(), &SystemClock);
        let cause = Refusal::needs("x").into();
        observer.record(
            &mut trail,
            Some(&cause),
            &ScopeHierarchy::default(),
            &SystemClock,
        );
        assert_eq!(
            *heard.0.lock().unwrap(),
            ["r-1 authorized true", "r-1 insufficient_scope false"]
        );
    }
}
