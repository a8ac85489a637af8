//! What was aimed at, and whether it was met.

use super::tables::{remembered_ones, speed_up};
use crate::bench::{
    samples::{Samples, cpu},
    table::{markdown, thousands},
};

/// Part of the cores that counts as near to them.
const NEAR: f64 = 0.8;

/// A line for each aim.
pub(super) fn table(samples: &Samples, cores: usize) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for group in ["ES256", "RS256"]
        .iter()
        .flat_map(|one| samples.groups(one))
    {
        let ratio = samples.ratio((group, "JwtVerifier"), (group, "bare"), cpu)?;
        rows.push(row(
            &format!("{group}: at most 1.3 times the bare signature check"),
            &format!("{ratio:.2}"),
            ratio <= 1.3,
        ));
    }
    for (name, one) in remembered_ones(samples) {
        let nanos = samples.median(one, cpu)?;
        rows.push(row(
            &format!("{name}, remembered: below 1 µs of CPU"),
            &format!("{} ns", thousands(nanos)),
            nanos < 1_000.0,
        ));
    }
    let store = |own, bare| samples.ratio(("store", own), ("store", bare), cpu);
    let ratio = store("TokenStore", "bare")?;
    rows.push(row(
        "look-up of an issued token: at most 1.3 times the bare query",
        &format!("{ratio:.2}"),
        ratio <= 1.3,
    ));
    let ratio = store("TokenStore, large", "TokenStore")?;
    rows.push(row(
        "a million issued tokens: the look-up takes less than twice as much",
        &format!("{ratio:.2}"),
        ratio < 2.0,
    ));
    for (what, contender) in [
        ("remembered", "Cached"),
        ("ES256, not remembered", "JwtVerifier"),
    ] {
        let times = speed_up(samples, "8", contender)?;
        let machine = speed_up(samples, "8", "bare")?;
        rows.push(row(
            &format!("{what}: eight threads do {NEAR} times the number of cores ({cores}) or more"),
            &format!("{times:.2} (nothing in common: {machine:.2})"),
            times >= NEAR * cores as f64,
        ));
    }
    Ok(markdown(&["aim", "measured", "met"], &rows))
}

fn row(aim: &str, measured: &str, met: bool) -> Vec<String> {
    let met = if met { "met" } else { "**not met**" };
    vec![aim.to_owned(), measured.to_owned(), met.to_owned()]
}
