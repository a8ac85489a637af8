//! How often one operation is sent again, and how long it waits in all.

use std::time::Duration;

use super::Setback;
use crate::client::{HttpSettings, RefusedRequest};

/// Once for a token that is no longer valid.
const MOST_NEW_TOKENS: usize = 1;

/// Twice for one that must be widened (MCP 2026-07-28, step-up: "no more than a few times").
const MOST_STEP_UPS: usize = 2;

/// The wait where a server does not say how long, and the shortest one where it does.
const BACK_OFF: Duration = Duration::from_millis(500);
const SHORTEST: Duration = Duration::from_millis(100);

/// What is left of it, for one operation.
#[derive(Debug)]
pub(in crate::client) struct Patience {
    new_tokens: usize,
    step_ups: usize,
    waits: usize,
    most_waits: usize,
    time: Duration,
}

impl Patience {
    pub(in crate::client) fn new(settings: &HttpSettings) -> Self {
        Self {
            new_tokens: 0,
            step_ups: 0,
            waits: 0,
            most_waits: settings.most_waits,
            time: settings.longest_wait,
        }
    }

    /// Whether another token may be tried after this refusal.
    pub(super) fn allows_another_token(&self, refused: &RefusedRequest) -> bool {
        match refused.status {
            401 => self.new_tokens < MOST_NEW_TOKENS,
            _ => self.step_ups < MOST_STEP_UPS,
        }
    }

    /// Another token is tried.
    pub(super) fn another_token(&mut self, refused: &RefusedRequest) {
        match refused.status {
            401 => self.new_tokens += 1,
            _ => self.step_ups += 1,
        }
    }

    /// Whether a new token has already been tried against such a refusal.
    pub(super) fn has_tried(&self, refused: &RefusedRequest) -> bool {
        match refused.status {
            401 => self.new_tokens > 0,
            _ => self.step_ups > 0,
        }
    }

    /// How long to wait before trying again; `None`: it is not tried again.
    pub(super) fn wait(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        let wait = match retry_after {
            Some(asked) => asked.max(SHORTEST),
            None if self.waits == 0 => BACK_OFF,
            None => return None,
        };
        if self.waits >= self.most_waits || wait > self.time {
            return None;
        }
        self.waits += 1;
        self.time -= wait;
        Some(wait)
    }

    /// The same for an answer that is no refusal.
    pub(super) fn wait_after(&mut self, setback: &Setback) -> Option<Duration> {
        match setback {
            Setback::Busy { retry_after, .. } => self.wait(*retry_after),
            Setback::Refused(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(most: usize, seconds: u64, asked: &[Option<u64>]) -> Vec<Option<Duration>> {
        let settings =
            HttpSettings::default().retry_unavailable(most, Duration::from_secs(seconds));
        let mut patience = Patience::new(&settings);
        let asked = asked.iter().map(|asked| asked.map(Duration::from_secs));
        asked.map(|asked| patience.wait(asked)).collect()
    }

    #[test]
    fn a_server_is_waited_for_within_limits() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let short = Some(SHORTEST);
        let back_off = Some(BACK_OFF);
        type Row<'a> = (usize, u64, &'a [Option<u64>], &'a [Option<Duration>]);
        #[rustfmt::skip]
        let table: &[Row<'_>] = &[
            (3, 30, &[Some(10), Some(10), Some(10), Some(0)], &[seconds(10), seconds(10), seconds(10), None]),
            (3, 30, &[Some(31)], &[None]),
            (3, 30, &[Some(29), Some(2), Some(1)], &[seconds(29), None, seconds(1)]),
            // No busy loop, and no endless one.
            (3, 30, &[Some(0); 5], &[short, short, short, None, None]),
            (3, 30, &[None, None], &[back_off, None]),
            (3, 30, &[Some(1), None], &[seconds(1), None]),
            (3, 0, &[Some(0)], &[None]),
            (3, 0, &[None], &[None]),
            (0, 30, &[Some(0)], &[None]),
            (3, 30, &[Some(u64::MAX)], &[None]),
        ];
        for (most, time, asked, expected) in table {
            assert_eq!(
                waits(*most, *time, asked),
                *expected,
                "{most} {time} {asked:?}"
            );
        }
    }
}
