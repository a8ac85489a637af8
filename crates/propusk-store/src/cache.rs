//! Verified tokens in memory.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic::AtomicI64},
    time::SystemTime,
};

use propusk::AccessToken;

use crate::{TokenId, digest::TokenDigest};

/// A token that was verified. Whether it has expired is for the reader to see.
pub(crate) struct Verified {
    pub(crate) id: TokenId,
    pub(crate) token: AccessToken,
    pub(crate) expires_at: Option<SystemTime>,
    /// The second of the last use that was noted.
    pub(crate) noted: AtomicI64,
}

/// Verified tokens, found by the SHA-256 of their texts; bounded.
///
/// Two halves make a cheap approximation of "least recently used": new entries go to the young
/// half, and when that is full it becomes the old one, whose entries are forgotten unless they are
/// asked for. Only valid tokens get in, so nobody can flood it with guesses.
pub(crate) struct Cache {
    halves: RwLock<Halves>,
    capacity_of_half: usize,
}

#[derive(Default)]
struct Halves {
    generation: u64,
    young: HashMap<TokenDigest, Arc<Verified>>,
    old: HashMap<TokenDigest, Arc<Verified>>,
}

/// The state of the cache before a row was read. An entry made from that row is only kept where
/// nothing was withdrawn in between.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

impl Generation {
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl Cache {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            halves: RwLock::default(),
            capacity_of_half: capacity.div_ceil(2),
        }
    }

    pub(crate) fn find(&self, digest: &TokenDigest) -> Option<Arc<Verified>> {
        let halves = self.read();
        if let Some(verified) = halves.young.get(digest) {
            return Some(Arc::clone(verified));
        }
        let in_old = halves.old.contains_key(digest);
        drop(halves);
        if in_old {
            self.rejuvenate(digest)
        } else {
            None
        }
    }

    pub(crate) fn generation(&self) -> Generation {
        Generation(self.read().generation)
    }

    /// Keeps a token, unless something was withdrawn since `generation`.
    pub(crate) fn insert(
        &self,
        generation: Generation,
        digest: TokenDigest,
        verified: Arc<Verified>,
    ) {
        let mut halves = self.write();
        if halves.generation == generation.0 {
            halves.put(digest, verified, self.capacity_of_half);
        }
    }

    /// Forgets everything, and what is just being read from the database too.
    pub(crate) fn invalidate(&self) {
        let mut halves = self.write();
        *halves = Halves {
            generation: halves.generation + 1,
            ..Halves::default()
        };
    }

    fn rejuvenate(&self, digest: &TokenDigest) -> Option<Arc<Verified>> {
        let mut halves = self.write();
        // It may have been withdrawn since it was seen there.
        let verified = halves.old.remove(digest)?;
        halves.put(*digest, Arc::clone(&verified), self.capacity_of_half);
        Some(verified)
    }

    // A panic elsewhere cannot leave the maps half-changed, so a poisoned lock is as good as new.
    fn read(&self) -> RwLockReadGuard<'_, Halves> {
        self.halves.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Halves> {
        self.halves.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Halves {
    fn put(&mut self, digest: TokenDigest, verified: Arc<Verified>, capacity: usize) {
        if self.young.len() >= capacity {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(digest, verified);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified() -> Arc<Verified> {
        Arc::new(Verified {
            id: TokenId::parse("0123456789AB").expect("an id"),
            token: AccessToken::new("alice"),
            expires_at: None,
            noted: AtomicI64::new(0),
        })
    }

    fn digest(number: usize) -> TokenDigest {
        TokenDigest::of(&number.to_string())
    }

    #[test]
    fn what_was_read_before_a_withdrawal_is_not_kept() {
        let cache = Cache::with_capacity(10);
        let before = cache.generation();
        cache.insert(before, digest(1), verified());
        assert!(cache.find(&digest(1)).is_some());
        cache.invalidate();
        assert!(cache.find(&digest(1)).is_none());
        cache.insert(before, digest(2), verified());
        assert!(
            cache.find(&digest(2)).is_none(),
            "its row was read before the withdrawal"
        );
        cache.insert(cache.generation(), digest(2), verified());
        assert!(cache.find(&digest(2)).is_some());
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let cache = Cache::with_capacity(10);
        let count = |cache: &Cache| cache.read().young.len() + cache.read().old.len();
        for number in 0..100 {
            cache.insert(cache.generation(), digest(number), verified());
            assert!(
                cache.find(&digest(0)).is_some(),
                "used all the time, at {number}"
            );
            assert!(count(&cache) <= 10, "at {number}");
        }
        assert!(cache.find(&digest(1)).is_none(), "not used for long");
        assert!(cache.find(&digest(99)).is_some(), "just added");
    }
}
