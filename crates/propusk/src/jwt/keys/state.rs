//! What a source holds and when it may be asked again: without I/O, and with the time given.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::watch;

use super::{KeySet, policy::Policy};

/// A key set, and when it was asked for.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) set: Arc<KeySet>,
    pub(super) asked_at: SystemTime,
    /// Counts the successful readings, so that one can be told from the next.
    pub(super) generation: u64,
}

#[derive(Debug)]
pub(super) struct State {
    policy: Policy,
    held: Option<Held>,
    revision: u64,
    failures: u32,
    failure: Option<String>,
    /// Since when the source says that it has no usable key.
    emptied_at: Option<SystemTime>,
    next_attempt: Option<SystemTime>,
    flight: Option<Flight>,
}

/// A reading under way. Whoever waits for it is woken when it ends, however it ends.
#[derive(Debug, Clone)]
pub(super) struct Flight(watch::Receiver<()>);

impl Flight {
    /// A flight that lasts until the sender is dropped.
    pub(super) fn start() -> (watch::Sender<()>, Self) {
        let (sender, receiver) = watch::channel(());
        (sender, Self(receiver))
    }

    pub(super) async fn landed(mut self) {
        while self.0.changed().await.is_ok() {}
    }

    fn is_under_way(&self) -> bool {
        self.0.has_changed().is_ok()
    }
}

