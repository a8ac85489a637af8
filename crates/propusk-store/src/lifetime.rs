//! How long a token lives.

use std::{str::FromStr, time::Duration};

use crate::time::LAST_SECOND;

/// How long a token lives: 90 days, unless something else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Until it is revoked.
    Never,
    /// For this long, in whole seconds (rounded up), and at most until the end of the year 9999.
    For(Duration),
}

impl Lifetime {
    /// 90 days.
    pub const DEFAULT: Self = Self::For(Duration::from_secs(90 * 24 * 60 * 60));

    /// The second from which a token that was created in the second `created` is not valid.
    pub(crate) fn end(self, created: i64) -> Result<Option<i64>, InvalidLifetime> {
        let Self::For(duration) = self else {
            return Ok(None);
        };
        if duration.is_zero() {
            return Err(InvalidLifetime::Zero);
        }
        let seconds = duration
            .as_secs()
            .saturating_add(u64::from(duration.subsec_nanos() > 0));
        let end = i64::try_from(seconds)
            .ok()
            .and_then(|seconds| created.checked_add(seconds));
        end.filter(|end| *end <= LAST_SECOND)
            .map(Some)
            .ok_or(InvalidLifetime::TooLong)
    }
}

impl Default for Lifetime {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// `never`, or a duration such as `30d`, `12h` or `1h 30m`.
impl FromStr for Lifetime {
    type Err = InvalidLifetime;

    fn from_str(text: &str) -> Result<Self, InvalidLifetime> {
        if text == "never" {
            return Ok(Self::Never);
        }
        match humantime::parse_duration(text) {
            Ok(Duration::ZERO) => Err(InvalidLifetime::Zero),
            Ok(duration) => Ok(Self::For(duration)),
            Err(_) => Err(InvalidLifetime::NotADuration),
        }
    }
}

/// Why a token cannot live that long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidLifetime {
    /// It would be dead from the start.
    #[error("a token must live for at least a second")]
    Zero,
    /// It would end after the year 9999.
    #[error("a token cannot live beyond the year 9999: say `never` if it shall not expire")]
    TooLong,
    /// The text is not a duration.
    #[error(
        "this is not a lifetime: write a number with its unit, such as `30d` or `12h`, or `never`"
    )]
    NotADuration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let hours = |n: u64| Lifetime::For(Duration::from_secs(n * 3600));
        for (text, expected) in [
            ("never", Ok(Lifetime::Never)),
            ("90d", Ok(Lifetime::DEFAULT)),
            ("12h", Ok(hours(12))),
            ("1d 2h", Ok(hours(26))),
            ("0s", Err(InvalidLifetime::Zero)),
            ("", Err(InvalidLifetime::NotADuration)),
            ("30", Err(InvalidLifetime::NotADuration)),
            ("-1h", Err(InvalidLifetime::NotADuration)),
            ("forever", Err(InvalidLifetime::NotADuration)),
        ] {
            assert_eq!(text.parse(), expected, "{text:?}");
        }
    }

    #[test]
    fn ends() {
        let millis = |n| Lifetime::For(Duration::from_millis(n));
        for (lifetime, expected) in [
            (Lifetime::Never, Ok(None)),
            (millis(1_000), Ok(Some(101))),
            (millis(1_001), Ok(Some(102))),
            (millis(1), Ok(Some(101))),
            (millis(0), Err(InvalidLifetime::Zero)),
            (
                Lifetime::For(Duration::from_secs(LAST_SECOND as u64 - 100)),
                Ok(Some(LAST_SECOND)),
            ),
            (
                Lifetime::For(Duration::from_secs(LAST_SECOND as u64)),
                Err(InvalidLifetime::TooLong),
            ),
            (Lifetime::For(Duration::MAX), Err(InvalidLifetime::TooLong)),
        ] {
            assert_eq!(lifetime.end(100), expected, "{lifetime:?}");
        }
    }
}
