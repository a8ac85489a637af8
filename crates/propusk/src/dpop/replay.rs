//! A proof is good for one request (RFC 9449 §11.1): what has been used is remembered for as long
//! as it could be used again.
//!
//! The memory is that of one process. Several processes behind one name each accept a proof once;
//! where that matters, let one key always reach the same process.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};

use super::proof::WINDOW;
use crate::ProofDefect;

/// A proof is acceptable from `WINDOW` before its `iat` to `WINDOW` after it.
const LIFETIME: Duration = WINDOW.saturating_mul(2);

/// The proofs that have been used, in two generations: when the younger one is as old as a proof
/// can get, it becomes the older one, and what was the older one goes.
pub(super) struct UsedProofs {
    generations: Mutex<Generations>,
    most: usize,
}

struct Generations {
    since: SystemTime,
    younger: HashSet<ProofId>,
    older: HashSet<ProofId>,
}

/// Names a proof: the digest of its key's thumbprint and its `jti`, cut to what is enough against
/// chance. Who makes two proofs of the same name has wasted the second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ProofId([u8; 16]);

impl ProofId {
    pub(super) fn of(thumbprint: &str, jti: &str) -> Self {
        let digest = Sha256::new()
            // The length, so that no other pair runs together to the same bytes.
            .chain_update((thumbprint.len() as u64).to_be_bytes())
            .chain_update(thumbprint)
            .chain_update(jti)
            .finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }
}

/// Why a proof was not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotUsed {
    /// It has been used before, or has become too old meanwhile.
    Unproven(ProofDefect),
    /// So many have been used that nothing more can be remembered, and so nothing accepted.
    Full {
        /// When there will be room again.
        retry_after: Duration,
    },
}

impl UsedProofs {
    /// With room for that many in each generation.
    pub(super) fn with_room_for(most: usize) -> Self {
        let generations = Generations {
            since: SystemTime::UNIX_EPOCH,
            younger: HashSet::new(),
            older: HashSet::new(),
        };
        Self {
            generations: Mutex::new(generations),
            most,
        }
    }

    /// Records a proof that was found good, unless it has been used before. Of two calls with the
    /// same proof at the same time, one succeeds.
    pub(super) fn record(&self, id: ProofId, now: SystemTime) -> Result<(), NotUsed> {
        // A panic elsewhere leaves no half of an insertion.
        let mut used = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let age = used.turn(now);
        if used.older.contains(&id) || used.younger.contains(&id) {
            return Err(NotUsed::Unproven(ProofDefect::Replayed));
        }
        if used.younger.len() >= self.most {
            let retry_after = LIFETIME.saturating_sub(age);
            return Err(NotUsed::Full { retry_after });
        }
        used.younger.insert(id);
        Ok(())
    }
}

impl Generations {
    /// Makes room for a new generation where it is time, and returns the age of the younger one.
    fn turn(&mut self, now: SystemTime) -> Duration {
        let Ok(age) = now.duration_since(self.since) else {
            // The clock was set back. What is remembered stays for a whole lifetime from now.
            self.since = now;
            return Duration::ZERO;
        };
        if age < LIFETIME {
            return age;
        }
        self.older = mem::take(&mut self.younger);
        if age >= LIFETIME * 2 {
            self.older = HashSet::new();
        }
        self.since = now;
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    fn id(jti: &str) -> ProofId {
        ProofId::of("key", jti)
    }

    #[test]
    fn rfc9449_11_1_a_proof_is_used_once_in_its_lifetime() {
        let lifetime = LIFETIME.as_secs();
        // Wherever in a generation it is used, it is known for a lifetime.
        for start in [0, 1, lifetime - 1, lifetime] {
            let used = UsedProofs::with_room_for(1_000);
            assert_eq!(used.record(id("first"), at(0)), Ok(()));
            assert_eq!(used.record(id("a"), at(start)), Ok(()));
            for later in [0, 1, lifetime / 2, lifetime - 1] {
                assert_eq!(
                    used.record(id("a"), at(start + later)),
                    Err(NotUsed::Unproven(ProofDefect::Replayed)),
                    "{start} {later}"
                );
            }
            assert_eq!(used.record(ProofId::of("other", "a"), at(start)), Ok(()));
            assert_eq!(used.record(id("b"), at(start)), Ok(()));
        }
    }

    #[test]
    fn what_is_too_old_to_be_accepted_is_forgotten() {
        let used = UsedProofs::with_room_for(1_000);
        let lifetime = LIFETIME.as_secs();
        for round in 0..10 {
            for n in 0..100 {
                let name = format!("{round} {n}");
                assert_eq!(used.record(id(&name), at(round * lifetime)), Ok(()));
            }
        }
        let generations = used.generations.lock().expect("no panic");
        assert_eq!(
            (generations.younger.len(), generations.older.len()),
            (100, 100)
        );
        drop(generations);
        assert_eq!(used.record(id("x"), at(100 * lifetime)), Ok(()));
        assert_eq!(used.generations.lock().expect("no panic").older.len(), 0);
    }

    #[test]
    fn a_full_memory_accepts_nothing_and_recovers() {
        let used = UsedProofs::with_room_for(2);
        assert_eq!(used.record(id("a"), at(0)), Ok(()));
        assert_eq!(used.record(id("b"), at(0)), Ok(()));
        let retry_after = LIFETIME - Duration::from_secs(5);
        assert_eq!(
            used.record(id("c"), at(5)),
            Err(NotUsed::Full { retry_after })
        );
        assert_eq!(
            used.record(id("a"), at(5)),
            Err(NotUsed::Unproven(ProofDefect::Replayed))
        );
        assert_eq!(used.record(id("c"), at(LIFETIME.as_secs())), Ok(()));
        assert_eq!(
            used.record(id("a"), at(LIFETIME.as_secs())),
            Err(NotUsed::Unproven(ProofDefect::Replayed))
        );
    }

    #[test]
    fn a_clock_that_is_set_back_forgets_nothing() {
        let used = UsedProofs::with_room_for(1_000);
        assert_eq!(used.record(id("a"), at(100_000)), Ok(()));
        for earlier in [99_999, 50_000, 0] {
            assert_eq!(
                used.record(id("a"), at(earlier)),
                Err(NotUsed::Unproven(ProofDefect::Replayed)),
                "{earlier}"
            );
        }
        // … and does not stop making room either.
        assert_eq!(used.record(id("b"), at(LIFETIME.as_secs())), Ok(()));
        assert_eq!(used.generations.lock().expect("no panic").older.len(), 1);
    }

    #[test]
    fn of_many_at_once_exactly_one_passes() {
        for round in 0..50 {
            let used = UsedProofs::with_room_for(1_000);
            let id = id(&round.to_string());
            let passed = thread::scope(|scope| {
                let tries: Vec<_> = (0..8)
                    .map(|_| scope.spawn(|| used.record(id, at(0)).is_ok()))
                    .collect();
                tries
                    .into_iter()
                    .filter_map(|t| t.join().ok())
                    .filter(|ok| *ok)
                    .count()
            });
            assert_eq!(passed, 1, "round {round}");
        }
    }
}
