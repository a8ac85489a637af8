//! Points in time as the store keeps them: whole seconds since 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second of the year 9999, after which RFC 3339 has no notation.
pub(crate) const LAST_SECOND: i64 = 253_402_300_799;

/// The second in which a point in time lies. Before 1970, which only a broken clock says, it is 0.
pub(crate) fn to_seconds(time: SystemTime) -> i64 {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs())
        .unwrap_or(LAST_SECOND)
        .min(LAST_SECOND)
}

/// The point in time at the beginning of a second between 1970 and 9999.
pub(crate) fn from_seconds(seconds: i64) -> Option<SystemTime> {
    let seconds = u64::try_from(seconds)
        .ok()
        .filter(|_| seconds <= LAST_SECOND)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Serializes points in time as RFC 3339, such as `2026-11-23T08:43:41Z`.
pub(crate) mod rfc3339 {
    use std::time::SystemTime;

    use serde::{Serialize, Serializer};

    pub(crate) fn text(time: SystemTime) -> String {
        humantime::format_rfc3339_seconds(time).to_string()
    }

    pub(crate) fn serialize<S: Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&text(*time))
    }

    pub(crate) fn serialize_option<S: Serializer>(
        time: &Option<SystemTime>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(text).serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_between_1970_and_9999() {
        for (seconds, expected) in [
            (0, Some("1970-01-01T00:00:00Z")),
            (1_795_423_421, Some("2026-11-23T08:43:41Z")),
            (LAST_SECOND, Some("9999-12-31T23:59:59Z")),
            (LAST_SECOND + 1, None),
            (-1, None),
        ] {
            let time = from_seconds(seconds);
            let shown = time.map(|time| humantime::format_rfc3339_seconds(time).to_string());
            assert_eq!(shown.as_deref(), expected, "{seconds}");
            assert_eq!(time.map(to_seconds), expected.map(|_| seconds));
        }
        assert_eq!(to_seconds(UNIX_EPOCH - Duration::from_secs(5)), 0);
        assert_eq!(to_seconds(UNIX_EPOCH + Duration::from_millis(1_999)), 1);
    }
}
