//! One place for a child: it is started when it is needed, started again when it ends, and ended when
//! nobody needs it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rmcp::model::ErrorData;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, interval, sleep, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    StdioCommand, StdioSettings,
    child::Process,
    counts::Counts,
    errors,
    hub::{Hub, Serves},
    link::{Link, StartError},
};

/// How often sessions that have ended are looked for.
const LOOK: Duration = Duration::from_secs(10);

/// How long a new child is told what its clients want before they are let to it.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// A place for a child.
pub(super) struct Slot {
    pub(super) hub: Arc<Hub>,
    state: watch::Sender<State>,
    wake: Notify,
    /// Ends the child that runs now, when nobody needs it.
    rest: Mutex<CancellationToken>,
    /// Cancelled when the place is given up.
    closing: CancellationToken,
    used: Mutex<Instant>,
    patience: Duration,
}

/// How it stands with the child.
#[derive(Clone)]
enum State {
    /// Nobody needs one.
    Asleep,
    Starting,
    Live(Arc<Link>),
    /// It has ended, or could not be started; why, and until when it is waited.
    Down {
        why: Arc<str>,
        until: Instant,
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
        let keeper = Keeper {
            slot: Arc::clone(&slot),
            shared: Arc::clone(shared),
            failures: 0,
            legacy_only: false,
        };
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
                State::Down { why, until: up } if up > until => {
                    return Err(errors::unavailable(&why, up - Instant::now()));
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

    fn resting(&self) -> MutexGuard<'_, CancellationToken> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// Keeps one place.
struct Keeper {
    slot: Arc<Slot>,
    shared: Arc<Shared>,
    /// How often in a row it did not run well.
    failures: u32,
    /// It has ended when it was asked for its era.
    legacy_only: bool,
}

/// How a run of a child ended.
enum Ended {
    /// By itself; why.
    Itself(String),
    /// Nobody needs it.
    Unneeded,
    /// The gate ends.
    Closing,
}

impl Keeper {
    async fn run(mut self) {
        let closing = self.slot.closing.clone();
        loop {
            tokio::select! {
                () = closing.cancelled() => break,
                () = self.slot.wake.notified() => {}
            }
            if !self.keep_alive().await {
                break;
            }
            self.slot.state.send_replace(State::Asleep);
        }
        self.slot.state.send_replace(State::Closed);
    }

    /// Runs children until nobody needs one. `false` when the gate ends.
    async fn keep_alive(&mut self) -> bool {
        loop {
            self.slot.state.send_replace(State::Starting);
            let room = Arc::clone(&self.shared.room).acquire_owned();
            let room = tokio::select! {
                () = self.slot.closing.cancelled() => return false,
                room = room => room,
            };
            let Ok(room) = room else { return false };
            let began = Instant::now();
            let why = match self.run_once(room).await {
                Ended::Unneeded => return true,
                Ended::Closing => return false,
                Ended::Itself(why) => why,
            };
            if began.elapsed() >= self.shared.settings.backoff.well {
                self.failures = 0;
            }
            if !self.pause(&why).await {
                return false;
            }
            if !(self.slot.hub.serves_all() || self.slot.hub.is_listened_to()) {
                return true;
            }
        }
    }

    async fn pause(&mut self, why: &str) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.shared.counts.crash();
        let pause = self.shared.settings.backoff.pause(self.failures);
        let upstream = &self.shared.settings.name;
        tracing::warn!(target: "propusk::upstream", upstream, pause_ms = pause.as_millis(),
            "this upstream has ended, and is started again after a pause: {why}");
        let until = Instant::now() + pause;
        let why = why.into();
        self.slot.state.send_replace(State::Down { why, until });
        tokio::select! {
            () = self.slot.closing.cancelled() => false,
            () = sleep(pause) => true,
        }
    }

    /// One child from its start to its end, and that of all that it has started.
    async fn run_once(&mut self, _room: OwnedSemaphorePermit) -> Ended {
        let shared = Arc::clone(&self.shared);
        let Shared {
            command, settings, ..
        } = &*shared;
        let upstream = &settings.name;
        let (mut process, streams) = match Process::start(command, upstream) {
            Ok(started) => started,
            Err(error) => {
                let program = command.program().display();
                return Ended::Itself(format!("{program} cannot be started: {error}"));
            }
        };
        tracing::info!(target: "propusk::upstream", upstream, process = process.id(),
            "this upstream was started");
        let _running = shared.counts.start();
        let link = Link::open(streams, Arc::clone(&self.slot.hub), settings);
        let ended = self.serve(&link, &mut process).await;
        if !matches!(ended, Ended::Itself(_)) {
            // As long as it runs, it can be seen which processes are below it.
            process.look().await;
        }
        link.close();
        process.end(settings.grace).await;
        ended
    }

    async fn serve(&mut self, link: &Arc<Link>, process: &mut Process) -> Ended {
        let (closing, slot) = (self.slot.closing.clone(), Arc::clone(&self.slot));
        let resting = CancellationToken::new();
        *slot.resting() = resting.clone();
        let greeted = tokio::select! {
            () = closing.cancelled() => return Ended::Closing,
            greeted = link.greet(self.shared.settings.start, self.legacy_only) => greeted,
        };
        match greeted {
            Ok(server) => tracing::info!(target: "propusk::upstream",
                upstream = self.shared.settings.name, revisions = server.revisions(),
                "this upstream answers"),
            Err(error) => {
                // Some servers end when they are asked what they do not know.
                self.legacy_only = matches!(error, StartError::Ended) && !self.legacy_only;
                return Ended::Itself(error.to_string());
            }
        }
        self.introduce(link).await;
        slot.state.send_replace(State::Live(Arc::clone(link)));
        let often = self.shared.settings.idle / 4 + Duration::from_millis(10);
        let (mut look, mut below) = (interval(LOOK.min(often)), interval(LOOK));
        loop {
            tokio::select! {
                () = closing.cancelled() => return Ended::Closing,
                why = process.ended() => return Ended::Itself(why),
                why = link.closed() => return Ended::Itself(why),
                () = resting.cancelled() => return Ended::Unneeded,
                _ = look.tick() => if self.look_after(link) {
                    return Ended::Unneeded;
                },
                _ = below.tick() => process.look().await,
            }
        }
    }

    /// Tells a new child what its clients want, and them that lists may have changed.
    async fn introduce(&self, link: &Arc<Link>) {
        // What is not done in this time is done when something changes.
        let _ = timeout(INTRODUCTION, async {
            link.learn_tools().await;
            link.settle().await;
        })
        .await;
        if self.failures > 0 {
            self.slot.hub.all_changed(link.server());
        }
    }

    /// Forgets sessions that have ended. Says whether the child is needed no longer.
    fn look_after(&self, link: &Arc<Link>) -> bool {
        if self.slot.hub.sweep() {
            let link = Arc::clone(link);
            tokio::spawn(async move { link.settle().await });
        }
        let settings = &self.shared.settings;
        let idle = self.slot.idle();
        !self.slot.hub.serves_all() && idle.is_some_and(|idle| idle >= settings.idle)
    }
}
