//! What is asked for, and how much of it is left.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use clap::{Args, Parser, ValueEnum};
use propusk_bench::areas;

/// Calls a tool, or lists all, over keep-alive connections and prints one line of JSON
#[derive(Parser)]
pub(crate) struct Options {
    /// URL of the MCP endpoint, http only
    pub(crate) url: String,

    /// Which requests are sent
    #[arg(long, value_enum, default_value = "modern")]
    pub(crate) mode: Mode,

    /// Calls those of so many tools that may be called, in turn, instead of the tool `echo`
    #[arg(long)]
    tools: Option<usize>,

    /// Lists the tools instead, which must be so many
    #[arg(long)]
    pub(crate) list: Option<usize>,

    /// How many connections, each with one request at a time
    #[arg(long, default_value_t = 16)]
    pub(crate) connections: usize,

    #[command(flatten)]
    amount: Amount,

    /// Bearer token
    #[arg(long, env = "PROPUSK_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Amount {
    /// How many requests, over all connections
    #[arg(long)]
    requests: Option<u64>,

    /// For how many seconds
    #[arg(long)]
    seconds: Option<f64>,
}

impl Options {
    /// The names of the tools that are called. Each says its `message` back.
    pub(crate) fn tools(&self) -> Vec<String> {
        match self.tools {
            Some(several) => areas::half_of(several).map(areas::tool_name).collect(),
            None => vec!["echo".to_owned()],
        }
    }
}

/// Which requests are sent.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// 2026-07-28
    Modern,
    /// 2025-11-25, one session for each connection
    LegacySession,
    /// 2025-11-25 without a session
    LegacyStateless,
}

/// How much is left to do, for all connections together. Each request gets its own number.
pub(crate) struct Quota {
    sent: AtomicU64,
    most: u64,
    until: Option<Instant>,
}

impl Quota {
    pub(crate) fn new(options: &Options, now: Instant) -> Self {
        let seconds = options.amount.seconds;
        Self {
            sent: AtomicU64::new(0),
            most: options.amount.requests.unwrap_or(u64::MAX),
            until: seconds.map(|seconds| now + Duration::from_secs_f64(seconds)),
        }
    }

    /// The number of the next request, unless it is enough.
    pub(crate) fn next(&self, now: Instant) -> Option<u64> {
        let in_time = self.until.is_none_or(|until| now < until);
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        (in_time && number < self.most).then_some(number)
    }
}
