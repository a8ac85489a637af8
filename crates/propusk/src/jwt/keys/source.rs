//! Keys that change: read by one task at a time, used while the source is down.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, SystemTime},
};

use super::{
    KeySet, Origin, Signed,
    origin::NoKeySet,
    set::Found,
    state::{Flight, Held, State},
};
use crate::{
    Clock, Unavailable,
    jwt::refused::{NotVerified, Refused},
    log_limit::{LogLimit, Told},
};

/// The keys of one origin.
pub(in crate::jwt) struct Source {
    origin: Origin,
    state: RwLock<State>,
    log_limit: LogLimit,
}

/// One reading takes no longer, with discovery.
const LONGEST_READING: Duration = Duration::from_secs(10);

/// A client is never told to come back at once.
const SHORTEST_RETRY: Duration = Duration::from_secs(1);

/// The keys to use, and whether they were read for this very request.
struct Current {
    held: Held,
    own: bool,
}

/// What to do for a request that needs keys.
enum Step {
    Use(Held),
    /// Wait for that reading, which was started for this request if there is a generation: the
    /// one before it.
    Wait(Flight, Option<u64>),
    Fail(Unavailable),
}

impl Source {
    pub(super) fn new(origin: Origin) -> Self {
        let state = RwLock::new(State::new(origin.policy()));
        Self {
            origin,
            state,
            log_limit: LogLimit::default(),
        }
    }

    pub(super) async fn revision(
        self: &Arc<Self>,
        clock: &Arc<dyn Clock>,
    ) -> Result<u64, Unavailable> {
        // Before the first keys there is no answer that could be remembered.
        if self.read().held().is_some() {
            self.current(clock).await?;
        }
        Ok(self.read().revision())
    }

    /// Verifies with the keys there are, and with newer ones if the token's key is not among them
    /// and the source may be asked.
    pub(super) async fn verify(
        self: &Arc<Self>,
        signed: &Signed<'_>,
        clock: &Arc<dyn Clock>,
    ) -> Result<(), NotVerified> {
        let mut keys = self.current(clock).await?;
        let mut reason = match keys.held.set.verify(signed) {
            Found::Verified => return Ok(()),
            Found::Refused(reason) => return Err(reason.into()),
            Found::Nothing(reason) => reason,
        };
        if let Some(newer) = self.newer_than(&keys.held, clock).await {
            keys = newer;
            reason = match keys.held.set.verify(signed) {
                Found::Verified => return Ok(()),
                Found::Refused(reason) => return Err(reason.into()),
                Found::Nothing(reason) => reason,
            };
        }
        if keys.own {
            return Err(reason.into());
        }
        Err(self.undecided(&keys.held, signed, reason, clock.now()))
    }

    /// The key is not among those held, and the source must not be asked now. A token that was
    /// issued before they were asked for is bad. A later one may be signed with a newer key, and a
    /// good token must not be thrown away.
    fn undecided(
        &self,
        held: &Held,
        signed: &Signed<'_>,
        reason: Refused,
        now: SystemTime,
    ) -> NotVerified {
        let later = |issued: SystemTime| issued + signed.leeway >= held.asked_at;
        if signed.issued_at.is_none_or(later) {
            let why = format!("a token may be signed with a newer key of {}", self.origin);
            let pause = self.read().pause(now).max(SHORTEST_RETRY);
            return Unavailable::new(why)
                .with_retry_after(pause)
                .of_one_token()
                .into();
        }
        reason.into()
    }

    /// The keys to use: those there are, or the result of a reading.
    async fn current(self: &Arc<Self>, clock: &Arc<dyn Clock>) -> Result<Current, Unavailable> {
        if let Some(held) = self.read().fresh(clock.now()).cloned() {
            return Ok(Current { held, own: false });
        }
        let (flight, started) = match self.step(clock) {
            Step::Use(held) => return Ok(Current { held, own: false }),
            Step::Wait(flight, started) => (flight, started),
            Step::Fail(unavailable) => return Err(unavailable),
        };
        flight.landed().await;
        let now = clock.now();
        let own = started.is_some_and(|before| self.read().generation() > before);
        let usable = self.read().usable(now).cloned();
        usable
            .map(|held| Current { held, own })
            .ok_or_else(|| self.unavailable(now))
    }