impl State {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy,
            held: None,
            revision: 0,
            failures: 0,
            failure: None,
            emptied_at: None,
            next_attempt: None,
            flight: None,
        }
    }

    pub(super) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// How many readings have succeeded.
    pub(super) fn generation(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.generation)
    }

    /// Moves when a key is withdrawn or replaced.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// The keys, if they can be used without asking anybody.
    pub(super) fn fresh(&self, now: SystemTime) -> Option<&Held> {
        let usable = self.usable(now)?;
        (self.age(usable, now) < self.policy.fresh).then_some(usable)
    }

    /// The keys, if they can be used while nobody answers, or while the answer is that there are
    /// none.
    pub(super) fn usable(&self, now: SystemTime) -> Option<&Held> {
        let held = self.held.as_ref()?;
        let young = self.age(held, now) < self.policy.ceiling;
        (young && !self.is_withdrawn(now)).then_some(held)
    }

    /// Whether the source has said for so long that there are no keys that it is believed.
    fn is_withdrawn(&self, now: SystemTime) -> bool {
        self.emptied_at.is_some_and(|at| {
            let since = now.duration_since(at).unwrap_or_default();
            since >= self.policy.withdrawal
        })
    }

    /// Whether the keys were left alone for so long that they should not be used before asking,
    /// and asking has not just failed.
    pub(super) fn is_neglected(&self, now: SystemTime) -> bool {
        let old = |held: &Held| self.age(held, now) >= self.policy.neglected;
        self.failures == 0 && self.held.as_ref().is_some_and(old)
    }

    /// A clock that was turned back says nothing about the age: ask.
    fn age(&self, held: &Held, now: SystemTime) -> Duration {
        now.duration_since(held.asked_at)
            .unwrap_or(self.policy.fresh)
    }

    /// For how long the source must not be asked.
    pub(super) fn pause(&self, now: SystemTime) -> Duration {
        let next = self.next_attempt.unwrap_or(now);
        let pause = next.duration_since(now).unwrap_or_default();
        let longest = self.policy.longest_pause.max(self.policy.after_success);
        // A longer one means that the clock was turned back.
        if pause > longest {
            Duration::ZERO
        } else {
            pause
        }
    }

    pub(super) fn flight(&self) -> Option<Flight> {
        self.flight.clone().filter(Flight::is_under_way)
    }

    pub(super) fn took_off(&mut self, flight: Flight) {
        self.flight = Some(flight);
    }

    /// Takes over what was read: a new set with usable keys, or the same as before.
    pub(super) fn succeeded(&mut self, set: Option<KeySet>, asked_at: SystemTime, now: SystemTime) {
        let same = self.held.as_ref().map(|held| Arc::clone(&held.set));
        let Some(set) = set.map(Arc::new).or(same) else {
            return;
        };
        let lost = |held: &Held| !set.contains_all_of(&held.set);
        if self.held.as_ref().is_some_and(lost) {
            self.revision += 1;
        }
        let generation = self.generation() + 1;
        self.held = Some(Held {
            set,
            asked_at,
            generation,
        });
        self.failures = 0;
        self.failure = None;
        self.emptied_at = None;
        self.next_attempt = Some(now + self.policy.after_success);
        self.flight = None;
    }

    pub(super) fn failed(&mut self, why: String, now: SystemTime) {
        self.failures = self.failures.saturating_add(1);
        self.failure = Some(why);
        self.next_attempt = Some(now + self.policy.pause(self.failures));
        self.flight = None;
    }

    /// Notes that a set without a usable key was read. It does not take the place of one that has
    /// some, and is no ground to call a token bad.
    pub(super) fn emptied(&mut self, why: String, now: SystemTime) {
        self.emptied_at.get_or_insert(now);
        self.failed(why, now);
    }

    /// Why there are no keys to use.
    pub(super) fn complaint(&self) -> String {
        let failure = self.failure.as_deref();
        failure.unwrap_or("the work was interrupted").to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    fn set(keys: &str) -> Option<KeySet> {
        let document = format!(r#"{{"keys":[{keys}]}}"#);
        Some(KeySet::parse(document.as_bytes()).expect("a key set"))
    }

    fn key(id: &str, x: &str) -> String {
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"{x}"}}"#)
    }

    // The public keys of RFC 8037 A.1 and RFC 8032 7.1, test 2.
    const X1: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const X2: &str = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";

    #[test]
    fn how_long_keys_are_used() {
        let mut state = State::new(Policy::REMOTE);
        assert!(state.usable(at(0)).is_none() && state.pause(at(0)).is_zero());
        state.succeeded(set(&key("1", X1)), at(0), at(1));
        for (seconds, fresh, neglected, usable) in [
            (0, true, false, true),
            (299, true, false, true),
            (300, false, false, true),
            (599, false, false, true),
            (600, false, true, true),
            (86_399, false, true, true),
            (86_400, false, true, false),
        ] {
            let now = at(seconds);
            let found = (
                state.fresh(now).is_some(),
                state.is_neglected(now),
                state.usable(now).is_some(),
            );
            assert_eq!(found, (fresh, neglected, usable), "{seconds}");
        }
        state.failed("down".to_owned(), at(700));
        assert!(
            !state.is_neglected(at(700)),
            "nobody waits for a source that is down"
        );
        assert!(state.usable(at(700)).is_some());
        assert_eq!(state.complaint(), "down");
    }

    #[test]
    fn how_often_the_source_is_asked() {
        let mut state = State::new(Policy::REMOTE);
        state.failed("down".to_owned(), at(0));
        assert_eq!(state.pause(at(0)), 2 * SECOND);
        assert_eq!(state.pause(at(2)), Duration::ZERO);
        state.failed("down".to_owned(), at(10));
        assert_eq!(state.pause(at(11)), 3 * SECOND);
        state.succeeded(set(&key("1", X1)), at(20), at(20));
        assert_eq!(state.pause(at(21)), 9 * SECOND);
        state.failed("down".to_owned(), at(40));
        assert_eq!(state.pause(at(40)), 2 * SECOND, "it starts anew");
    }

    #[test]
    fn a_clock_that_is_turned_back_blocks_nothing() {
        let mut state = State::new(Policy::REMOTE);
        state.succeeded(set(&key("1", X1)), at(10_000), at(10_000));
        assert!(state.usable(at(0)).is_some());
        assert!(state.fresh(at(0)).is_none(), "it asks again");
        assert!(state.pause(at(0)).is_zero());
    }

    #[test]
    fn the_revision_moves_when_a_key_goes() {
        let mut state = State::new(Policy::REMOTE);
        let (one, two) = (key("1", X1), key("2", X2));
        for (keys, revision, why) in [
            (set(&one), 0, "the first"),
            (set(&format!("{one},{two}")), 0, "one more"),
            (None, 0, "the same"),
            (set(&format!("{two},{one}")), 0, "another order"),
            (set(&two), 1, "one is gone"),
            (set(&key("2", X1)), 2, "another key under the name"),
            (
                set(&key("2", X1).replace("kty", "alg\":\"EdDSA\",\"kty")),
                2,
                "the algorithm that it had",
            ),
        ] {
            state.succeeded(keys, at(0), at(0));
            assert_eq!(state.revision(), revision, "{why}");
        }
    }

    #[test]
    fn an_empty_set_is_believed_after_a_while_only() {
        let mut state = State::new(Policy::REMOTE);
        state.emptied("none".to_owned(), at(0));
        assert!(state.usable(at(0)).is_none(), "there never were any");
        assert_eq!(state.complaint(), "none");
        state.succeeded(set(&key("1", X1)), at(10), at(10));
        state.emptied("none".to_owned(), at(20));
        state.emptied("none".to_owned(), at(500));
        state.failed("down".to_owned(), at(600));
        assert!(state.usable(at(619)).is_some());
        assert!(state.usable(at(620)).is_none(), "since it said so first");
        assert!(state.usable(at(0)).is_some(), "the clock was turned back");
        state.succeeded(set(&key("1", X1)), at(700), at(700));
        assert!(state.usable(at(1_000)).is_some());
        assert_eq!(state.revision(), 0, "nothing was withdrawn");
        let mut file = State::new(Policy::FILE);
        file.succeeded(set(&key("1", X1)), at(0), at(0));
        file.emptied("none".to_owned(), at(1));
        assert!(file.usable(at(1)).is_none(), "who empties it means it");
    }

    #[tokio::test]
    async fn a_flight_ends_when_its_leader_is_gone() {
        let (leader, flight) = Flight::start();
        let mut state = State::new(Policy::REMOTE);
        state.took_off(flight);
        let joined = state.flight().expect("under way");
        drop(leader);
        joined.landed().await;
        assert!(state.flight().is_none());
    }
}
