//! One verification for all that ask for the same token at the same time.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Mutex as Slot, MutexGuard as SlotGuard};

use super::memory::TokenDigest;

/// The verifications that are under way.
pub(super) struct Flights<T>(Mutex<HashMap<TokenDigest, Arc<Slot<Option<T>>>>>);

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// A seat on a flight. It leaves no trace when the last one on board is dropped.
pub(super) struct Flight<'a, T> {
    all: &'a Flights<T>,
    digest: TokenDigest,
    slot: Arc<Slot<Option<T>>>,
}

impl<T> Flights<T> {
    /// Boards the flight of this token, or a new one.
    pub(super) fn join(&self, digest: TokenDigest) -> Flight<'_, T> {
        let slot = Arc::clone(self.lock().entry(digest).or_default());
        Flight {
            all: self,
            digest,
            slot,
        }
    }

    // Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, HashMap<TokenDigest, Arc<Slot<Option<T>>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Flight<'_, T> {
    /// Where the answer goes. While it is empty, the holder of the lock is the one who verifies; a
    /// holder that goes without an answer leaves the lock to the next.
    pub(super) async fn slot(&self) -> SlotGuard<'_, Option<T>> {
        self.slot.lock().await
    }

    /// Lets nobody else on board: who comes now looks for himself.
    pub(super) fn end(&self) {
        self.remove_if(|_| true);
    }

    fn remove_if(&self, condition: impl FnOnce(&Arc<Slot<Option<T>>>) -> bool) {
        if let Entry::Occupied(entry) = self.all.lock().entry(self.digest)
            && Arc::ptr_eq(entry.get(), &self.slot)
            && condition(entry.get())
        {
            entry.remove();
        }
    }
}

impl<T> Drop for Flight<'_, T> {
    fn drop(&mut self) {
        // One count is the map's and one is ours; boarding needs the lock that is held here.
        self.remove_if(|slot| Arc::strong_count(slot) == 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_one_off_leaves_no_trace() {
        let flights = Flights::<u8>::default();
        let digest = TokenDigest::of("a");
        let first = flights.join(digest);
        let second = flights.join(digest);
        drop(first);
        assert_eq!(flights.lock().len(), 1, "the second is still on board");
        *second.slot().await = Some(1);
        second.end();
        let later = flights.join(digest);
        assert_eq!(*later.slot().await, None, "another flight");
        drop(second);
        assert_eq!(flights.lock().len(), 1, "the later one's");
        drop(later);
        assert!(flights.lock().is_empty());
    }
}
