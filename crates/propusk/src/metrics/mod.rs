//! Numbers for Prometheus, in its text format 0.0.4.
//!
//! The format is a few lines of text, and what is counted here needs atomics and no more: a library
//! for it would bring labels that are looked up under a lock for every request.

mod cache_counts;
mod counter;
#[cfg(feature = "layer")]
mod decisions;
#[cfg(feature = "layer")]
mod histogram;
mod text;
#[cfg(feature = "layer")]
mod tool_names;
#[cfg(feature = "layer")]
mod upstream;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

pub use cache_counts::CacheCounts;
pub use counter::Counter;
#[cfg(feature = "layer")]
pub(crate) use decisions::Decisions;
#[cfg(feature = "layer")]
use histogram::Histogram;
#[cfg(feature = "layer")]
pub use tool_names::ToolNames;
#[cfg(feature = "layer")]
pub(crate) use upstream::UpstreamNumbers;

/// The type of [`Metrics::render`], for a response that carries it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Names and values of the labels of a series. The values are part of the program or of its
/// configuration, or from a list that has an end ([`ToolNames`]): nobody outside can make more of
/// them without a bound.
pub type Labels<'a> = [(&'static str, &'a str)];

/// All numbers of a program; copies are handles of the same.
///
/// [`AuthLayer::metrics`](crate::AuthLayer::metrics) and `Server::metrics` count decisions,
/// verifications and sessions into it. Others join with a [`Counter`]:
///
/// ```
/// use propusk::metrics::{Counter, Metrics};
///
/// let hits = Counter::default();
/// let metrics = Metrics::new();
/// metrics.register("propusk_cache_requests_total", "Looks into the cache.", &[("outcome", "hit")], &hits);
/// hits.increment();
/// assert!(metrics.render().contains("propusk_cache_requests_total{outcome=\"hit\"} 1\n"));
/// ```
#[derive(Clone, Default)]
pub struct Metrics(Arc<RwLock<Vec<Family>>>);

/// All series of a name.
struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    series: Vec<(Own, Value)>,
}

/// Labels that are kept.
struct Own(Box<[(&'static str, Box<str>)]>);

impl Own {
    fn is(&self, labels: &Labels<'_>) -> bool {
        let own = self.0.iter().map(|(name, value)| (*name, &**value));
        own.eq(labels.iter().copied())
    }
}

impl From<&Labels<'_>> for Own {
    fn from(labels: &Labels<'_>) -> Self {
        let owned = labels.iter().map(|(name, value)| (*name, (*value).into()));
        Self(owned.collect())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    #[cfg(feature = "layer")]
    Histogram,
}

enum Value {
    /// What several parts of the program count under the same name and labels is added up.
    Sum(Vec<Source>),
    #[cfg(feature = "layer")]
    Histogram(Arc<Histogram>),
}

type Source = Box<dyn Fn() -> u64 + Send + Sync>;

impl Metrics {
    /// No numbers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A new counter under this name, with these labels.
    #[must_use]
    pub fn counter(&self, name: &'static str, help: &'static str, labels: &Labels<'_>) -> Counter {
        let counter = Counter::default();
        self.register(name, help, labels, &counter);
        counter
    }

    /// Shows a counter that somebody else counts with.
    pub fn register(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &Labels<'_>,
        counter: &Counter,
    ) {
        let counter = counter.clone();
        let source = Box::new(move || counter.value());
        self.add_source(name, help, Kind::Counter, labels, source);
    }

    /// Shows a number that only grows and is asked for when somebody reads the metrics.
    pub fn counter_from(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &Labels<'_>,
        source: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        self.add_source(name, help, Kind::Counter, labels, Box::new(source));
    }

    /// Shows a number that grows and shrinks and is asked for when somebody reads the metrics.
    pub fn gauge_from(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &Labels<'_>,
        source: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        self.add_source(name, help, Kind::Gauge, labels, Box::new(source));
    }

    fn add_source(
        &self,
        name: &'static str,
        help: &'static str,
        kind: Kind,
        labels: &Labels<'_>,
        source: Source,
    ) {
        self.with_family(name, help, kind, |family| {
            for (own, value) in &mut family.series {
                match value {
                    Value::Sum(sources) if own.is(labels) => {
                        sources.push(source);
                        return;
                    }
                    _ => {}
                }
            }
            family
                .series
                .push((labels.into(), Value::Sum(vec![source])));
        });
    }

    fn with_family<T>(
        &self,
        name: &'static str,
        help: &'static str,
        kind: Kind,
        change: impl FnOnce(&mut Family) -> T,
    ) -> T {
        let mut families = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let own = |family: &Family| family.name == name && family.kind == kind;
        let at = families.iter().position(own).unwrap_or_else(|| {
            families.push(Family {
                name,
                help,
                kind,
                series: Vec::new(),
            });
            families.len() - 1
        });
        change(&mut families[at])
    }

    /// All numbers as text.
    #[must_use]
    pub fn render(&self) -> String {
        let families = self.0.read().unwrap_or_else(PoisonError::into_inner);
        text::render(&families)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
