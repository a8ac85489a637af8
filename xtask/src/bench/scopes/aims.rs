//! What was aimed at, and whether it was met.

use super::{
    case::{Case, Contender, Protection, Work},
    counts::Counts,
    decisions,
    rounds::Rounds,
};
use crate::bench::{samples::Samples, table::markdown};

/// Of what the unprotected server takes for a call.
const PART: f64 = 0.03;
/// As a multiple of what the unprotected server takes for its list.
const LIST: f64 = 1.2;

/// A line for each aim, by CPU time and by instructions.
pub(super) fn table(
    decisions: &Samples,
    rounds: &Rounds,
    counts: &Counts,
) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for case in Case::all() {
        for contender in case.contenders() {
            let what = format!("{}: {}", case.name(), contender.name());
            match case.work {
                Work::Call(_) if contender.protection == Protection::None => {
                    rows.push(decision(case, contender, decisions, rounds)?);
                }
                Work::Call(_) if contender.protection.has_scopes() => {
                    let parts = [
                        rounds.scopes_of_rmcp(case, contender),
                        counts.scopes_of_rmcp(case, contender),
                    ];
                    let aim = format!("{what}: all of it below 3 %");
                    let cell = |part| (format!("{:+.1} %", 100.0 * part), part < PART);
                    rows.push(row(aim, parts.map(cell).into()));
                }
                Work::List if contender.protection.has_scopes() => {
                    let ratios = [
                        rounds.of_rmcp(case, contender),
                        counts.of_rmcp(case, contender),
                    ];
                    let aim = format!("{what}: at most 1.2 times the unprotected server");
                    let cell = |ratio| (format!("{ratio:.2}"), ratio <= LIST);
                    rows.push(row(aim, ratios.map(cell).into()));
                }
                _ => {}
            }
        }
    }
    let head = ["aim", "CPU", "met", "instructions", "met"];
    Ok(markdown(&head, &rows))
}

/// The decisions without the reading of the body: at the layer, and again at the guard.
fn decision(
    case: Case,
    unprotected: Contender,
    decisions: &Samples,
    rounds: &Rounds,
) -> anyhow::Result<Vec<String>> {
    let part = decisions::micros(decisions, case.tools)? / rounds.cpu_micros(case, unprotected);
    let aim = format!("{}: the two decisions alone below 3 %", case.name());
    let cell = (format!("{:+.1} %", 100.0 * part), part < PART);
    Ok(row(aim, vec![cell]))
}

fn row(aim: String, measured: Vec<(String, bool)>) -> Vec<String> {
    let mut row = vec![aim];
    for (measured, met) in measured {
        row.push(measured);
        row.push(if met { "met" } else { "**not met**" }.to_owned());
    }
    row.resize(5, String::new());
    row
}
