//! Buckets of many, within bounds.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use super::rate::{Rate, Taken};

/// So many are remembered one by one; some 10 MB at the most.
const MOST: usize = 100_000;

/// Where the table is full, it is looked through no more often than this (in nanoseconds).
const PAUSE: u64 = 1_000_000_000;

/// Whoever has no room in the table shares a bucket so many times as large with all of its kind.
const SHARED: u32 = 16;

/// Whose bucket it is.
pub(super) trait Key: Clone + Eq + Hash + Send + Sync + 'static {
    /// With whom it shares a bucket where there is no room for its own.
    fn wider(&self) -> Self;
}

/// A bucket for each key, all of one rate.
///
/// A bucket that is full again is forgotten, which changes nothing. So the table is full only while
/// that many draw on their buckets at the same time, and then nobody loses a bucket to a newcomer: newcomers
/// share wider ones, and only where those are as many, all the rest shares one. Somebody with any
/// number of addresses can thus slow newcomers of its own network down, and not those who are there.
pub(super) struct Buckets<K> {
    rate: Rate,
    most: usize,
    state: Mutex<State<K>>,
}

struct State<K> {
    own: Table<K>,
    wider: Table<K>,
    /// When the bucket of all the rest is full.
    rest: u64,
}

struct Table<K> {
    full_at: HashMap<K, u64>,
    /// How many there may be until those that are full are taken out.
    sweep_at: usize,
    swept: u64,
}

impl<K: Key> Buckets<K> {
    pub(super) fn new(rate: Rate) -> Self {
        Self::with_room_for(MOST, rate)
    }

    pub(super) fn with_room_for(most: usize, rate: Rate) -> Self {
        Self {
            rate,
            most,
            state: Mutex::new(State {
                own: Table::new(most),
                wider: Table::new(most),
                rest: 0,
            }),
        }
    }

    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes a token out of this key's bucket.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub(super) fn take(&self, key: &K, now: SystemTime) -> Result<(), Duration> {
        let now = nanos(now);
        let mut state = self.lock();
        let shared = self.rate.times(SHARED);
        let State { own, wider, rest } = &mut *state;
        let (rate, full_at) = if own.has_room_for(key, self.most, self.rate, now) {
            (self.rate, own.entry(key.clone()))
        } else if wider.has_room_for(&key.wider(), self.most, shared, now) {
            (shared, wider.entry(key.wider()))
        } else {
            (shared.times(SHARED), rest)
        };
        match rate.take(*full_at, now) {
            Taken::Yes { full_at: next } => {
                *full_at = next;
                Ok(())
            }
            Taken::No {
                wait,
                full_at: same,
            } => {
                *full_at = same;
                Err(wait)
            }
        }
    }

    /// Gives a token back that was not needed.
    pub(super) fn give_back(&self, key: &K) {
        let mut state = self.lock();
        // Out of a wider bucket it stays: that is a share in something, and no loss.
        if let Some(full_at) = state.own.full_at.get_mut(key) {
            *full_at = full_at.saturating_sub(self.rate.interval());
        }
    }

    #[cfg(test)]
    fn remembered(&self) -> usize {
        let state = self.lock();
        state.own.full_at.len() + state.wider.full_at.len()
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        // Numbers are written whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key> Table<K> {
    fn new(most: usize) -> Self {
        Self {
            full_at: HashMap::new(),
            sweep_at: most.min(1_024),
            swept: 0,
        }
    }

    fn entry(&mut self, key: K) -> &mut u64 {
        self.full_at.entry(key).or_default()
    }

    fn has_room_for(&mut self, key: &K, most: usize, rate: Rate, now: u64) -> bool {
        if self.full_at.len() < self.sweep_at || self.full_at.contains_key(key) {
            return true;
        }
        // A full table is not looked through for each request, or its size would cost everybody.
        let is_full = self.full_at.len() >= most;
        if !is_full || now.abs_diff(self.swept) >= PAUSE {
            self.swept = now;
            // One from after now is of a clock that has been set back since.
            let latest = now.saturating_add(rate.depth());
            self.full_at
                .retain(|_, full_at| (now + 1..=latest).contains(full_at));
            self.full_at.shrink_to(self.full_at.len().saturating_mul(2));
            self.sweep_at = self.full_at.len().saturating_mul(2).max(1_024).min(most);
        }
        self.full_at.len() < most
    }
}

