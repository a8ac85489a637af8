//! How often something may happen: a token bucket, as one number (the generic cell rate algorithm of
//! ITU-T I.371).
//!
//! What is kept of a bucket is the time at which it will be full again. Taking a token moves that
//! time on by one interval; where it would then lie further ahead than the bucket is deep, there is
//! no token.

use std::{fmt, str::FromStr, time::Duration};

/// So many in so much time, with so many at once: `10/s`, `100/m`, `1000/h`, `500/d`, or
/// `10/s burst 50`.
///
/// Without a burst as many may come at once as in the whole time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    count: u32,
    per: Per,
    burst: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Per {
    Second,
    Minute,
    Hour,
    Day,
}

/// A text that is no [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no rate: write a number from 1 to 1000000 and a unit, such as 10/s, 100/m, 1000/h or \
     500/d, and if wanted how many may come at once: 10/s burst 50"
)]
pub struct InvalidRate;

/// A bucket is never asked for more than this.
const MOST: u32 = 1_000_000;

/// What asking a bucket gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// There was a token; the bucket is full again at this time.
    Yes { full_at: u64 },
    /// There is none before this has passed; the bucket is full again at that time.
    No { wait: Duration, full_at: u64 },
}

impl Rate {
    fn new(count: u32, per: Per, burst: Option<u32>) -> Result<Self, InvalidRate> {
        let burst = burst.unwrap_or(count);
        let sane = 1..=MOST;
        if sane.contains(&count) && sane.contains(&burst) {
            Ok(Self { count, per, burst })
        } else {
            Err(InvalidRate)
        }
    }

    /// The same with so many at once.
    ///
    /// # Errors
    /// [`InvalidRate`] where it is none, or more than a million.
    pub fn burst(self, burst: u32) -> Result<Self, InvalidRate> {
        Self::new(self.count, self.per, Some(burst))
    }

    /// How long it takes until one more may come, in nanoseconds.
    pub(super) fn interval(self) -> u64 {
        let seconds = match self.per {
            Per::Second => 1,
            Per::Minute => 60,
            Per::Hour => 60 * 60,
            Per::Day => 24 * 60 * 60,
        };
        Duration::from_secs(seconds).as_nanos() as u64 / u64::from(self.count)
    }

    /// How long it takes for an empty bucket to be full, in nanoseconds.
    pub(super) fn depth(self) -> u64 {
        self.interval().saturating_mul(u64::from(self.burst))
    }

    /// The same rate, so many times as often and so many times as many at once.
    pub(super) fn times(self, factor: u32) -> Self {
        let more = |number: u32| number.saturating_mul(factor).min(MOST);
        Self {
            count: more(self.count),
            per: self.per,
            burst: more(self.burst),
        }
    }

    /// Takes one token out of a bucket that is full at `full_at` (in nanoseconds, as is `now`).
    ///
    /// A clock that was set back makes a bucket look as if it had been emptied long ago in advance: it
    /// is empty then, and no worse, so that nobody waits for longer than an empty bucket makes them.
    pub(super) fn take(self, full_at: u64, now: u64) -> Taken {
        let (interval, depth) = (self.interval(), self.depth());
        let full_at = full_at.clamp(now, now.saturating_add(depth));
        let next = full_at.saturating_add(interval);
        let latest = now.saturating_add(depth);
        if next <= latest {
            Taken::Yes { full_at: next }
        } else {
            Taken::No {
                wait: Duration::from_nanos(next - latest),
                full_at,
            }
        }
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (rate, burst) = match text.split_once(" burst ") {
            Some((rate, burst)) => (rate, Some(number(burst)?)),
            None => (text, None),
        };
        let (count, unit) = rate.split_once('/').ok_or(InvalidRate)?;
        let per = match unit {
            "s" => Per::Second,
            "m" => Per::Minute,
            "h" => Per::Hour,
            "d" => Per::Day,
            _ => return Err(InvalidRate),
        };
        Self::new(number(count)?, per, burst)
    }
}

