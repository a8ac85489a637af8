//! A proof is good for one request (RFC 9449 §11.1): what has been used is remembered for as long
//! as it could be used again.
//!
//! The memory is bounded in all and for each holder: nobody may use more of it than is still free,
//! so that the first to be refused is who has used most, and one alone never gets beyond a half.
//!
//! The memory is that of one process. Several processes behind one name each accept a proof once;
//! where that matters, let one key always reach the same process.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};

use super::proof::WINDOW;
use crate::{AccessToken, ProofDefect};

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
    /// How many of the younger ones each holder has used.
    of_holder: HashMap<Holder, usize>,
}

/// Names who uses proofs: issuer and subject of the token, since of keys, tokens and clients
/// anybody can have many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Holder([u8; 16]);

impl Holder {
    pub(crate) fn of(token: &AccessToken) -> Self {
        let issuer = token.issuer();
        Self(digest([issuer.unwrap_or_default(), token.subject()]))
    }
}

/// Names a proof: the digest of its key's thumbprint and its `jti`, cut to what is enough against
/// chance. Who makes two proofs of the same name has wasted the second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ProofId([u8; 16]);

impl ProofId {
    pub(super) fn of(thumbprint: &str, jti: &str) -> Self {
        Self(digest([thumbprint, jti]))
    }
}

fn digest([first, second]: [&str; 2]) -> [u8; 16] {
    let digest = Sha256::new()
        // The length, so that no other pair runs together to the same bytes.
        .chain_update((first.len() as u64).to_be_bytes())
        .chain_update(first)
        .chain_update(second)
        .finalize();
    let mut cut = [0; 16];
    cut.copy_from_slice(&digest[..16]);
    cut
}

