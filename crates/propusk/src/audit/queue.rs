//! Between the requests and the writer: lines in memory, never more than so many bytes.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What waits to be written; some ten thousand events. The writer holds as much again.
const CAPACITY: usize = 4 * 1024 * 1024;

/// The same warning is not given twice within this time.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// How long the writer waits before it tries again.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Wakes the writer.
    work: Condvar,
    /// Wakes who waits for the writer's end.
    end: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    /// Lost, and not yet told in the file.
    lost: u64,
    lost_in_all: u64,
    reopen: bool,
    closing: bool,
    ended: bool,
    warned: Option<Instant>,
}

/// What the writer does next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) lines: Vec<u8>,
    pub(super) lost: u64,
    pub(super) reopen: bool,
    pub(super) closing: bool,
}

impl Queue {
    /// Takes a line, or counts it as lost. Nobody who holds the lock writes to anything.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        let fits = state.lines.len() + line.len() <= CAPACITY;
        // Once one is lost, so are the next, and the place of the gap can be told.
        if fits && state.lost == 0 && !state.closing {
            state.lines.extend_from_slice(line);
            drop(state);
            self.work.notify_one();
        } else {
            self.lose(state, 1);
        }
    }

    /// Counts events that will not be in the file.
    pub(super) fn lost(&self, count: u64) {
        self.lose(self.lock(), count);
    }

    fn lose(&self, mut state: MutexGuard<'_, State>, count: u64) {
        state.lost += count;
        state.lost_in_all += count;
        let lost = state.lost_in_all;
        let warn = state.may_warn();
        drop(state);
        self.work.notify_one();
        if warn {
            tracing::warn!(
                lost,
                "audit events are lost: the audit log is not written fast enough, or not at all"
            );
        }
    }

    /// How many events have been lost since the start.
    pub(super) fn lost_in_all(&self) -> u64 {
        self.lock().lost_in_all
    }

    /// Whether a warning that may come often is due.
    pub(super) fn may_warn(&self) -> bool {
        self.lock().may_warn()
    }

    #[cfg(test)]
    pub(super) fn has_warned(&self) -> bool {
        self.lock().warned.is_some()
    }

    pub(super) fn reopen(&self) {
        self.lock().reopen = true;
        self.work.notify_one();
    }

    /// Asks the writer to end, and waits for it for a while. Whether it has ended.
    pub(super) fn close(&self, patience: Duration) -> bool {
        let mut state = self.lock();
        state.closing = true;
        self.work.notify_one();
        let (state, _) = self
            .end
            .wait_timeout_while(state, patience, |state| !state.ended)
            .unwrap_or_else(PoisonError::into_inner);
        state.ended
    }

    /// The writer has ended.
    pub(super) fn ended(&self) {
        let mut state = self.lock();
        state.closing = true;
        state.ended = true;
        self.end.notify_all();
    }

    /// Waits until there is something to do.
    pub(super) fn next(&self) -> Turn {
        let idle = |state: &mut State| {
            state.lines.is_empty() && state.lost == 0 && !state.reopen && !state.closing
        };
        let state = self.work.wait_while(self.lock(), idle);
        state.unwrap_or_else(PoisonError::into_inner).turn()
    }

    /// Waits for a while, for a writer that could not write: what comes in meanwhile stays here.
    pub(super) fn pause(&self) -> Turn {
        let (mut state, _) = self
            .work
            .wait_timeout_while(self.lock(), RETRY, |state| !state.reopen && !state.closing)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closing {
            return state.turn();
        }
        Turn {
            reopen: std::mem::take(&mut state.reopen),
            ..Turn::default()
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole when the lock is given back.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn turn(&mut self) -> Turn {
        Turn {
            lines: std::mem::take(&mut self.lines),
            lost: std::mem::take(&mut self.lost),
            reopen: std::mem::take(&mut self.reopen),
            closing: self.closing,
        }
    }

    fn may_warn(&mut self) -> bool {
        let due = self.warned.is_none_or(|when| when.elapsed() >= WARN_EVERY);
        if due {
            self.warned = Some(Instant::now());
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_what_does_not_fit_is_counted() {
        let queue = Queue::default();
        let line = [b'x'; 1024];
        for _ in 0..CAPACITY / 1024 + 5 {
            queue.push(&line);
        }
        // Shorter ones would fit again, but not where they belong.
        queue.push(b"");
        let turn = queue.next();
        assert_eq!((turn.lines.len(), turn.lost), (CAPACITY, 6));
        queue.push(b"y");
        let expected = Turn {
            lines: b"y".to_vec(),
            ..Turn::default()
        };
        assert_eq!(queue.next(), expected);
        assert_eq!(queue.lost_in_all(), 6);
    }

    #[test]
    fn a_warning_is_not_repeated_at_once() {
        let queue = Queue::default();
        assert!(queue.may_warn());
        assert!(!queue.may_warn());
    }

    #[test]
    fn what_comes_after_the_end_is_lost() {
        let queue = Queue::default();
        queue.ended();
        assert!(queue.close(Duration::ZERO));
        queue.push(b"x");
        assert_eq!(queue.lost_in_all(), 1);
    }
}
