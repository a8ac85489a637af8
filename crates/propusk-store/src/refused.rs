//! Tokens that are not valid, in memory for a moment.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::digest::TokenDigest;

/// For how long a token is not looked for again.
const LIFETIME: Duration = Duration::from_secs(5);

/// Texts that are no valid token and were looked up a moment ago: who sends one again and again asks
/// the database once. Bounded, and apart from the valid ones, so that a flood of guesses pushes none
/// of those out.
///
/// A token that is issued in this process is taken out of it. Another process issues none that was
/// asked for before: nobody can guess it.
pub(crate) struct Refused {
    halves: Mutex<Halves>,
    capacity_of_half: usize,
}

/// As in the memory of valid tokens: the young ones, and those before them.
#[derive(Default)]
struct Halves {
    issued: u64,
    young: HashMap<TokenDigest, Instant>,
    old: HashMap<TokenDigest, Instant>,
}

/// How many tokens had been issued before a row was looked for.
#[derive(Clone, Copy)]
pub(crate) struct Issued(u64);

impl Refused {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            halves: Mutex::default(),
            capacity_of_half: capacity.div_ceil(2),
        }
    }

    /// Whether a token was found not to be valid a moment ago.
    pub(crate) fn contains(&self, digest: &TokenDigest, now: Instant) -> bool {
        let halves = self.lock();
        let since = halves.young.get(digest).or_else(|| halves.old.get(digest));
        since.is_some_and(|since| now.saturating_duration_since(*since) < LIFETIME)
    }

    pub(crate) fn issued(&self) -> Issued {
        Issued(self.lock().issued)
    }

    /// Keeps a token that was not found to be valid, unless one was issued since then.
    pub(crate) fn insert(&self, before: Issued, digest: TokenDigest, now: Instant) {
        let mut halves = self.lock();
        if halves.issued != before.0 {
            return;
        }
        if halves.young.len() >= self.capacity_of_half {
            halves.old = mem::take(&mut halves.young);
        }
        halves.young.insert(digest, now);
    }

    /// A token is valid from now on.
    pub(crate) fn issue(&self, digest: &TokenDigest) {
        let mut halves = self.lock();
        halves.issued += 1;
        halves.young.remove(digest);
        halves.old.remove(digest);
    }

    // A panic elsewhere cannot leave the maps half-changed, so a poisoned lock is as good as new.
    fn lock(&self) -> MutexGuard<'_, Halves> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: usize) -> TokenDigest {
        TokenDigest::of(&number.to_string())
    }

    #[test]
    fn it_is_bounded_and_forgets_after_a_moment() {
        let refused = Refused::with_capacity(10);
        let now = Instant::now();
        for number in 0..1_000 {
            refused.insert(refused.issued(), digest(number), now);
            let halves = refused.lock();
            assert!(halves.young.len() + halves.old.len() <= 10, "{number}");
        }
        let last = digest(999);
        assert!(!refused.contains(&digest(0), now), "pushed out");
        assert!(refused.contains(&last, now));
        assert!(refused.contains(&last, now + LIFETIME - Duration::from_millis(1)));
        assert!(!refused.contains(&last, now + LIFETIME));
    }

    #[test]
    fn a_token_that_is_issued_is_valid_at_once() {
        let refused = Refused::with_capacity(10);
        let now = Instant::now();
        let before = refused.issued();
        refused.insert(before, digest(1), now);
        refused.issue(&digest(1));
        assert!(!refused.contains(&digest(1), now));
        // Its row was looked for before, and in vain.
        refused.insert(before, digest(1), now);
        assert!(!refused.contains(&digest(1), now));
    }
}
