//! Resident memory after a million requests.

use super::{
    load::{self, Amount, Mode},
    processor::Core,
    programs::Programs,
    server::{Contender, Kind, Server, Store},
    table::markdown,
};

const MILLION: u64 = 1_000_000;
const CONNECTIONS: u32 = 16;

/// Memory of `propusk serve`, in MiB.
pub(super) struct Memory {
    at_start: f64,
    pub(super) after_million: f64,
    peak: f64,
}

pub(super) fn measure(programs: &Programs) -> anyhow::Result<Memory> {
    let contender = Contender {
        kind: Kind::Propusk,
        sessions: true,
    };
    let store = Store::create(programs)?;
    let server = Server::start(programs, contender, &store, Core::Server)?;
    let send = |number| {
        let amount = Amount::Requests(number);
        load::send(programs, &server, &store, Mode::Modern, CONNECTIONS, amount)
    };
    send(1)?;
    let mib = |kib: u64| kib as f64 / 1024.0;
    let at_start = mib(server.resident_kib()?);
    eprintln!("a million requests");
    send(MILLION)?;
    let memory = Memory {
        at_start,
        after_million: mib(server.resident_kib()?),
        peak: mib(server.peak_kib()?),
    };
    server.stop()?;
    Ok(memory)
}

impl Memory {
    pub(super) fn table(&self) -> String {
        let row = |name: &str, mib: f64| vec![name.to_owned(), format!("{mib:.1}")];
        markdown(
            &["resident memory of `propusk serve`", "MiB"],
            &[
                row("after the first request", self.at_start),
                row("after a million requests", self.after_million),
                row("at most", self.peak),
            ],
        )
    }
}
