//! How durations are distributed.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper bounds in seconds, as they are printed, and the same in nanoseconds: from a look into
/// memory to a time-out on the way to an identity server.
pub(super) const BOUNDS: [(&str, u64); 11] = [
    ("0.00001", 10_000),
    ("0.0001", 100_000),
    ("0.0005", 500_000),
    ("0.001", 1_000_000),
    ("0.005", 5_000_000),
    ("0.01", 10_000_000),
    ("0.05", 50_000_000),
    ("0.1", 100_000_000),
    ("0.5", 500_000_000),
    ("1", 1_000_000_000),
    ("5", 5_000_000_000),
];

/// Counts of durations between bounds.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// One for each bound, and one for what is above them all.
    counts: [AtomicU64; BOUNDS.len() + 1],
    /// In nanoseconds, which last for 584 years.
    sum: AtomicU64,
}

impl Histogram {
    pub(super) fn observe(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let at = BOUNDS.partition_point(|(_, bound)| *bound < nanos);
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    /// How many were not above each bound, and how many there were in all.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().scan(0, |sum: &mut u64, count| {
            *sum += count.load(Ordering::Relaxed);
            Some(*sum)
        })
    }

    pub(super) fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_what_is_below_it() {
        let histogram = Histogram::default();
        for nanos in [
            0,
            10_000,
            10_001,
            5_000_000_000,
            5_000_000_001,
            u64::MAX / 2,
        ] {
            histogram.observe(Duration::from_nanos(nanos));
        }
        let counts: Vec<_> = histogram.cumulative().collect();
        assert_eq!(counts, [2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 6]);
        assert!(BOUNDS.is_sorted_by(|a, b| a.1 < b.1));
        for (text, nanos) in BOUNDS {
            let seconds: f64 = text.parse().expect("a number");
            assert_eq!((seconds * 1e9).round() as u64, nanos, "{text}");
        }
    }
}
