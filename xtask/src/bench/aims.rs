//! What was aimed at, and whether it was met.

use super::{
    memory::Memory,
    rounds::{Rounds, Workload},
    startup::Startup,
    table::markdown,
};

/// A line for each aim.
pub(super) fn table(rounds: &Rounds, startup: &Startup, memory: Option<&Memory>) -> String {
    let mut rows = Vec::new();
    for workload in Workload::ALL {
        let over = 100.0 * (rounds.cpu_over_rmcp(workload) - 1.0);
        rows.push(row(
            &format!(
                "{}: at most 5 % more CPU per request than rmcp alone",
                workload.name()
            ),
            &format!("{over:+.1} %"),
            over <= 5.0,
        ));
    }
    for workload in Workload::ALL {
        let part = rounds.rate_of_bare(workload);
        rows.push(row(
            &format!(
                "{}: at least 0.5 of the bare handler's requests per second",
                workload.name()
            ),
            &format!("{part:.2}"),
            part >= 0.5,
        ));
    }
    if let Some(memory) = memory {
        let megabytes = memory.after_million * 1.048_576;
        rows.push(row(
            "below 40 MB resident after a million requests",
            &format!("{megabytes:.1} MB"),
            megabytes < 40.0,
        ));
    }
    let millis = startup.median_millis();
    rows.push(row(
        "ready within 100 ms of start",
        &format!("{millis:.1} ms"),
        millis <= 100.0,
    ));
    markdown(&["aim", "measured", "met"], &rows)
}

fn row(aim: &str, measured: &str, met: bool) -> Vec<String> {
    vec![
        aim.to_owned(),
        measured.to_owned(),
        if met { "met" } else { "**not met**" }.to_owned(),
    ]
}
