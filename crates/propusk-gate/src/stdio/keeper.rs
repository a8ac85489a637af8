//! What starts the child of a place, looks after it, and starts it again.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    child::Process,
    link::{Link, StartError},
    slot::{Shared, Slot, State},
};

/// How often sessions that have ended are looked for, and what a child has started.
const LOOK: Duration = Duration::from_secs(10);

/// How long a new child is told what its clients want before they are let to it.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// After so many starts without an answer, callers are told at once. One may be on account of the era.
const HOPELESS: u32 = 3;

/// Keeps one place.
pub(super) struct Keeper {
    slot: Arc<Slot>,
    shared: Arc<Shared>,
    /// How often in a row it did not run well.
    failures: u32,
    /// How often in a row it has not even answered.
    unanswered: u32,
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
    pub(super) fn new(slot: Arc<Slot>, shared: Arc<Shared>) -> Self {
        Self {
            slot,
            shared,
            failures: 0,
            unanswered: 0,
            legacy_only: false,
        }
    }

    pub(super) async fn run(mut self) {
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
            "this upstream does not run, and is started again after a pause: {why}");
        let until = Instant::now() + pause;
        let why = why.into();
        let is_hopeless = self.unanswered >= HOPELESS;
        self.slot.state.send_replace(State::Down {
            why,
            until,
            is_hopeless,
        });
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
        self.unanswered = self.unanswered.saturating_add(1);
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
        self.unanswered = 0;
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
