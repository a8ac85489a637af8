//! How often a cache of verified tokens helped.

use super::{Counter, Metrics};

/// Looks into a cache of tokens; copies are handles of the same.
#[derive(Debug, Clone, Default)]
pub struct CacheCounts {
    hits: Counter,
    misses: Counter,
}

impl CacheCounts {
    /// Counts one look.
    pub fn count(&self, hit: bool) {
        if hit {
            self.hits.increment();
        } else {
            self.misses.increment();
        }
    }

    /// How many looks found something that still held.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.value()
    }

    /// How many did not.
    #[must_use]
    pub fn misses(&self) -> u64 {
        self.misses.value()
    }

    /// Shows them as `propusk_token_cache_total`, with the labels `cache` and `outcome` (`hit`,
    /// `miss`).
    pub fn register(&self, metrics: &Metrics, cache: &'static str) {
        for (outcome, counter) in [("hit", &self.hits), ("miss", &self.misses)] {
            metrics.register(
                "propusk_token_cache_total",
                "Looks into the memory of verified tokens.",
                &[("cache", cache), ("outcome", outcome)],
                counter,
            );
        }
    }
}
