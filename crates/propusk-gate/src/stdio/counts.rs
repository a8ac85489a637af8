//! How many children run, and how many have run.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use propusk::metrics::{Counter, Metrics};

/// The numbers of one upstream; copies are handles of the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    running: Arc<AtomicU64>,
    started: Counter,
    crashed: Counter,
}

/// One child that runs.
pub(super) struct Running(Arc<AtomicU64>);

impl Counts {
    pub(super) fn start(&self) -> Running {
        self.started.increment();
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(&self.running))
    }

    /// A child has ended that nobody had asked to, or could not be started.
    pub(super) fn crash(&self) {
        self.crashed.increment();
    }

    pub(super) fn show(&self, metrics: &Metrics, upstream: &str) {
        let labels = [("upstream", upstream)];
        let running = Arc::clone(&self.running);
        metrics.gauge_from(
            "propusk_children_running",
            "Processes of an upstream that run.",
            &labels,
            move || running.load(Ordering::Relaxed),
        );
        metrics.register(
            "propusk_children_started_total",
            "Processes of an upstream that were started.",
            &labels,
            &self.started,
        );
        metrics.register(
            "propusk_children_crashed_total",
            "Processes of an upstream that ended by themselves, or did not start.",
            &labels,
            &self.crashed,
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
