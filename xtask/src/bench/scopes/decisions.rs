//! What the decisions cost by themselves.

use crate::bench::{
    samples::{Samples, cpu},
    table::{count, markdown, thousands},
};

const GROUP: &str = "decisions";

/// Nanoseconds for the two decisions about a call.
pub(super) fn table(samples: &Samples) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for contender in samples.contenders(GROUP) {
        let name = match contender.split_once(", ") {
            Some((how, number)) => {
                let number = number.parse()?;
                match how {
                    "declared" => format!("scopes declared, {}", count(number, "tool")),
                    "by name" => format!("a policy of {}", count(number, "name")),
                    _ => format!("a policy of {}", count(number, "pattern")),
                }
            }
            None => "who is calling, before the body is read".to_owned(),
        };
        let nanos = samples.median((GROUP, contender), cpu)?;
        rows.push(vec![name, thousands(nanos)]);
    }
    Ok(markdown(
        &[
            "both decisions about a call, with a hierarchy of 100 scopes",
            "CPU ns",
        ],
        &rows,
    ))
}

/// Microseconds for both decisions about a call where the scopes of so many tools are declared.
pub(super) fn micros(samples: &Samples, tools: usize) -> anyhow::Result<f64> {
    let contender = format!("declared, {tools}");
    Ok(samples.median((GROUP, &contender), cpu)? / 1e3)
}
