//! What a child writes to its standard error, in our log: cut, counted and without control
//! characters, so that a server can neither fill a disk nor forge a line.

use std::time::{Duration, Instant};

use tokio::{io::AsyncRead, task::JoinHandle};

use super::lines::{Line, Lines};

/// Bytes of one line that are logged.
const LINE: usize = 1024;

/// Lines that are logged within one [`WINDOW`].
const LINES: u32 = 100;

const WINDOW: Duration = Duration::from_secs(10);

/// Logs all lines of a child until it closes the stream.
pub(super) fn follow(
    upstream: String,
    stream: impl AsyncRead + Unpin + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = Lines::new(stream, LINE);
        let mut rate = Rate::new(Instant::now());
        while let Some(line) = lines.next().await {
            let (text, cut) = match &line {
                Line::Whole(text) => (text, ""),
                Line::TooLong { head, .. } => (head, "…"),
            };
            let (passes, missed) = rate.pass(Instant::now());
            if missed > 0 {
                tracing::warn!(target: "propusk::upstream", upstream, missed,
                    "lines of this upstream were not logged: there were too many");
            }
            if passes && !text.is_empty() {
                let line = plain(text);
                tracing::info!(target: "propusk::upstream", upstream, "{line}{cut}");
            }
        }
    })
}

/// Text without anything that a terminal or a log would act upon.
pub(in crate::stdio) fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let visible = |sign: char| if is_plain(sign) { sign } else { '\u{fffd}' };
    text.trim_end().chars().map(visible).collect()
}

/// Control characters act on terminals; so do the signs that turn the direction of a text.
fn is_plain(sign: char) -> bool {
    let turns = ('\u{202a}'..='\u{202e}').contains(&sign)
        || ('\u{2066}'..='\u{2069}').contains(&sign)
        || ['\u{2028}', '\u{2029}'].contains(&sign);
    sign == '\t' || !(sign.is_control() || turns)
}

/// So many within a time, and how many there were besides.
#[derive(Debug)]
pub(in crate::stdio) struct Rate {
    since: Instant,
    passed: u32,
    missed: u64,
}

impl Rate {
    pub(in crate::stdio) fn new(now: Instant) -> Self {
        Self {
            since: now,
            passed: 0,
            missed: 0,
        }
    }

    /// Whether one more may pass, and how many have not since this was last told.
    pub(in crate::stdio) fn pass(&mut self, now: Instant) -> (bool, u64) {
        let mut missed = 0;
        if now.duration_since(self.since) >= WINDOW {
            missed = std::mem::take(&mut self.missed);
            (self.since, self.passed) = (now, 0);
        }
        let passes = self.passed < LINES;
        if passes {
            self.passed += 1;
        } else {
            self.missed += 1;
        }
        (passes, missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_is_left() {
        for (written, logged) in [
            (&b"plain\ttext \r"[..], "plain\ttext"),
            (b"\x1b[31mred\x07", "\u{fffd}[31mred\u{fffd}"),
            (b"a\rb", "a\u{fffd}b"),
            (b"\xff", "\u{fffd}"),
            ("\u{202e}txt".as_bytes(), "\u{fffd}txt"),
        ] {
            assert_eq!(plain(written), logged);
        }
    }

    #[test]
    fn a_flood_is_counted_and_told_of_later() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        let passed = (0..250).filter(|_| rate.pass(start).0).count();
        assert_eq!(passed, 100);
        assert_eq!(rate.pass(start + WINDOW), (true, 150));
        assert_eq!(rate.pass(start + WINDOW), (true, 0));
    }
}
