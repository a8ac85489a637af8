//! A refusal that is found behind the layer: by the handler's guard, or in a tool's own body.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{gate::Gate, trail::Trail};
use crate::Refusal;

/// A place in a request's extensions for a refusal. As long as the answer has not begun, the layer
/// sends it instead: with its status and challenge, as if it had been found in front. Once it has
/// begun, the refusal is told to whoever watches decisions, and its caller gets a JSON-RPC error.
#[derive(Clone)]
pub(crate) struct LateRefusal(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// Whether a guard has seen the request.
    guarded: AtomicBool,
}

enum State {
    /// The layer waits for the answer.
    Waiting,
    /// The layer will find this.
    Left(Refusal),
    /// The answer has begun, as it has inside a session before the handler is asked.
    Begun(Box<Report>),
    /// There is one refusal for a request.
    Told,
}

/// What is told of a refusal that the layer can no longer send.
pub(super) struct Report {
    gate: Arc<Gate>,
    trail: Trail,
}

impl Report {
    pub(super) fn new(gate: &Arc<Gate>, trail: &Trail) -> Box<Self> {
        let mut trail = trail.clone();
        trail.told();
        Box::new(Self {
            gate: Arc::clone(gate),
            trail,
        })
    }

    fn tell(mut self, refusal: Refusal) {
        self.gate.record(&mut self.trail, Some(&refusal.into()));
    }
}

impl LateRefusal {
    fn new(state: State) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            guarded: AtomicBool::new(false),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Sinks run outside of this lock.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A guard has seen the request.
    #[cfg(feature = "server")]
    pub(crate) fn meet_guard(&self) {
        self.0.guarded.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_met_guard(&self) -> bool {
        self.0.guarded.load(Ordering::Relaxed)
    }

    /// For an answer that has not begun.
    pub(super) fn awaited() -> Self {
        Self::new(State::Waiting)
    }

    /// For one that has.
    pub(super) fn told_to(report: Box<Report>) -> Self {
        Self::new(State::Begun(report))
    }

    /// Leaves a refusal for the layer, or tells of it.
    pub(crate) fn set(&self, refusal: Refusal) {
        let report = {
            let mut state = self.lock();
            match std::mem::replace(&mut *state, State::Told) {
                State::Waiting | State::Left(_) => {
                    *state = State::Left(refusal);
                    return;
                }
                State::Begun(report) => report,
                State::Told => return,
            }
        };
        // Outside of the lock, since a sink may do anything.
        report.tell(refusal);
    }

    /// The refusal that the layer is to send. Without one the answer begins now.
    pub(super) fn begin(&self, report: impl FnOnce() -> Option<Box<Report>>) -> Option<Refusal> {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Told) {
            State::Left(refusal) => Some(refusal),
            State::Waiting => {
                *state = report().map_or(State::Told, State::Begun);
                None
            }
            begun => {
                *state = begun;
                None
            }
        }
    }

    /// Nobody will send the answer any more, though the handler may still be at work. What it
    /// refuses is told, and so is what it has refused.
    fn give_up(&self, report: impl FnOnce() -> Box<Report>) {
        let refusal = {
            let mut state = self.lock();
            match std::mem::replace(&mut *state, State::Told) {
                State::Left(refusal) => refusal,
                State::Waiting => {
                    *state = State::Begun(report());
                    return;
                }
                other => {
                    *state = other;
                    return;
                }
            }
        };
        report().tell(refusal);
    }
}

/// Waits for the answer to a request. Dropped before that, since its client has hung up, it sees to it
/// that a refusal is told all the same.
pub(super) struct Awaiting<'a> {
    late: Option<LateRefusal>,
    gate: &'a Arc<Gate>,
    trail: &'a Trail,
}

impl<'a> Awaiting<'a> {
    pub(super) fn new(late: LateRefusal, gate: &'a Arc<Gate>, trail: &'a Trail) -> Self {
        let late = Some(late);
        Self { late, gate, trail }
    }

    /// The answer is there.
    pub(super) fn answered(mut self) {
        self.late = None;
    }
}

impl Drop for Awaiting<'_> {
    fn drop(&mut self) {
        // A sink that panics while another panic is on its way would end the process.
        if let Some(late) = self.late.take()
            && !std::thread::panicking()
        {
            late.give_up(|| Report::new(self.gate, self.trail));
        }
    }
}

/// A refusal that is certain before it can be sent. Dropped before that, since its client has hung up,
/// it is told all the same.
pub(super) struct Certain(Option<(Box<Report>, Refusal)>);

impl Certain {
    pub(super) fn new(gate: &Arc<Gate>, trail: &Trail, refusal: &Refusal) -> Self {
        let (gate, trail) = (Arc::clone(gate), trail.clone());
        Self(Some((Box::new(Report { gate, trail }), refusal.clone())))
    }

    /// Somebody else tells of it, with its answer.
    pub(super) fn told_otherwise(mut self) {
        self.0 = None;
    }
}

impl Drop for Certain {
    fn drop(&mut self) {
        // As above.
        if let Some((report, refusal)) = self.0.take()
            && !std::thread::panicking()
        {
            report.tell(refusal);
        }
    }
}

impl fmt::Debug for LateRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LateRefusal").finish_non_exhaustive()
    }
}
