//! Protection of both sides in an outage: calls at the same time are bounded, and after failures
//! in a row the other side is left alone for a moment.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::Failure;

/// So many calls at the same time.
const MOST_CALLS: usize = 64;
/// So many failures in a row are an outage.
const FAILURES: u32 = 3;
/// For so long nobody asks after a failure in an outage; then one does.
pub(super) const REST: Duration = Duration::from_secs(1);

/// Lets calls through: all of them as long as they succeed, one at a time with rests in between
/// while they fail.
pub(super) struct Circuit {
    calls: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    failed_at: Option<SystemTime>,
    is_probing: bool,
}

/// A call that was let through. Dropped without a result it counts as nothing.
pub(super) struct Call<'a> {
    circuit: &'a Circuit,
    is_probe: bool,
    _permit: SemaphorePermit<'a>,
}

impl Circuit {
    pub(super) fn new() -> Self {
        Self {
            calls: Semaphore::new(MOST_CALLS),
            state: Mutex::default(),
        }
    }

    /// Waits for its turn. Whoever waited in vain is told so at once when the outage is noticed.
    pub(super) async fn enter(
        &self,
        now: impl Fn() -> SystemTime,
        patience: Duration,
    ) -> Result<Call<'_>, Failure> {
        // Before and after the wait: who comes now need not wait, and who waited is told too.
        self.lock().check(now())?;
        let turn = tokio::time::timeout(patience, self.calls.acquire()).await;
        let Ok(Ok(permit)) = turn else {
            return Err(Failure::Busy);
        };
        let mut state = self.lock();
        state.check(now())?;
        let is_probe = state.is_outage();
        state.is_probing |= is_probe;
        Ok(Call {
            circuit: self,
            is_probe,
            _permit: permit,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check(&self, now: SystemTime) -> Result<(), Failure> {
        if self.is_outage() && (self.is_probing || self.rests_at(now)) {
            return Err(Failure::FailedBefore);
        }
        Ok(())
    }

    fn is_outage(&self) -> bool {
        self.failures >= FAILURES
    }

    fn rests_at(&self, now: SystemTime) -> bool {
        // A clock that was set back does not prolong the rest.
        let since = self.failed_at.and_then(|at| now.duration_since(at).ok());
        since.is_some_and(|since| since < REST)
    }
}

impl Call<'_> {
    pub(super) fn succeeded(self) {
        self.circuit.lock().failures = 0;
    }

    pub(super) fn failed(self, now: SystemTime) {
        let mut state = self.circuit.lock();
        state.failures = state.failures.saturating_add(1);
        state.failed_at = Some(now);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.circuit.lock().is_probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    async fn enter(circuit: &Circuit, at: f64) -> Result<Call<'_>, Failure> {
        let now = move || UNIX_EPOCH + Duration::from_secs_f64(at);
        circuit.enter(now, Duration::ZERO).await
    }

    fn at(seconds: f64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(seconds)
    }

    #[tokio::test]
    async fn after_three_failures_one_at_a_time_asks() {
        let circuit = Circuit::new();
        for _ in 0..2 {
            enter(&circuit, 10.0)
                .await
                .expect("closed")
                .failed(at(10.0));
        }
        enter(&circuit, 10.0).await.expect("closed").succeeded();
        for _ in 0..3 {
            enter(&circuit, 10.0)
                .await
                .expect("closed")
                .failed(at(10.0));
        }
        assert!(enter(&circuit, 10.9).await.is_err(), "it rests");
        let probe = enter(&circuit, 11.0).await.expect("one asks");
        assert!(enter(&circuit, 11.0).await.is_err(), "and one only");
        drop(probe);
        let probe = enter(&circuit, 11.0).await.expect("the other was dropped");
        probe.failed(at(11.0));
        assert!(enter(&circuit, 11.9).await.is_err(), "it rests again");
        assert!(enter(&circuit, 5.0).await.is_ok(), "the clock was set back");
        enter(&circuit, 12.0).await.expect("one asks").succeeded();
        let first = enter(&circuit, 12.0).await;
        assert!(first.is_ok() && enter(&circuit, 12.0).await.is_ok());
    }

    #[tokio::test]
    async fn calls_at_the_same_time_are_bounded() {
        let circuit = Circuit::new();
        let mut calls = Vec::new();
        for _ in 0..MOST_CALLS {
            calls.push(enter(&circuit, 0.0).await.expect("a turn"));
        }
        assert!(matches!(enter(&circuit, 0.0).await, Err(Failure::Busy)));
        calls.pop();
        assert!(enter(&circuit, 0.0).await.is_ok());
    }
}
