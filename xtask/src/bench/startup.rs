//! From start to ready.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use super::{
    programs::Programs,
    server::{Contender, Kind, Server, Store},
    statistics::median,
    table::markdown,
};

const STARTS: usize = 10;

/// How long `propusk serve` took with a store that was there, in milliseconds.
pub(super) struct Startup(Vec<f64>);

/// Starts the server ten times, each time until `/readyz` answers 200.
pub(super) fn measure(programs: &Programs) -> anyhow::Result<Startup> {
    let store = Store::create(programs)?;
    let times = (0..STARTS)
        .map(|_| start(programs, &store))
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Startup(
        times.iter().map(|time| time.as_secs_f64() * 1e3).collect(),
    ))
}

fn start(programs: &Programs, store: &Store) -> anyhow::Result<Duration> {
    let contender = Contender {
        kind: Kind::Propusk,
        sessions: true,
    };
    let command = Command::new(contender.program(programs));
    let began = Instant::now();
    let server = Server::listen(command, contender, store)?;
    ask_ready(&server.url)?;
    let took = began.elapsed();
    server.stop()?;
    Ok(took)
}

fn ask_ready(url: &str) -> anyhow::Result<()> {
    let authority = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split('/').next());
    let authority = authority.context("the URL has no authority")?;
    let mut stream = TcpStream::connect(authority)?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "/readyz says {answer}");
    Ok(())
}

impl Startup {
    pub(super) fn median_millis(&self) -> f64 {
        median(self.0.iter().copied())
    }

    pub(super) fn table(&self) -> String {
        let slowest = self.0.iter().copied().fold(0.0, f64::max);
        let row = |name: &str, millis: f64| vec![name.to_owned(), format!("{millis:.1}")];
        markdown(
            &["`propusk serve`, from start to ready", "ms"],
            &[
                row(&format!("median of {}", self.0.len()), self.median_millis()),
                row("slowest", slowest),
            ],
        )
    }
}
