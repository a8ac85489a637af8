//! Noticing what other processes have withdrawn.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use crate::{StoreError, backend::Backend, cache::Cache};

/// Looks, when asked and when the last look is too old, whether the database's revision has
/// changed, and empties the cache if so.
///
/// It goes by the monotonic clock of the machine, not by the injected one: it is about how old an
/// answer is, not about what time it is.
pub(crate) struct ChangeCheck {
    origin: Instant,
    /// For how long the cache is trusted without looking.
    trusted_for: Duration,
    /// When the last look that succeeded *began*, in microseconds after `origin`; 0: never.
    looked_at: AtomicU64,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    revision: Option<i64>,
    failure: Option<(Instant, Arc<StoreError>)>,
}

impl ChangeCheck {
    pub(crate) fn new(trusted_for: Duration) -> Self {
        Self {
            origin: Instant::now(),
            trusted_for,
            looked_at: AtomicU64::new(0),
            last: Mutex::default(),
        }
    }

    /// Makes sure that the cache holds nothing that was withdrawn more than a moment ago.
    ///
    /// One caller looks while the others wait for the same answer, also where it is an error.
    pub(crate) async fn ensure(
        &self,
        backend: &dyn Backend,
        cache: &Cache,
    ) -> Result<(), Arc<StoreError>> {
        if self.is_recent() {
            return Ok(());
        }
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        if self.is_recent() {
            return Ok(());
        }
        if let Some((at, failure)) = &last.failure
            && *at >= asked
        {
            return Err(Arc::clone(failure));
        }
        let began = self.micros();
        match backend.revision().await {
            Ok(revision) => {
                if last.revision.replace(revision) != Some(revision) {
                    cache.invalidate();
                }
                self.looked_at.store(began, Ordering::Release);
                Ok(())
            }
            Err(error) => {
                let error = Arc::new(error);
                last.failure = Some((Instant::now(), Arc::clone(&error)));
                Err(error)
            }
        }
    }

    /// Makes the next call look.
    pub(crate) fn forget(&self) {
        self.looked_at.store(0, Ordering::Release);
    }

    fn is_recent(&self) -> bool {
        let looked_at = self.looked_at.load(Ordering::Acquire);
        looked_at != 0 && self.micros() - looked_at < self.trusted_for.as_micros() as u64
    }

    fn micros(&self) -> u64 {
        1 + self.origin.elapsed().as_micros() as u64
    }
}
