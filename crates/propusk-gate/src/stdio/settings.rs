//! How a program is shared, how many of it run, and how it is started again.

use std::time::Duration;

/// Who shares a child process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Sharing {
    /// One process serves all callers.
    ///
    /// What it asks of a client (sampling, elicitation, roots) cannot always be told to belong to one
    /// caller: stdio has no streams. So it is passed on only where requests of exactly one caller's
    /// session are under way, and refused otherwise. Use [`Principal`](Self::Principal) for servers
    /// that ask.
    #[default]
    All,
    /// One process for each principal: memory, files it keeps open and what it asks are of one caller
    /// only. All anonymous callers are one principal.
    Principal,
}

/// How a program that has ended is started again: after `first`, then twice as long each time, at most
/// `longest`. One that ran for `well` is taken for healthy, and the counting begins anew.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Backoff {
    /// The first pause.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How long it must run to be taken for healthy.
    pub well: Duration,
}

impl Backoff {
    /// Pauses between `first` and `longest`, forgotten after it ran for a minute.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            well: Duration::from_secs(60),
        }
    }

    /// Sets how long it must run to be taken for healthy.
    #[must_use]
    pub fn well(mut self, well: Duration) -> Self {
        self.well = well;
        self
    }

    /// The pause after this many failures in a row, beginning at one.
    pub(super) fn pause(&self, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1));
        let pause = self.first.saturating_mul(doubled.unwrap_or(u32::MAX));
        pause.min(self.longest)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(250), Duration::from_secs(30))
    }
}

/// How a stdio upstream is run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StdioSettings {
    /// Who shares a process.
    pub per: Sharing,
    /// How many processes run at most under [`Sharing::Principal`].
    pub most: usize,
    /// After how much time without a request, a subscription or an open question the process of a
    /// principal is ended.
    pub idle: Duration,
    /// How one that has ended is started again.
    pub backoff: Backoff,
    /// The name of the upstream in the log.
    pub name: String,
    /// How long a request waits for a process that is being started.
    pub patience: Duration,
    /// How long a process may take from its start to its first answer. `npx` may have to fetch the
    /// program first.
    pub start: Duration,
    /// How long a process may take to end by itself, and then after SIGTERM, before SIGKILL.
    pub grace: Duration,
    /// The longest line that a process may send, in bytes.
    pub line: usize,
    /// How long a process may take to read one message when its pipe is full. One that takes longer is
    /// taken for hanging, and started again.
    pub unread: Duration,
    /// How long a 2026-07-28 client may take to answer what a 2025-11-25 server has asked of it in the
    /// middle of a call.
    pub answer: Duration,
}

impl StdioSettings {
    /// One process for all, under this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            per: Sharing::All,
            most: 32,
            idle: Duration::from_secs(10 * 60),
            backoff: Backoff::default(),
            name: name.into(),
            // Clients wait for half a minute or longer, and shall learn why there is no answer.
            patience: Duration::from_secs(25),
            start: Duration::from_secs(120),
            grace: Duration::from_secs(3),
            line: 16 * 1024 * 1024,
            unread: Duration::from_secs(60),
            answer: Duration::from_secs(5 * 60),
        }
    }

    /// Sets who shares a process.
    #[must_use]
    pub fn per(mut self, per: Sharing) -> Self {
        self.per = per;
        self
    }

    /// Sets how many processes run at most under [`Sharing::Principal`] (32 by default).
    #[must_use]
    pub fn most(mut self, most: usize) -> Self {
        self.most = most.max(1);
        self
    }

    /// Sets when the idle process of a principal is ended (ten minutes by default).
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets how a process that has ended is started again.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets how long a request waits for a process that is being started (25 s by default).
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how long a process may take from its start to its first answer (two minutes by default).
    #[must_use]
    pub fn start(mut self, start: Duration) -> Self {
        self.start = start;
        self
    }

    /// Sets how long a process may take to end before it is made to (3 s by default).
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets the longest line that a process may send, in bytes (16 MiB by default).
    #[must_use]
    pub fn line(mut self, bytes: usize) -> Self {
        self.line = bytes;
        self
    }

    /// Sets how long a process may take to read one message (a minute by default). Pipes hold some 64 KiB,
    /// so a server that is busy for long is told from one that hangs only once it has been sent more.
    #[must_use]
    pub fn unread(mut self, unread: Duration) -> Self {
        self.unread = unread;
        self
    }

    /// Sets how long a client may take to answer a question in the middle of a call that crosses the
    /// eras (five minutes by default).
    #[must_use]
    pub fn answer(mut self, answer: Duration) -> Self {
        self.answer = answer;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(3));
        let pauses = [1, 2, 3, 4, 5, 40, u32::MAX].map(|n| backoff.pause(n).as_millis());
        assert_eq!(pauses, [250, 500, 1000, 2000, 3000, 3000, 3000]);
    }
}
