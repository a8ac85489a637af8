//! What a decision costs by itself.

use crate::bench::{
    samples::{Samples, cpu},
    table::{markdown, thousands},
};

const GROUP: &str = "decision";

/// Nanoseconds for one decision.
pub(super) fn table(samples: &Samples) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for contender in samples.contenders(GROUP) {
        let name = match contender.split_once(", ") {
            Some((how, number)) => {
                let number = thousands(number.parse()?);
                match how {
                    "declared" => format!("scopes declared, {number} tools"),
                    "by name" => format!("a policy of {number} names"),
                    _ => format!("a policy of {number} patterns"),
                }
            }
            None => "who is calling, before the body is read".to_owned(),
        };
        let nanos = samples.median((GROUP, contender), cpu)?;
        rows.push(vec![name, thousands(nanos)]);
    }
    Ok(markdown(
        &["a decision, and a hierarchy of 100 scopes", "CPU ns"],
        &rows,
    ))
}
