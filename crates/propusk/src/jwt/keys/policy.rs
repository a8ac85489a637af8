//! How long keys are used, and how often they are asked for.

use std::time::Duration;

/// The times of a source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    /// For so long keys are used without asking again.
    pub(super) fresh: Duration,
    /// Older keys are not used before the source was asked, unless it has just failed: they were
    /// left alone because no token came, and a key may have been withdrawn since.
    pub(super) neglected: Duration,
    /// For so long keys are used while the source fails.
    pub(super) ceiling: Duration,
    /// For so long keys are used after the source has said that there are none. That is nearly
    /// always a mistake on its side; but it may be how an issuer withdraws keys that were stolen.
    pub(super) withdrawal: Duration,
    /// For so long after a success the source is not asked about an unknown key.
    pub(super) after_success: Duration,
    /// For so long after a first failure the source is not asked at all; doubled for each further
    /// one.
    pub(super) after_failure: Duration,
    /// The end of that growth.
    pub(super) longest_pause: Duration,
}

impl Policy {
    /// An issuer, over HTTP.
    pub(super) const REMOTE: Self = Self {
        fresh: Duration::from_secs(300),
        neglected: Duration::from_secs(600),
        ceiling: Duration::from_secs(24 * 3600),
        withdrawal: Duration::from_secs(600),
        after_success: Duration::from_secs(10),
        after_failure: Duration::from_secs(2),
        longest_pause: Duration::from_secs(30),
    };

    /// A file: to look whether it has changed costs next to nothing, and its keys are the
    /// operator's own, so that they do not grow old. Who empties it means it.
    pub(super) const FILE: Self = Self {
        fresh: Duration::from_secs(1),
        neglected: Duration::from_secs(1),
        ceiling: Duration::MAX,
        withdrawal: Duration::ZERO,
        after_success: Duration::from_secs(1),
        after_failure: Duration::from_secs(1),
        longest_pause: Duration::from_secs(5),
    };

    /// The pause after so many failures in a row.
    pub(super) fn pause(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.after_failure
            .saturating_mul(doubled)
            .min(self.longest_pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_to_its_end() {
        let pauses = [1, 2, 3, 4, 5, 6, u32::MAX].map(|n| Policy::REMOTE.pause(n).as_secs());
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30, 30]);
    }
}
