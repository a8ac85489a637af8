//! One place for a child: it is started when it is needed, started again when it ends, and ended when
//! nobody needs it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rmcp::model::ErrorData;
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    StdioCommand, StdioSettings,
    counts::Counts,
    errors,
    hub::{Hub, Serves},
    keeper::Keeper,
    link::Link,
};

/// A place for a child.
pub(super) struct Slot {
    pub(super) hub: Arc<Hub>,
    pub(super) state: watch::Sender<State>,
    pub(super) wake: Notify,
    /// Ends the child that runs now, when nobody needs it.
    rest: Mutex<CancellationToken>,
    /// Cancelled when the place is given up.
    pub(super) closing: CancellationToken,
    used: Mutex<Instant>,
    patience: Duration,
}

/// How it stands with the child.
#[derive(Clone)]
pub(super) enum State {
    /// Nobody needs one.
    Asleep,
    Starting,
    Live(Arc<Link>),
    /// It has ended, or could not be started; why, and until when it is waited. Where it has not
    /// answered several times in a row, nobody waits for the next time.
    Down {
        why: Arc<str>,
        until: Instant,
        is_hopeless: bool,
    },
    Closed,
}

/// What all places share.
pub(super) struct Shared {
    pub(super) command: StdioCommand,
    pub(super) settings: StdioSettings,
    /// One for each process that may run.
    pub(super) room: Arc<Semaphore>,
    pub(super) closing: CancellationToken,
    pub(super) tasks: TaskTracker,
    pub(super) counts: Counts,
}

impl Slot {
    /// A place, and the task that keeps it.
    pub(super) fn open(serves: Serves, shared: &Arc<Shared>) -> Arc<Self> {
        let slot = Arc::new(Self {
            hub: Hub::new(serves),
            state: watch::Sender::new(State::Asleep),
            wake: Notify::new(),
            rest: Mutex::default(),
            closing: shared.closing.child_token(),
            used: Mutex::new(Instant::now()),
            patience: shared.settings.patience,
        });
        let keeper = Keeper::new(Arc::clone(&slot), Arc::clone(shared));
        shared.tasks.spawn(keeper.run());
        slot
    }

    /// The line to the child. It is started if need be, and waited for.
    ///
    /// # Errors
    /// It did not start in time, or will not for longer than anybody should wait.
    pub(super) async fn link(&self) -> Result<Arc<Link>, ErrorData> {
        self.touch();
        let until = Instant::now() + self.patience;
        let mut state = self.state.subscribe();
        loop {
            let now = state.borrow_and_update().clone();
            match now {
                State::Live(link) if !link.is_closed() => return Ok(link),
                State::Asleep => self.wake.notify_one(),
                State::Closed => return Err(errors::closed()),
                State::Down {
                    why,
                    until: up,
                    is_hopeless,
                } if is_hopeless || up > until => {
                    let pause = up.saturating_duration_since(Instant::now());
                    return Err(errors::unavailable(&why, pause));
                }
                _ => {}
            }
            if timeout_at(until, state.changed()).await.is_err() {
                let why = match &*state.borrow() {
                    State::Down { why, .. } => Arc::clone(why),
                    _ => "it is still being started".into(),
                };
                return Err(errors::unavailable(&why, Duration::from_secs(5)));
            }
        }
    }

    /// The line to the child, if one runs.
    pub(super) fn live(&self) -> Option<Arc<Link>> {
        match &*self.state.borrow() {
            State::Live(link) if !link.is_closed() => Some(Arc::clone(link)),
            _ => None,
        }
    }

    pub(super) fn is_asleep(&self) -> bool {
        matches!(*self.state.borrow(), State::Asleep)
    }

    /// For how long nobody has needed the child; `None` if somebody does.
    pub(super) fn idle(&self) -> Option<Duration> {
        let is_used = self.live().is_some_and(|link| link.is_used()) || self.hub.is_listened_to();
        if is_used {
            self.touch();
            return None;
        }
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        Some(used.elapsed())
    }

    /// Ends the child until it is needed again.
    pub(super) fn rest(&self) {
        self.resting().cancel();
    }

    /// Gives the place up.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    /// What ends the child that runs now when nobody needs it.
    pub(super) fn resting(&self) -> MutexGuard<'_, CancellationToken> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}
