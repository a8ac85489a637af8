//! The load and its report.

use std::process::Stdio;

use anyhow::{Context, bail};
use serde_json::Value;

use super::{
    processor::Core,
    programs::Programs,
    server::{Server, Store},
};

/// What is asked for in each request: by default the tool `echo`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load<'a> {
    pub(super) mode: Mode,
    pub(super) token: &'a str,
    /// More options of `bench-load`.
    pub(super) options: &'a [&'a str],
}

/// Which requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Modern,
    LegacySession,
    LegacyStateless,
}

impl Mode {
    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::LegacySession => "legacy-session",
            Self::LegacyStateless => "legacy-stateless",
        }
    }
}

/// How many requests.
#[derive(Debug, Clone, Copy)]
pub(super) enum Amount {
    Requests(u64),
    Seconds(f64),
}

/// What came of a load without a single failure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report {
    pub(super) requests: u64,
    pub(super) per_second: f64,
    pub(super) p50_micros: f64,
    pub(super) p99_micros: f64,
}

/// Calls `echo` with the token of the store.
pub(super) fn send(
    programs: &Programs,
    server: &Server,
    store: &Store,
    mode: Mode,
    connections: u32,
    amount: Amount,
) -> anyhow::Result<Report> {
    let load = Load {
        mode,
        token: &store.token,
        options: &[],
    };
    load.send(programs, server, connections, amount)
}

impl Load<'_> {
    /// Sends requests over this many connections, from the core of the load.
    pub(super) fn send(
        self,
        programs: &Programs,
        server: &Server,
        connections: u32,
        amount: Amount,
    ) -> anyhow::Result<Report> {
        let (flag, value) = match amount {
            Amount::Requests(number) => ("--requests", number.to_string()),
            Amount::Seconds(number) => ("--seconds", number.to_string()),
        };
        let output = Core::Load
            .command(programs.path("bench-load"))
            .args([&server.url, "--mode", self.mode.flag(), flag, &value])
            .args(self.options)
            .args(["--connections", &connections.to_string()])
            .env("PROPUSK_TOKEN", self.token)
            .stderr(Stdio::inherit())
            .output()
            .context("running bench-load")?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("the load against {} failed: {text}", server.url);
        }
        let report: Value = serde_json::from_str(&text)?;
        let number = |name: &str| {
            report[name]
                .as_f64()
                .with_context(|| format!("no {name}: {text}"))
        };
        Ok(Report {
            requests: report["requests"].as_u64().context("no requests")?,
            per_second: number("rps")?,
            p50_micros: number("p50_us")?,
            p99_micros: number("p99_us")?,
        })
    }
}
