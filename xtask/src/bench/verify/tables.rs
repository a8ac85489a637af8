//! The tables: medians over the rounds, and medians of the ratios within a round.

use crate::bench::{
    samples::{Samples, cpu, elapsed},
    table::{markdown, thousands},
};

/// The algorithms, as the groups begin.
pub(super) const ALGORITHMS: [&str; 3] = ["ES256", "RS256", "EdDSA"];
pub(super) const THREADS: [&str; 4] = ["1", "2", "4", "8"];

/// `large`: how many tokens the large store holds.
pub(super) fn all(samples: &Samples, large: u64) -> anyhow::Result<Vec<String>> {
    Ok(vec![
        signatures(samples)?,
        database(samples, large)?,
        introspection(samples)?,
        remembered(samples)?,
        threads(samples)?,
    ])
}

fn micros(nanos: f64) -> String {
    format!("{:.1}", nanos / 1_000.0)
}

fn signatures(samples: &Samples) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for group in ALGORITHMS.iter().flat_map(|one| samples.groups(one)) {
        let (own, bare) = ((group, "JwtVerifier"), (group, "bare"));
        rows.push(vec![
            group.to_owned(),
            micros(samples.median(own, cpu)?),
            micros(samples.median(bare, cpu)?),
            format!("{:.2}", samples.ratio(own, bare, cpu)?),
        ]);
    }
    let head = [
        "JSON Web Token, not remembered",
        "`JwtVerifier`, CPU µs",
        "bare signature check, CPU µs",
        "ratio",
    ];
    Ok(markdown(&head, &rows))
}

fn database(samples: &Samples, large: u64) -> anyhow::Result<String> {
    let large = format!("{} tokens", thousands(large as f64));
    let mut rows = Vec::new();
    for (name, own, bare) in [
        ("15,000 tokens in the store", "TokenStore", "bare"),
        (large.as_str(), "TokenStore, large", "bare, large"),
        (
            "the large store to the small one",
            "TokenStore, large",
            "TokenStore",
        ),
    ] {
        let (own, bare) = (("store", own), ("store", bare));
        rows.push(vec![
            name.to_owned(),
            micros(samples.median(own, cpu)?),
            micros(samples.median(bare, cpu)?),
            format!("{:.2}", samples.ratio(own, bare, cpu)?),
            format!("{:.2}", samples.ratio(own, bare, elapsed)?),
        ]);
    }
    let head = [
        "issued token, not remembered",
        "`TokenStore`, CPU µs",
        "bare query (last row: small store), CPU µs",
        "ratio",
        "ratio of the time that passes",
    ];
    Ok(markdown(&head, &rows))
}

fn introspection(samples: &Samples) -> anyhow::Result<String> {
    let own = ("introspection", "IntrospectionVerifier");
    let bare = ("introspection", "bare");
    let row = vec![
        "a server on this machine".to_owned(),
        micros(samples.median(own, cpu)?),
        micros(samples.median(bare, cpu)?),
        format!("{:.2}", samples.ratio(own, bare, cpu)?),
        format!("{:.2}", samples.ratio(own, bare, elapsed)?),
    ];
    let head = [
        "introspection, not remembered",
        "`IntrospectionVerifier`, CPU µs",
        "bare request, CPU µs",
        "ratio",
        "ratio of the time that passes",
    ];
    Ok(markdown(&head, &[row]))
}

/// What is measured from memory, with its name.
pub(super) fn remembered_ones(samples: &Samples) -> Vec<(String, (&str, &str))> {
    let cached = samples.contenders("remembered");
    let mut ones: Vec<_> = cached
        .map(|name| {
            (
                format!("`JwtVerifier` in `{}", name.replacen(',', "`,", 1)),
                ("remembered", name),
            )
        })
        .collect();
    ones.push(("`TokenStore`".to_owned(), ("store", "remembered")));
    ones.push((
        "`IntrospectionVerifier`".to_owned(),
        ("introspection", "remembered"),
    ));
    ones
}

fn remembered(samples: &Samples) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for (name, one) in remembered_ones(samples) {
        rows.push(vec![name, thousands(samples.median(one, cpu)?)]);
    }
    Ok(markdown(&["remembered token", "CPU ns"], &rows))
}

/// How many times as many verifications in the same time as one thread alone.
pub(super) fn speed_up(samples: &Samples, threads: &str, contender: &str) -> anyhow::Result<f64> {
    samples.ratio(("1", contender), (threads, contender), elapsed)
}

fn threads(samples: &Samples) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for threads in THREADS {
        let mut row = vec![threads.to_owned()];
        for contender in ["Cached", "JwtVerifier", "bare"] {
            row.push(format!("{:.2}", speed_up(samples, threads, contender)?));
        }
        for contender in ["Cached", "JwtVerifier"] {
            let (own, alone) = ((threads, contender), ("1", contender));
            row.push(format!("{:.2}", samples.ratio(own, alone, cpu)?));
        }
        rows.push(row);
    }
    let head = [
        "threads",
        "throughput, remembered",
        "throughput, ES256 not remembered",
        "throughput, bare signature check",
        "CPU each, remembered",
        "CPU each, ES256",
    ];
    Ok(markdown(&head, &rows))
}
