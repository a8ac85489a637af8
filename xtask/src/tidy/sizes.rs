//! Files that a newcomer can read at a sitting.

use super::Source;

const LARGEST: usize = 600;
const NINE_OF_TEN: usize = 300;
const MEDIAN: usize = 120;

pub(super) fn check(sources: &[Source], offences: &mut Vec<String>) {
    let shipped = sources
        .iter()
        .filter(|source| source.is_below("crates/") && source.path.contains("/src/"));
    let mut lengths: Vec<(usize, &str)> = shipped
        .map(|source| (source.code().count(), source.path.as_str()))
        .collect();
    lengths.sort_unstable();
    let at = |tenth: usize| {
        lengths
            .get(lengths.len() * tenth / 10)
            .copied()
            .unwrap_or_default()
    };
    for ((length, path), most, what) in [
        (at(5), MEDIAN, "the median"),
        (at(9), NINE_OF_TEN, "the ninth decile"),
    ] {
        if length > most {
            offences.push(format!(
                "{what} of code lines a file is {length} ({path}); at most {most}"
            ));
        }
    }
    let large = lengths.iter().filter(|(length, _)| *length > LARGEST);
    offences.extend(
        large.map(|(length, path)| format!("{path}: {length} code lines; at most {LARGEST}")),
    );
}
