//! Where answers are kept: bounded, found by the digest of the token.

use std::{
    collections::HashMap,
    mem,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use sha2::{Digest, Sha256};

use super::Kept;

/// The SHA-256 of a token's text: what is kept of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

/// Answers, in shards with a lock each, so that threads rarely meet.
pub(super) struct Memory {
    shards: Box<[Shard]>,
    capacity_of_half: usize,
}

/// Alone on its cache lines: the lock of one shard does not slow down its neighbour.
#[derive(Default)]
#[repr(align(128))]
struct Shard(RwLock<Halves>);

/// A cheap approximation of "least recently used": new entries go to the young half, and when that
/// is full it becomes the old one, whose entries are forgotten unless they are asked for.
#[derive(Default)]
struct Halves {
    young: HashMap<TokenDigest, Kept>,
    old: HashMap<TokenDigest, Kept>,
}

/// A shard smaller than this would forget too early by bad luck.
const SMALLEST_SHARD: usize = 128;
const MOST_SHARDS: usize = 32;

impl Memory {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        let shards = (capacity / SMALLEST_SHARD).clamp(1, MOST_SHARDS);
        Self {
            shards: (0..shards).map(|_| Shard::default()).collect(),
            capacity_of_half: capacity / shards / 2,
        }
    }

    pub(super) fn find(&self, digest: &TokenDigest) -> Option<Kept> {
        let shard = self.shard(digest);
        let halves = shard.read();
        if let Some(kept) = halves.young.get(digest) {
            return Some(kept.clone());
        }
        let in_old = halves.old.contains_key(digest);
        drop(halves);
        if in_old {
            shard.write().rejuvenate(digest, self.capacity_of_half)
        } else {
            None
        }
    }

    /// Keeps an answer, if `still` says so while nobody can read or forget it.
    pub(super) fn insert_if(&self, digest: TokenDigest, kept: Kept, still: impl FnOnce() -> bool) {
        let mut halves = self.shard(&digest).write();
        if still() && self.capacity_of_half > 0 {
            halves.old.remove(&digest);
            halves.put(digest, kept, self.capacity_of_half);
        }
    }

    pub(super) fn remove(&self, digest: &TokenDigest) {
        let shard = self.shard(digest);
        // A flood of wrong tokens removes what is not there, and must not get in the way.
        if shard.read().contains(digest) {
            let mut halves = shard.write();
            halves.young.remove(digest);
            halves.old.remove(digest);
        }
    }

    pub(super) fn retain(&self, stays: impl Fn(&Kept) -> bool) {
        for shard in &self.shards {
            let mut halves = shard.write();
            halves.young.retain(|_, kept| stays(kept));
            halves.old.retain(|_, kept| stays(kept));
        }
    }

    fn shard(&self, digest: &TokenDigest) -> &Shard {
        let [first, second, ..] = digest.0;
        let number = usize::from(u16::from_be_bytes([first, second]));
        &self.shards[number % self.shards.len()]
    }
}

// A panic elsewhere cannot leave the maps half-changed, so a poisoned lock is as good as new.
impl Shard {
    fn read(&self) -> RwLockReadGuard<'_, Halves> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Halves> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Halves {
    fn contains(&self, digest: &TokenDigest) -> bool {
        self.young.contains_key(digest) || self.old.contains_key(digest)
    }

    fn put(&mut self, digest: TokenDigest, kept: Kept, capacity: usize) {
        if self.young.len() >= capacity && !self.young.contains_key(&digest) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(digest, kept);
    }

    fn rejuvenate(&mut self, digest: &TokenDigest, capacity: usize) -> Option<Kept> {
        // It may have been withdrawn or moved since it was seen there.
        let Some(kept) = self.old.remove(digest) else {
            return self.young.get(digest).cloned();
        };
        self.put(*digest, kept.clone(), capacity);
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn kept() -> Kept {
        Kept {
            answer: None,
            revision: 0,
            since: UNIX_EPOCH,
            until: None,
        }
    }

    fn digest(number: usize) -> TokenDigest {
        TokenDigest::of(&number.to_string())
    }

    fn count(memory: &Memory) -> usize {
        let of = |shard: &Shard| shard.read().young.len() + shard.read().old.len();
        memory.shards.iter().map(of).sum()
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        for capacity in [2, 10, 1_000] {
            let memory = Memory::with_capacity(capacity);
            for number in 0..5 * capacity {
                memory.insert_if(digest(number), kept(), || true);
                assert!(count(&memory) <= capacity, "{capacity} at {number}");
                assert!(
                    memory.find(&digest(0)).is_some(),
                    "used all the time, {capacity} at {number}"
                );
            }
            let newest = digest(5 * capacity - 1);
            assert!(memory.find(&newest).is_some(), "just added, {capacity}");
            assert!(memory.find(&digest(1)).is_none(), "not used for long");
            memory.retain(|_| false);
            assert_eq!(count(&memory), 0);
        }
    }

    #[test]
    fn without_capacity_nothing_is_kept() {
        let memory = Memory::with_capacity(0);
        memory.insert_if(digest(1), kept(), || true);
        assert_eq!(count(&memory), 0);
    }

    #[test]
    fn what_must_not_be_kept_any_more_is_not() {
        let memory = Memory::with_capacity(10);
        memory.insert_if(digest(1), kept(), || false);
        assert!(memory.find(&digest(1)).is_none());
    }
}