/// Without whose they are.
impl<K> std::fmt::Debug for Buckets<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Buckets").field(&self.rate).finish()
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    // Before 1970 there is nothing to limit; in 2554 the last bucket fills.
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hundreds are a network.
    impl Key for u32 {
        fn wider(&self) -> Self {
            self / 100 * 100
        }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    fn buckets(most: usize) -> Buckets<u32> {
        Buckets::with_room_for(most, "1/m".parse().expect("a rate"))
    }

    #[test]
    fn each_has_its_own_and_what_is_full_is_forgotten() {
        let buckets = buckets(5_000);
        for round in 0..3 {
            for key in 0..4_000 {
                let (now, later) = (at(round * 60), at(round * 60 + 59));
                assert_eq!(buckets.take(&key, now), Ok(()), "{key}");
                assert_eq!(buckets.take(&key, later), Err(Duration::from_secs(1)));
            }
        }
        let _ = buckets.take(&9_999, at(1_000));
        for key in 0..2_000 {
            let _ = buckets.take(&(10_000 + key), at(2_000));
        }
        assert!(buckets.remembered() <= 4_001, "{}", buckets.remembered());
    }

    /// Ten thousand from one network fill a table with room for a hundred.
    #[test]
    fn nobody_is_pushed_out_and_other_networks_have_room() {
        let buckets = buckets(100);
        assert_eq!(buckets.take(&5, at(0)), Ok(()));
        let flood = |count: u32| {
            let of_one = (0..count).map(|n| 100_000_000 + n % 100);
            of_one
                .filter(|key| buckets.take(key, at(0)).is_ok())
                .count()
        };
        assert_eq!(
            flood(10_000),
            99 + 16,
            "its own, and then those that it shares"
        );
        let most = 2 * 100;
        assert!(buckets.remembered() <= most);
        // Who was there is limited as before, and by nothing else.
        assert_eq!(buckets.take(&5, at(0)), Err(Duration::from_secs(60)));
        assert_eq!(buckets.take(&5, at(60)), Ok(()));
    }

    #[test]
    fn newcomers_of_other_networks_get_through_a_full_table() {
        let buckets = buckets(100);
        for key in 0..100 {
            assert_eq!(buckets.take(&(100_000 + key), at(0)), Ok(()));
        }
        for network in 1..=50 {
            let newcomer = network * 100;
            for _ in 0..SHARED {
                assert_eq!(buckets.take(&newcomer, at(0)), Ok(()), "{newcomer}");
            }
            assert!(buckets.take(&newcomer, at(0)).is_err(), "{newcomer}");
        }
        for network in 1_000..9_000_u32 {
            let _ = buckets.take(&(network * 100), at(0));
        }
        assert!(buckets.remembered() <= 200, "{}", buckets.remembered());
    }

    #[test]
    fn a_clock_that_jumps_locks_nobody_out_for_longer_than_an_empty_bucket() {
        let buckets = buckets(100);
        assert_eq!(buckets.take(&1, at(1_000_000)), Ok(()));
        assert_eq!(buckets.take(&1, at(0)), Err(Duration::from_secs(60)));
        assert_eq!(buckets.take(&1, at(60)), Ok(()));
    }

    #[test]
    fn a_token_that_was_not_needed_is_there_again() {
        let buckets = buckets(100);
        for _ in 0..3 {
            assert_eq!(buckets.take(&1, at(0)), Ok(()));
            assert!(buckets.take(&1, at(0)).is_err());
            buckets.give_back(&1);
        }
        buckets.give_back(&2);
    }
}
