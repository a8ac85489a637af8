//! Instructions per request, under valgrind.

use super::case::{Case, Contender, Protection, SERVER, Work};
use crate::bench::{instructions, load::Amount, programs::Programs, server::Server};

/// All counts.
pub(super) struct Counts(Vec<Count>);

struct Count {
    case: Case,
    contender: Contender,
    per_request: f64,
}

impl Counts {
    pub(super) fn take(programs: &Programs) -> anyhow::Result<Self> {
        instructions::install()?;
        let mut counts = Vec::new();
        for case in Case::all() {
            eprintln!("instructions: {}", case.name());
            for contender in case.contenders() {
                counts.push(Count {
                    case,
                    contender,
                    per_request: count(programs, case, contender)?,
                });
            }
        }
        Ok(Self(counts))
    }

    pub(super) fn of(&self, case: Case, contender: Contender) -> f64 {
        let mut counts = self.0.iter();
        let count = counts.find(|count| count.case == case && count.contender == contender);
        count.map_or(f64::NAN, |count| count.per_request)
    }

    /// As a multiple of that of rmcp without authorization.
    pub(super) fn of_rmcp(&self, case: Case, contender: Contender) -> f64 {
        self.of(case, contender) / self.of(case, case.like(contender, Protection::None))
    }

    /// What it takes more than the server without scopes, as a part of what rmcp takes.
    pub(super) fn scopes_of_rmcp(&self, case: Case, contender: Contender) -> f64 {
        let of = |protection| self.of(case, case.like(contender, protection));
        (self.of(case, contender) - of(Protection::Tokens)) / of(Protection::None)
    }
}

fn count(programs: &Programs, case: Case, contender: Contender) -> anyhow::Result<f64> {
    let (few, many) = match case.work {
        Work::Call(_) => (200, 1200),
        Work::List => (5, 25),
    };
    let total = |requests| {
        let name = format!("{} {} {requests}", case.name(), contender.name());
        let name = name.replace([' ', ','], "-");
        instructions::total_of(programs, &name, |mut valgrind| {
            valgrind
                .arg(programs.path(SERVER))
                .args(case.arguments(contender));
            let server = Server::launch(valgrind)?;
            let amount = Amount::Requests(requests);
            case.with_load(contender, |load| load.send(programs, &server, 1, amount))?;
            Ok(server)
        })
    };
    Ok((total(many)? as f64 - total(few)? as f64) / (many - few) as f64)
}
