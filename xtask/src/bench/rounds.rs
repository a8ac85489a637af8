//! Interleaved rounds: all servers in each of them, and ratios only within one.

use anyhow::ensure;

use super::{
    load::{self, Amount, Mode, Report},
    processor::Core,
    programs::Programs,
    server::{Contender, Kind, Server, Store},
    statistics::median,
    table::{markdown, thousands},
};

const CONNECTIONS: u32 = 16;

/// How much is measured.
pub(super) struct Plan {
    pub(super) rounds: usize,
    pub(super) seconds: f64,
    pub(super) warm_up: u64,
}

impl Plan {
    pub(super) const FULL: Self = Self {
        rounds: 5,
        seconds: 4.0,
        warm_up: 2000,
    };
    pub(super) const QUICK: Self = Self {
        rounds: 1,
        seconds: 1.0,
        warm_up: 500,
    };
}

/// The requests of a part of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workload {
    Modern,
    Session,
}

impl Workload {
    pub(super) const ALL: [Self; 2] = [Self::Modern, Self::Session];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Modern => "2026-07-28",
            Self::Session => "2025-11-25 session",
        }
    }

    /// The bare handler knows no sessions; it gets the same calls without.
    fn mode(self, kind: Kind) -> Mode {
        match (self, kind) {
            (Self::Modern, _) => Mode::Modern,
            (Self::Session, Kind::Bare) => Mode::LegacyStateless,
            (Self::Session, _) => Mode::LegacySession,
        }
    }
}

/// One server under one workload in one round.
#[derive(Debug, Clone, Copy)]
struct Sample {
    workload: Workload,
    kind: Kind,
    report: Report,
    cpu_micros: f64,
    resident_mib: f64,
}

/// All that were measured, round by round.
pub(super) struct Rounds(Vec<Vec<Sample>>);

pub(super) fn run(programs: &Programs, plan: &Plan) -> anyhow::Result<Rounds> {
    let mut rounds = Vec::new();
    for round in 0..plan.rounds {
        let mut samples = Vec::new();
        for workload in Workload::ALL {
            let mut kinds = Kind::ALL;
            // Nobody is always the first, or the one after the bare handler.
            kinds.rotate_left(round % Kind::ALL.len());
            for kind in kinds {
                eprintln!(
                    "round {} of {}: {}, {}",
                    round + 1,
                    plan.rounds,
                    workload.name(),
                    kind.name()
                );
                samples.push(sample(programs, plan, workload, kind)?);
            }
        }
        rounds.push(samples);
    }
    Ok(Rounds(rounds))
}

fn sample(
    programs: &Programs,
    plan: &Plan,
    workload: Workload,
    kind: Kind,
) -> anyhow::Result<Sample> {
    let store = Store::create(programs)?;
    let server = Server::start(
        programs,
        Contender {
            kind,
            sessions: true,
        },
        &store,
        Core::Server,
    )?;
    let mode = workload.mode(kind);
    let send = |amount| load::send(programs, &server, &store, mode, CONNECTIONS, amount);
    send(Amount::Requests(plan.warm_up))?;
    let before = server.cpu_time()?;
    let report = send(Amount::Seconds(plan.seconds))?;
    let spent = server.cpu_time()? - before;
    ensure!(report.requests > 0, "nothing was answered");
    let sample = Sample {
        workload,
        kind,
        report,
        cpu_micros: spent.as_secs_f64() * 1e6 / report.requests as f64,
        resident_mib: server.resident_kib()? as f64 / 1024.0,
    };
    server.stop()?;
    Ok(sample)
}

impl Rounds {
    /// The median over the rounds of one figure.
    fn median(&self, workload: Workload, kind: Kind, figure: impl Fn(&Sample) -> f64) -> f64 {
        median(
            self.0
                .iter()
                .filter_map(|round| find(round, workload, kind))
                .map(figure),
        )
    }

    /// The median over the rounds of a figure's ratio to that of another server.
    fn ratio(
        &self,
        workload: Workload,
        (kind, reference): (Kind, Kind),
        figure: impl Fn(&Sample) -> f64,
    ) -> f64 {
        median(self.0.iter().filter_map(|round| {
            let (own, other) = (
                find(round, workload, kind)?,
                find(round, workload, reference)?,
            );
            Some(figure(own) / figure(other))
        }))
    }

    /// CPU time per request, as a multiple of that of rmcp without authorization.
    pub(super) fn cpu_over_rmcp(&self, workload: Workload) -> f64 {
        self.ratio(workload, (Kind::Propusk, Kind::Rmcp), |sample| {
            sample.cpu_micros
        })
    }

    /// Requests per second, as a part of those of the bare handler.
    pub(super) fn rate_of_bare(&self, workload: Workload) -> f64 {
        self.ratio(workload, (Kind::Propusk, Kind::Bare), |sample| {
            sample.report.per_second
        })
    }
}

fn find(round: &[Sample], workload: Workload, kind: Kind) -> Option<&Sample> {
    round
        .iter()
        .find(|sample| sample.workload == workload && sample.kind == kind)
}

/// Medians, and medians of the ratios within a round.
pub(super) fn table(rounds: &Rounds) -> String {
    let head = [
        "requests, server",
        "requests/s",
        "of bare",
        "CPU µs/request",
        "over rmcp",
        "p50 µs",
        "p99 µs",
        "resident MiB",
    ];
    let mut rows = Vec::new();
    for workload in Workload::ALL {
        for kind in Kind::ALL {
            let median = |figure: fn(&Sample) -> f64| rounds.median(workload, kind, figure);
            let rate = |sample: &Sample| sample.report.per_second;
            let cpu = |sample: &Sample| sample.cpu_micros;
            rows.push(vec![
                format!("{}, {}", workload.name(), kind.name()),
                thousands(median(|sample| sample.report.per_second)),
                format!("{:.2}", rounds.ratio(workload, (kind, Kind::Bare), rate)),
                format!("{:.1}", median(|sample| sample.cpu_micros)),
                format!(
                    "{:+.1} %",
                    100.0 * (rounds.ratio(workload, (kind, Kind::Rmcp), cpu) - 1.0)
                ),
                thousands(median(|sample| sample.report.p50_micros)),
                thousands(median(|sample| sample.report.p99_micros)),
                format!("{:.1}", median(|sample| sample.resident_mib)),
            ]);
        }
    }
    markdown(&head, &rows)
}
