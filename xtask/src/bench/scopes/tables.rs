//! The tables of requests.

use super::{
    case::{Case, Contender},
    counts::Counts,
    rounds::Rounds,
};
use crate::bench::table::{markdown, thousands};

pub(super) fn rounds(rounds: &Rounds) -> String {
    table("CPU µs/request", |case, contender| {
        [
            format!("{:.1}", rounds.cpu_micros(case, contender)),
            more(rounds.of_rmcp(case, contender)),
            share(rounds.scopes_of_rmcp(case, contender), contender),
        ]
    })
}

pub(super) fn counts(counts: &Counts) -> String {
    table("instructions/request", |case, contender| {
        [
            thousands(counts.of(case, contender)),
            more(counts.of_rmcp(case, contender)),
            share(counts.scopes_of_rmcp(case, contender), contender),
        ]
    })
}

fn table(what: &str, figures: impl Fn(Case, Contender) -> [String; 3]) -> String {
    let mut rows = Vec::new();
    for case in Case::all() {
        for contender in case.contenders() {
            let mut row = vec![format!("{}: {}", case.name(), contender.name())];
            row.extend(figures(case, contender));
            rows.push(row);
        }
    }
    markdown(
        &["requests, server", what, "over rmcp", "of it, scopes"],
        &rows,
    )
}

fn more(ratio: f64) -> String {
    format!("{:+.1} %", 100.0 * (ratio - 1.0))
}

fn share(part: f64, contender: Contender) -> String {
    match contender.protection.has_scopes() {
        true => format!("{:+.1} %", 100.0 * part),
        false => String::new(),
    }
}
