//! What was aimed at, and whether it was met.

use super::{
    case::{Case, Work},
    counts::Counts,
    rounds::Rounds,
};
use crate::bench::table::markdown;

/// Of what the unprotected server takes for a call.
const SCOPES: f64 = 0.03;
/// As a multiple of what the unprotected server takes for its list.
const LIST: f64 = 1.2;

/// A line for each aim, by CPU time and by instructions.
pub(super) fn table(rounds: &Rounds, counts: &Counts) -> String {
    let mut rows = Vec::new();
    for case in Case::all() {
        for contender in case.contenders() {
            if !contender.protection.has_scopes() {
                continue;
            }
            let what = format!("{}: {}", case.name(), contender.name());
            let (aim, measured, met) = match case.work {
                Work::Call(_) => {
                    let parts = [
                        rounds.scopes_of_rmcp(case, contender),
                        counts.scopes_of_rmcp(case, contender),
                    ];
                    (
                        "scopes below 3 % of the unprotected server",
                        parts.map(|part| format!("{:+.1} %", 100.0 * part)),
                        parts.map(|part| part < SCOPES),
                    )
                }
                Work::List => {
                    let ratios = [
                        rounds.of_rmcp(case, contender),
                        counts.of_rmcp(case, contender),
                    ];
                    (
                        "at most 1.2 times the unprotected server",
                        ratios.map(|ratio| format!("{ratio:.2}")),
                        ratios.map(|ratio| ratio <= LIST),
                    )
                }
            };
            let mut row = vec![format!("{what}: {aim}")];
            for (measured, met) in measured.into_iter().zip(met) {
                row.push(measured);
                row.push(if met { "met" } else { "**not met**" }.to_owned());
            }
            rows.push(row);
        }
    }
    markdown(&["aim", "CPU", "met", "instructions", "met"], &rows)
}
