//! How many may be under way at the same time.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// So many places for each key. Only those are remembered that have something under way.
pub(super) struct Places<K> {
    most: u32,
    taken: Mutex<HashMap<K, u32>>,
}

/// One place, until it is dropped.
pub(crate) struct Place<K: Eq + Hash> {
    places: Arc<Places<K>>,
    key: K,
}

impl<K: Clone + Eq + Hash> Places<K> {
    pub(super) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
        })
    }

    pub(super) fn most(&self) -> u32 {
        self.most
    }

    /// A place, if there is one.
    pub(super) fn take(self: &Arc<Self>, key: &K) -> Option<Place<K>> {
        let mut taken = self.lock();
        let count = taken.get(key).copied().unwrap_or_default();
        if count >= self.most {
            return None;
        }
        taken.insert(key.clone(), count + 1);
        Some(Place {
            places: Arc::clone(self),
            key: key.clone(),
        })
    }
}

impl<K: Eq + Hash> Places<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, u32>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        match taken.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.key)),
        }
    }
}

/// Without whose they are.
impl<K> std::fmt::Debug for Places<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Places").field(&self.most).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let places = Places::new(2);
        let first = places.take(&"a");
        let second = places.take(&"a");
        assert!(first.is_some() && second.is_some());
        assert!(places.take(&"a").is_none());
        assert!(places.take(&"b").is_some(), "of another");
        drop(first);
        let third = places.take(&"a");
        assert!(third.is_some() && places.take(&"a").is_none());
        drop((second, third));
        assert!(places.lock().is_empty(), "nothing is remembered");
    }
}
