//! `bench-load`: authenticated `tools/call` or `tools/list` over keep-alive connections, as fast as
//! the server answers.
//!
//! One thread, requests that are bytes from the start, and answers of which only as much is parsed
//! as shows that they are complete and right. Each answer must contain the number of its request, and
//! what was to be said back or as many tools as were expected.

mod answer;
mod connection;
mod plan;
mod request;

use std::{process::ExitCode, sync::Arc, time::Instant};

use clap::Parser;
use serde_json::json;

use connection::Connection;
use plan::{Options, Quota};

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    // One thread: what is measured is the server, on the other core.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(run(options))?;
    println!("{}", report.to_json());
    Ok(if report.failures == 0 && !report.nanos.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Opens all connections and sessions, and then starts the clock.
async fn run(options: Options) -> anyhow::Result<Report> {
    let target = request::Target::parse(&options.url)?;
    let mut connections = Vec::new();
    for _ in 0..options.connections {
        connections.push(Connection::open(&target, &options).await?);
    }
    let began = Instant::now();
    let quota = Arc::new(Quota::new(&options, began));
    let running: Vec<_> = connections
        .into_iter()
        .map(|connection| tokio::spawn(connection.run(Arc::clone(&quota))))
        .collect();
    let mut report = Report::default();
    let mut ended = Vec::new();
    for connection in running {
        let (connection, outcome) = connection.await?;
        report.failures += outcome.failures;
        report.nanos.extend(outcome.nanos);
        ended.push(connection);
    }
    report.seconds = began.elapsed().as_secs_f64();
    report.nanos.sort_unstable();
    for connection in ended {
        connection.close().await;
    }
    Ok(report)
}

/// What came of it.
#[derive(Default)]
struct Report {
    failures: u64,
    seconds: f64,
    /// How long each right answer took, sorted.
    nanos: Vec<u32>,
}

impl Report {
    fn to_json(&self) -> serde_json::Value {
        let requests = self.nanos.len() as u64 + self.failures;
        json!({
            "requests": requests,
            "failures": self.failures,
            "seconds": self.seconds,
            "rps": (self.nanos.len() as f64 / self.seconds).round(),
            "p50_us": self.micros_at(0.50),
            "p99_us": self.micros_at(0.99),
        })
    }

    fn micros_at(&self, quantile: f64) -> f64 {
        let index = (self.nanos.len() as f64 * quantile) as usize;
        let nanos = self.nanos.get(index).or(self.nanos.last());
        nanos.map_or(0.0, |nanos| f64::from(nanos / 100) / 10.0)
    }
}