    fn step(self: &Arc<Self>, clock: &Arc<dyn Clock>) -> Step {
        let now = clock.now();
        let mut state = self.write();
        let mut started = None;
        let mut flight = state.flight();
        if flight.is_none() && state.pause(now).is_zero() {
            started = Some(state.generation());
            flight = Some(self.start(&mut state, clock));
        }
        let usable = state.usable(now).cloned();
        match (usable, flight) {
            (Some(held), None) => Step::Use(held),
            (Some(held), Some(_)) if !state.is_neglected(now) => Step::Use(held),
            (_, Some(flight)) => Step::Wait(flight, started),
            (None, None) => {
                drop(state);
                Step::Fail(self.unavailable(now))
            }
        }
    }

    /// Other keys than those, if there are any or the source gives some.
    async fn newer_than(self: &Arc<Self>, old: &Held, clock: &Arc<dyn Clock>) -> Option<Current> {
        let (flight, started) = {
            let mut state = self.write();
            match (state.held(), state.flight()) {
                (Some(held), _) if held.generation != old.generation => {
                    let held = held.clone();
                    return Some(Current { held, own: false });
                }
                (_, Some(flight)) => (flight, false),
                (_, None) if state.pause(clock.now()).is_zero() => {
                    (self.start(&mut state, clock), true)
                }
                (_, None) => return None,
            }
        };
        flight.landed().await;
        let held = self.read().held().cloned()?;
        (held.generation != old.generation).then_some(Current { held, own: started })
    }

    /// Starts a reading, in a task of its own: the request that asked for it may go away.
    fn start(self: &Arc<Self>, state: &mut State, clock: &Arc<dyn Clock>) -> Flight {
        let (leader, flight) = Flight::start();
        state.took_off(flight.clone());
        let (source, clock) = (Arc::clone(self), Arc::clone(clock));
        tokio::spawn(async move {
            let asked_at = clock.now();
            let reading = source.origin.read(asked_at);
            let outcome = tokio::time::timeout(LONGEST_READING, reading).await;
            let outcome = outcome.unwrap_or_else(|_| Err(source.origin.timeout()));
            source.finish(outcome, asked_at, clock.now());
            drop(leader);
        });
        flight
    }

    fn finish(
        &self,
        outcome: Result<Option<KeySet>, NoKeySet>,
        asked_at: SystemTime,
        now: SystemTime,
    ) {
        let origin = &self.origin;
        let mut state = self.write();
        match outcome {
            Ok(Some(set)) if set.is_empty() => {
                let why = format!(
                    "the key set of {origin} has no usable key: {}",
                    set.complaints()
                );
                state.emptied(why, now);
            }
            Ok(set) => {
                self.log_success(set.as_ref());
                return state.succeeded(set, asked_at, now);
            }
            Err(error) => {
                state.failed(format!("cannot read the key set of {origin}: {error}"), now);
            }
        }
        let why = state.complaint();
        if let Some(Told { more_like_this }) = self.log_limit.tell(&why, 1, now) {
            let earlier_keys = state.usable(now).is_some();
            tracing::warn!(
                cause = why,
                earlier_keys,
                more_like_this,
                "no newer keys of an issuer"
            );
        }
    }

    fn log_success(&self, set: Option<&KeySet>) {
        let Some(set) = set else {
            return;
        };
        let (origin, keys, ignored) = (&self.origin, set.len(), set.ignored());
        if ignored > 0 {
            let why = set.complaints();
            tracing::info!(%origin, keys, ignored, why, "the key set was read");
        } else {
            tracing::info!(%origin, keys, "the key set was read");
        }
    }

    fn unavailable(&self, now: SystemTime) -> Unavailable {
        let state = self.read();
        let pause = state.pause(now).max(SHORTEST_RETRY);
        Unavailable::new(state.complaint()).with_retry_after(pause)
    }

    #[cfg(test)]
    pub(super) fn is_reading(&self) -> bool {
        self.read().flight().is_some()
    }

    /// Waits until no reading is under way.
    #[cfg(test)]
    pub(super) async fn settled(&self) {
        let flight = self.read().flight();
        if let Some(flight) = flight {
            flight.landed().await;
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.origin)
    }
}
