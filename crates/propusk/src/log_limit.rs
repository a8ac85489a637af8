//! Lines of the log that others can cause, and as many of them as are of use.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// How long a kind of line is limited after its first one.
const WINDOW: Duration = Duration::from_secs(60);

/// More kinds than these share one limit: what tells kinds apart may come from others, too.
const MOST_KINDS: usize = 64;

/// Lets the first lines of a kind through and then, for a minute, none; with the next one it says
/// how many more there were. The audit log is not limited: it has every event.
#[derive(Debug, Default)]
pub struct LogLimit {
    /// Keyed at random, so that nobody can make two kinds one.
    hasher: RandomState,
    kinds: Mutex<HashMap<u64, Window>>,
}

/// A line may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told {
    /// How many of its kind were left out before it, if any were.
    pub more_like_this: Option<u64>,
}

#[derive(Debug)]
struct Window {
    since: SystemTime,
    told: u32,
    untold: u64,
}

impl Window {
    /// A clock that was set back begins a new one.
    fn is_over(&self, now: SystemTime) -> bool {
        let age = now.duration_since(self.since);
        age.map_or(true, |age| age >= WINDOW)
    }
}

impl LogLimit {
    /// Whether to write a line of this kind, of which so many are written in a minute.
    pub fn tell(&self, kind: impl Hash, most: u32, now: SystemTime) -> Option<Told> {
        // Nothing panics while it is held.
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = self.hasher.hash_one(kind);
        if kinds.len() >= MOST_KINDS && !kinds.contains_key(&key) {
            kinds.retain(|_, window| !window.is_over(now));
            if kinds.len() >= MOST_KINDS {
                key = 0;
            }
        }
        let window = kinds.entry(key).or_insert(Window {
            since: now,
            told: 0,
            untold: 0,
        });
        if window.is_over(now) {
            window.since = now;
            window.told = 0;
        }
        if window.told >= most {
            window.untold = window.untold.saturating_add(1);
            return None;
        }
        window.told += 1;
        let untold = std::mem::take(&mut window.untold);
        Some(Told {
            more_like_this: Some(untold).filter(|count| *count > 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    #[test]
    fn the_first_ones_and_then_one_a_minute_with_how_many_more() {
        let limit = LogLimit::default();
        for (seconds, kind, told) in [
            (0, "a", Some(0)),
            (0, "a", None),
            (1, "b", Some(0)),
            (59, "a", None),
            (60, "a", Some(2)),
            (60, "b", None),
            (61, "b", Some(1)),
            (119, "a", None),
            (10, "a", Some(1)),
        ] {
            let more = limit.tell(kind, 1, at(seconds));
            let more = more.map(|told| told.more_like_this.unwrap_or(0));
            assert_eq!(more, told, "{seconds} {kind}");
        }
        let several = LogLimit::default();
        let told = (0..5).map(|_| several.tell("a", 3, at(0)).is_some());
        assert_eq!(told.collect::<Vec<_>>(), [true, true, true, false, false]);
    }

    #[test]
    fn however_many_kinds_there_are_the_lines_are_bounded() {
        let limit = LogLimit::default();
        let told = |kinds: std::ops::Range<u32>, now| {
            let lines = kinds.filter(|kind| limit.tell(kind, 1, now).is_some());
            lines.count()
        };
        assert_eq!(told(0..10_000, at(0)), MOST_KINDS + 1);
        assert_eq!(told(0..10_000, at(59)), 0);
        assert!(limit.kinds.lock().expect("no panic").len() <= MOST_KINDS + 1);
        assert_eq!(told(10_000..20_000, at(60)), MOST_KINDS + 1);
    }
}