/// Why a proof was not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotUsed {
    /// It has been used before, or has become too old meanwhile.
    Unproven(ProofDefect),
    /// Its holder, or all together, have used so many that no more of theirs can be remembered, and
    /// so none accepted.
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
            of_holder: HashMap::new(),
        };
        Self {
            generations: Mutex::new(generations),
            most,
        }
    }

    /// Records a proof that was found good, unless it has been used before. Of two calls with the
    /// same proof at the same time, one succeeds.
    pub(super) fn record(
        &self,
        id: ProofId,
        holder: Holder,
        now: SystemTime,
    ) -> Result<(), NotUsed> {
        // A panic elsewhere leaves no half of an insertion.
        let mut used = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let age = used.turn(now);
        if used.older.contains(&id) || used.younger.contains(&id) {
            return Err(NotUsed::Unproven(ProofDefect::Replayed));
        }
        let free = self.most.saturating_sub(used.younger.len());
        if used.of_holder.get(&holder).copied().unwrap_or(0) >= free {
            let retry_after = LIFETIME.saturating_sub(age);
            return Err(NotUsed::Full { retry_after });
        }
        used.younger.insert(id);
        *used.of_holder.entry(holder).or_default() += 1;
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
        self.of_holder = HashMap::new();
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

    fn holder(subject: &str) -> Holder {
        Holder::of(&AccessToken::new(subject))
    }

    /// Of one of many holders, so that none of them is at its limit.
    fn record(used: &UsedProofs, id: ProofId, now: SystemTime) -> Result<(), NotUsed> {
        used.record(id, Holder(id.0), now)
    }

    #[test]
    fn nobody_can_fill_it_for_the_others() {
        let used = UsedProofs::with_room_for(1_000);
        let uses = |subject: &str, most: usize| {
            let one = |n| used.record(id(&format!("{subject} {n}")), holder(subject), at(0));
            (0..most).filter(|n| one(*n).is_ok()).count()
        };
        assert_eq!(uses("mallory", 10_000), 500, "a half");
        assert_eq!(uses("mallory's friend", 10_000), 250, "a half of the rest");
        for n in 0..100 {
            assert_eq!(uses(&format!("alice {n}"), 1), 1, "{n}");
        }
        assert_eq!(uses("alice 0", 10), 9, "not the one of before");
        assert_eq!(uses("mallory", 10_000), 0);
        // It ends, and is whole again with the next generation.
        let lifetime = at(LIFETIME.as_secs());
        assert_eq!(
            used.record(id("later"), holder("mallory"), lifetime),
            Ok(())
        );
    }

    #[test]
    fn holders_are_told_apart_by_issuer_and_subject() {
        let of = |issuer: &str, subject: &str| {
            Holder::of(&AccessToken::new(subject).with_issuer(issuer.to_owned()))
        };
        assert_eq!(of("a", "b"), of("a", "b"));
        for other in [of("ab", ""), of("", "ab"), of("b", "a"), of("a", "c")] {
            assert_ne!(of("a", "b"), other);
        }
    }

    #[test]
    fn rfc9449_11_1_a_proof_is_used_once_in_its_lifetime() {
        let lifetime = LIFETIME.as_secs();
        // Wherever in a generation it is used, it is known for a lifetime.
        for start in [0, 1, lifetime - 1, lifetime] {
            let used = UsedProofs::with_room_for(1_000);
            assert_eq!(record(&used, id("first"), at(0)), Ok(()));
            assert_eq!(record(&used, id("a"), at(start)), Ok(()));
            for later in [0, 1, lifetime / 2, lifetime - 1] {
                assert_eq!(
                    record(&used, id("a"), at(start + later)),
                    Err(NotUsed::Unproven(ProofDefect::Replayed)),
                    "{start} {later}"
                );
            }
            assert_eq!(record(&used, ProofId::of("other", "a"), at(start)), Ok(()));
            assert_eq!(record(&used, id("b"), at(start)), Ok(()));
        }
    }

    #[test]
    fn what_is_too_old_to_be_accepted_is_forgotten() {
        let used = UsedProofs::with_room_for(1_000);
        let lifetime = LIFETIME.as_secs();
        for round in 0..10 {
            for n in 0..100 {
                let name = format!("{round} {n}");
                assert_eq!(record(&used, id(&name), at(round * lifetime)), Ok(()));
            }
        }
        let generations = used.generations.lock().expect("no panic");
        assert_eq!(
            (generations.younger.len(), generations.older.len()),
            (100, 100)
        );
        drop(generations);
        assert_eq!(record(&used, id("x"), at(100 * lifetime)), Ok(()));
        assert_eq!(used.generations.lock().expect("no panic").older.len(), 0);
    }

    #[test]
    fn a_full_memory_accepts_nothing_and_recovers() {
        let used = UsedProofs::with_room_for(2);
        assert_eq!(record(&used, id("a"), at(0)), Ok(()));
        assert_eq!(record(&used, id("b"), at(0)), Ok(()));
        let retry_after = LIFETIME - Duration::from_secs(5);
        assert_eq!(
            record(&used, id("c"), at(5)),
            Err(NotUsed::Full { retry_after })
        );
        assert_eq!(
            record(&used, id("a"), at(5)),
            Err(NotUsed::Unproven(ProofDefect::Replayed))
        );
        assert_eq!(record(&used, id("c"), at(LIFETIME.as_secs())), Ok(()));
        assert_eq!(
            record(&used, id("a"), at(LIFETIME.as_secs())),
            Err(NotUsed::Unproven(ProofDefect::Replayed))
        );
    }

    #[test]
    fn a_clock_that_is_set_back_forgets_nothing() {
        let used = UsedProofs::with_room_for(1_000);
        assert_eq!(record(&used, id("a"), at(100_000)), Ok(()));
        for earlier in [99_999, 50_000, 0] {
            assert_eq!(
                record(&used, id("a"), at(earlier)),
                Err(NotUsed::Unproven(ProofDefect::Replayed)),
                "{earlier}"
            );
        }
        // … and does not stop making room either.
        assert_eq!(record(&used, id("b"), at(LIFETIME.as_secs())), Ok(()));
        assert_eq!(used.generations.lock().expect("no panic").older.len(), 1);
    }

    #[test]
    fn of_many_at_once_exactly_one_passes() {
        for round in 0..50 {
            let used = UsedProofs::with_room_for(1_000);
            let id = id(&round.to_string());
            let passed = thread::scope(|scope| {
                let tries: Vec<_> = (0..8)
                    .map(|_| scope.spawn(|| record(&used, id, at(0)).is_ok()))
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