fn number(text: &str) -> Result<u32, InvalidRate> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or(InvalidRate)
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per {
            Per::Second => 's',
            Per::Minute => 'm',
            Per::Hour => 'h',
            Per::Day => 'd',
        };
        write!(f, "{}/{unit}", self.count)?;
        if self.burst == self.count {
            return Ok(());
        }
        write!(f, " burst {}", self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_as_they_are_written() {
        for text in [
            "10/s",
            "100/m",
            "1000/h",
            "1/d",
            "10/s burst 50",
            "1/s burst 1000000",
        ] {
            let rate: Rate = text.parse().expect("a rate");
            assert_eq!(rate.to_string(), text);
        }
        let same: Rate = "10/s burst 10".parse().expect("a rate");
        assert_eq!(same.to_string(), "10/s");
        for text in [
            "",
            "10",
            "/s",
            "10/",
            "10/x",
            "10/sec",
            "0/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "10 /s",
            "10/s ",
            "1000001/s",
            "10/s burst 0",
            "10/s burst",
            "10/s burst 99999999999",
            "99999999999/s",
            "10/s  burst 5",
            "١/s",
        ] {
            assert_eq!(text.parse::<Rate>(), Err(InvalidRate), "{text:?}");
        }
    }

    const SECOND: u64 = 1_000_000_000;
    /// Some time; a bucket that nobody has touched is full since 0.
    const NOW: u64 = 1_000_000 * SECOND;

    /// Asks at these times (in milliseconds from [`NOW`]); `+` for a token, else the wait in
    /// milliseconds.
    fn asked(rate: &str, at: &[i64]) -> Vec<String> {
        let rate: Rate = rate.parse().expect("a rate");
        let mut full_at = 0;
        let ask = |at: &i64| match rate.take(full_at, NOW.saturating_add_signed(at * 1_000_000)) {
            Taken::Yes { full_at: next } => {
                full_at = next;
                "+".to_owned()
            }
            Taken::No {
                wait,
                full_at: same,
            } => {
                full_at = same;
                wait.as_millis().to_string()
            }
        };
        at.iter().map(ask).collect()
    }

    #[test]
    fn a_bucket_gives_what_is_in_it_and_no_more() {
        #[rustfmt::skip]
        let table: [(&str, &[i64], &[&str]); 10] = [
            // One in 100 ms, two at once.
            ("10/s burst 2", &[0, 0, 0, 99, 100, 100, 200], &["+", "+", "100", "1", "+", "100", "+"]),
            // A burst of one is a steady beat.
            ("2/s burst 1", &[0, 1, 499, 500, 999, 1_000], &["+", "499", "1", "+", "1", "+"]),
            // The whole count at once, then one in each interval.
            ("3/m", &[0, 0, 0, 0, 19_999, 20_000, 20_000], &["+", "+", "+", "20000", "1", "+", "20000"]),
            // A bucket is never more than full, however long nobody came.
            ("1/s burst 2", &[0, 9_000_000, 9_000_000, 9_000_000], &["+", "+", "+", "1000"]),
            // To be refused costs nothing.
            ("1/s", &[0, 1, 2, 3, 1_000], &["+", "999", "998", "997", "+"]),
            // The clock is set back by an hour: as if the bucket were empty, at the worst.
            ("1/s burst 2", &[0, 0, -3_600_000, -3_599_000, -3_599_000], &["+", "+", "1000", "+", "1000"]),
            ("1/s burst 5", &[0, -3_600_000, -3_599_000], &["+", "1000", "+"]),
            // And on by an hour: it is full.
            ("1/s burst 2", &[0, 0, 3_600_000, 3_600_000, 3_600_000], &["+", "+", "+", "+", "1000"]),
            // To 1970.
            ("1/d", &[0, -1_000_000_000], &["+", "86400000"]),
            ("1000000/s", &[0, 0, 0], &["+", "+", "+"]),
        ];
        for (rate, at, expected) in table {
            assert_eq!(asked(rate, at), expected, "{rate} {at:?}");
        }
    }

    /// In any stretch of time no more than the burst and what flows in meanwhile.
    #[test]
    fn no_pattern_of_asking_gets_more() {
        let rate: Rate = "100/s burst 7".parse().expect("a rate");
        for step in [1, 3, 7, 10, 11, 50] {
            let (mut full_at, mut given) = (0, Vec::new());
            for at in (0..2_000).step_by(step) {
                let now = NOW + at as u64 * 1_000_000;
                if let Taken::Yes { full_at: next } = rate.take(full_at, now) {
                    full_at = next;
                    given.push(at);
                }
            }
            for (index, from) in given.iter().enumerate() {
                for (count, to) in given[index..].iter().enumerate() {
                    let most = 7 + (to - from) / 10;
                    assert!(
                        count < most,
                        "{count} from {from} to {to} ms in steps of {step}"
                    );
                }
            }
        }
    }

    #[test]
    fn no_number_overflows() {
        for rate in ["1/d burst 1000000", "1000000/s burst 1000000"] {
            let rate: Rate = rate.parse().expect("a rate");
            for (full_at, now) in [(0, u64::MAX), (u64::MAX, 0), (u64::MAX, u64::MAX), (0, 0)] {
                let _ = rate.times(u32::MAX).take(full_at, now);
                let _ = rate.take(full_at, now);
            }
        }
    }
}
