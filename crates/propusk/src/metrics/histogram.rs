//! How durations are distributed.

use std::{
    fmt::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{Kind, Labels, Metrics, Own, Value, text::Shown};

/// Upper bounds in seconds, as they are printed, and the same in nanoseconds: from a look into
/// memory to a time-out on the way to an identity server.
const BOUNDS: [(&str, u64); 11] = [
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

    /// In the text format of Prometheus.
    pub(super) fn render(&self, text: &mut String, name: &str, labels: &Own) -> fmt::Result {
        let mut count = 0;
        let bounds = BOUNDS.iter().map(|(bound, _)| *bound).chain(["+Inf"]);
        for (bound, below) in bounds.zip(self.cumulative()) {
            count = below;
            writeln!(text, "{name}_bucket{} {below}", Shown(labels, Some(bound)))?;
        }
        let (labels, sum) = (Shown(labels, None), self.sum().as_secs_f64());
        writeln!(
            text,
            "{name}_sum{labels} {sum}\n{name}_count{labels} {count}"
        )
    }

    /// How many were not above each bound, and how many there were in all.
    fn cumulative(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().scan(0, |sum: &mut u64, count| {
            *sum += count.load(Ordering::Relaxed);
            Some(*sum)
        })
    }

    fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum.load(Ordering::Relaxed))
    }
}

impl Metrics {
    /// The histogram of this name with these labels.
    pub(super) fn histogram(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &Labels<'_>,
    ) -> Arc<Histogram> {
        self.with_family(name, help, Kind::Histogram, |family| {
            for (own, value) in &family.series {
                if let Value::Histogram(histogram) = value
                    && own.is(labels)
                {
                    return Arc::clone(histogram);
                }
            }
            let histogram = Arc::new(Histogram::default());
            let value = Value::Histogram(Arc::clone(&histogram));
            family.series.push((labels.into(), value));
            histogram
        })
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

    #[test]
    fn a_histogram_counts_up_to_all() {
        let metrics = Metrics::new();
        let histogram = metrics.histogram("d_seconds", "Durations.", &[("o", "v")]);
        histogram.observe(Duration::from_millis(2));
        metrics
            .histogram("d_seconds", "", &[("o", "v")])
            .observe(Duration::from_secs(9));
        let text = metrics.render();
        let mut lines = text.lines().skip(2);
        for (bound, count) in [
            ("0.00001", 0),
            ("0.0001", 0),
            ("0.0005", 0),
            ("0.001", 0),
            ("0.005", 1),
            ("0.01", 1),
            ("0.05", 1),
            ("0.1", 1),
            ("0.5", 1),
            ("1", 1),
            ("5", 1),
            ("+Inf", 2),
        ] {
            let expected = format!("d_seconds_bucket{{o=\"v\",le=\"{bound}\"}} {count}");
            assert_eq!(lines.next(), Some(expected.as_str()));
        }
        let rest: Vec<_> = lines.collect();
        assert_eq!(
            rest,
            ["d_seconds_sum{o=\"v\"} 9.002", "d_seconds_count{o=\"v\"} 2"]
        );
    }
}
