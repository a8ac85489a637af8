//! What the operator is told of failures: clearly, and not with every request.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use super::Failure;

/// The same complaint is repeated after this time.
const INTERVAL: Duration = Duration::from_secs(60);

/// Logs the first failure of a kind, then one a minute, then the recovery.
#[derive(Default)]
pub(super) struct Complaints(Mutex<Option<(String, SystemTime)>>);

impl Complaints {
    pub(super) fn failed(&self, host: &str, failure: &Failure, now: SystemTime) {
        if failure.is_echo() {
            return;
        }
        let text = failure.to_string();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = last.as_ref().is_none_or(|(known, at)| {
            let since = now.duration_since(*at);
            *known != text || since.map_or(true, |since| since >= INTERVAL)
        });
        if is_news {
            tracing::warn!(host, cause = %text, "tokens cannot be introspected now");
            *last = Some((text, now));
        }
    }

    pub(super) fn succeeded(&self, host: &str) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.take().is_some() {
            tracing::info!(host, "tokens are introspected again");
        }
    }
}
