//! A refusal that is found behind the layer: by the handler's guard, or in a tool's own body.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::{gate::Gate, trail::Trail};
use crate::Refusal;

/// A place in a request's extensions for a refusal. As long as the answer has not begun, the layer
/// sends it instead: with its status and challenge, as if it had been found in front. Once it has
/// begun, the refusal is told to whoever watches decisions, and its caller gets a JSON-RPC error.
#[derive(Clone)]
pub(crate) struct LateRefusal(Arc<Mutex<State>>);

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
    /// For an answer that has not begun.
    pub(super) fn awaited() -> Self {
        Self(Arc::new(Mutex::new(State::Waiting)))
    }

    /// For one that has.
    pub(super) fn told_to(report: Box<Report>) -> Self {
        Self(Arc::new(Mutex::new(State::Begun(report))))
    }

    /// Leaves a refusal for the layer, or tells of it.
    #[cfg_attr(not(feature = "server"), allow(dead_code, reason = "the guard does"))]
    pub(crate) fn set(&self, refusal: Refusal) {
        let report = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
}

impl fmt::Debug for LateRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LateRefusal").finish_non_exhaustive()
    }
}
