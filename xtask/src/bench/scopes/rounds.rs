//! CPU time per request, in interleaved rounds.

use anyhow::ensure;

use super::case::{Case, Contender, Protection, SERVER, Work};
use crate::bench::{
    load::Amount, processor::Core, programs::Programs, server::Server, statistics::median,
};

const CONNECTIONS: u32 = 8;

/// How much is measured.
pub(super) struct Plan {
    rounds: usize,
    seconds: f64,
}

impl Plan {
    pub(super) const FULL: Self = Self {
        rounds: 7,
        seconds: 2.0,
    };
    pub(super) const QUICK: Self = Self {
        rounds: 1,
        seconds: 0.5,
    };
}

/// One server in one round.
#[derive(Debug, Clone, Copy)]
struct Sample {
    case: Case,
    contender: Contender,
    cpu_micros: f64,
}

/// All that were measured, round by round.
pub(super) struct Rounds(Vec<Vec<Sample>>);

pub(super) fn run(programs: &Programs, plan: &Plan) -> anyhow::Result<Rounds> {
    let mut rounds = Vec::new();
    for round in 0..plan.rounds {
        let mut samples = Vec::new();
        for case in Case::all() {
            eprintln!("round {} of {}: {}", round + 1, plan.rounds, case.name());
            let mut contenders = case.contenders();
            let first = round % contenders.len();
            contenders.rotate_left(first);
            for contender in contenders {
                samples.push(sample(programs, plan, case, contender)?);
            }
        }
        rounds.push(samples);
    }
    Ok(Rounds(rounds))
}

fn sample(
    programs: &Programs,
    plan: &Plan,
    case: Case,
    contender: Contender,
) -> anyhow::Result<Sample> {
    let mut command = Core::Server.command(programs.path(SERVER));
    command.args(case.arguments(contender));
    let server = Server::launch(command)?;
    let send = |amount| {
        case.with_load(contender, |load| {
            load.send(programs, &server, CONNECTIONS, amount)
        })
    };
    let spend = |amount| {
        let before = server.cpu_time()?;
        let report = send(amount)?;
        let spent = server.cpu_time()? - before;
        anyhow::Ok((spent.as_secs_f64() * 1e6, report.requests as f64))
    };
    spend(Amount::Requests(match case.work {
        Work::Call(_) => 1_000,
        Work::List => 20,
    }))?;
    // What it takes to open the connections, and to get to know the server over each, is no part of
    // a request.
    let (opening, few) = spend(Amount::Requests(u64::from(CONNECTIONS)))?;
    let (all, many) = spend(Amount::Seconds(plan.seconds))?;
    ensure!(many > few, "nothing was answered");
    server.stop()?;
    Ok(Sample {
        case,
        contender,
        cpu_micros: (all - opening) / (many - few),
    })
}

impl Rounds {
    /// CPU time per request in microseconds, the median over the rounds.
    pub(super) fn cpu_micros(&self, case: Case, contender: Contender) -> f64 {
        self.median(case, |of| of(contender))
    }

    /// The same as a multiple of that of rmcp without authorization.
    pub(super) fn of_rmcp(&self, case: Case, contender: Contender) -> f64 {
        let rmcp = case.like(contender, Protection::None);
        self.median(case, |of| Some(of(contender)? / of(rmcp)?))
    }

    /// What it takes more than the server without scopes, as a part of what rmcp takes.
    pub(super) fn scopes_of_rmcp(&self, case: Case, contender: Contender) -> f64 {
        let rmcp = case.like(contender, Protection::None);
        let tokens = case.like(contender, Protection::Tokens);
        self.median(case, |of| Some((of(contender)? - of(tokens)?) / of(rmcp)?))
    }

    fn median(
        &self,
        case: Case,
        figure: impl Fn(&dyn Fn(Contender) -> Option<f64>) -> Option<f64>,
    ) -> f64 {
        median(self.0.iter().filter_map(|round| {
            figure(&|contender| {
                let mut samples = round.iter();
                let sample = samples.find(|s| s.case == case && s.contender == contender);
                sample.map(|sample| sample.cpu_micros)
            })
        }))
    }
}
