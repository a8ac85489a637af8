//! How long an upstream may take, and how much of its answers is read.

use std::time::Duration;

/// Limits of an HTTP upstream. Answers stream through and need no limit in size; what is read to be
/// changed has one.
#[derive(Debug, Clone)]
#[must_use]
pub struct HttpLimits {
    pub(super) connect: Duration,
    pub(super) first_byte: Duration,
    pub(super) idle: Duration,
    pub(super) event_idle: Option<Duration>,
    pub(super) keep: Duration,
    pub(super) list: Duration,
    pub(super) most_list_bytes: usize,
}

impl HttpLimits {
    /// How long a TCP connection may take to come about (default: 5 s).
    pub fn connect(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// How long the head of an answer may take, from the beginning of the request (default: 5
    /// minutes: a tool that answers in JSON works all that time in silence).
    pub fn first_byte(mut self, limit: Duration) -> Self {
        self.first_byte = limit;
        self
    }

    /// How long an answer that is no stream of events may pause (default: 60 s).
    pub fn idle(mut self, limit: Duration) -> Self {
        self.idle = limit;
        self
    }

    /// How long a stream of events may pause (default: without end; a host that is gone is noticed by
    /// TCP within some minutes).
    pub fn event_idle(mut self, limit: Option<Duration>) -> Self {
        self.event_idle = limit;
        self
    }

    /// How long a connection without a request is kept (default: 4 s, because many servers close
    /// theirs after 5 s, and a request that crosses with that is lost).
    pub fn keep_alive(mut self, limit: Duration) -> Self {
        self.keep = limit;
        self
    }

    /// How long reading a list may take once its answer has begun, so that what its caller may not
    /// use can be taken out (default: 30 s).
    pub fn list(mut self, limit: Duration) -> Self {
        self.list = limit;
        self
    }

    /// The longest list, and the longest event beside one, in bytes (default: 8 MiB). What is longer
    /// is not shown.
    pub fn most_list_bytes(mut self, bytes: usize) -> Self {
        self.most_list_bytes = bytes;
        self
    }
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(300),
            idle: Duration::from_secs(60),
            event_idle: None,
            keep: Duration::from_secs(4),
            list: Duration::from_secs(30),
            most_list_bytes: 8 * 1024 * 1024,
        }
    }
}
