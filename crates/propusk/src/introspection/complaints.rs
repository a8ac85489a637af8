//! What the operator is told of failures: clearly, and not with every request.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::SystemTime,
};

use super::Failure;
use crate::log_limit::{LogLimit, Told};

/// Logs the first failure of a kind, then one a minute, and the recovery from what was logged.
#[derive(Default)]
pub(super) struct Complaints {
    limit: LogLimit,
    /// Whether a failure was logged since the last recovery.
    has_complained: AtomicBool,
}

impl Complaints {
    pub(super) fn failed(&self, host: &str, failure: &Failure, now: SystemTime) {
        if failure.is_echo() {
            return;
        }
        let cause = failure.to_string();
        if let Some(Told { more_like_this }) = self.limit.tell(&cause, 1, now) {
            tracing::warn!(
                host,
                cause,
                more_like_this,
                "tokens cannot be introspected now"
            );
            self.has_complained.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn succeeded(&self, host: &str) {
        // Looked at first, so that nobody writes where nothing was wrong.
        if self.has_complained.load(Ordering::Relaxed)
            && self.has_complained.swap(false, Ordering::Relaxed)
        {
            tracing::info!(host, "tokens are introspected again");
        }
    }
}
