//! Settings that have several values.

use std::mem;

use crate::failure::Failure;

/// The values of a setting. Those of a flag or a variable, which blanks separate, replace those of
/// the file.
pub(in crate::commands) fn either(
    flag: &str,
    typed: &[String],
    configured: &mut Vec<String>,
) -> Result<Vec<String>, Failure> {
    let values = match typed {
        [] => mem::take(configured),
        typed => words(typed),
    };
    match values.iter().any(|value| value.trim().is_empty()) {
        true => Err(Failure::usage(format!("{flag}: this is empty"))),
        false => Ok(values),
    }
}

/// The same for names that are compared exactly: what has a blank or a control character in it is
/// a slip.
pub(super) fn names(
    flag: &str,
    typed: &[String],
    configured: &mut Vec<String>,
) -> Result<Vec<String>, Failure> {
    let names = either(flag, typed, configured)?;
    let odd = |name: &&String| name.contains(|c: char| c.is_whitespace() || c.is_control());
    match names.iter().find(odd) {
        Some(name) => Err(Failure::usage(format!(
            "{flag}: {name:?} has a blank or a control character in it"
        ))),
        None => Ok(names),
    }
}

/// What blanks and line ends separate. A value with nothing in it stays, to be complained about.
pub(super) fn words(typed: &[String]) -> Vec<String> {
    let split = |value: &String| match value.trim().is_empty() {
        true => vec![String::new()],
        false => value.split_whitespace().map(str::to_owned).collect(),
    };
    typed.iter().flat_map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_blanks_separate_and_nothing_is_nothing() {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (typed, expected) in [
            (&["a"][..], &["a"][..]),
            (&[" a \t b\r\n"], &["a", "b"]),
            (&["a", "b c"], &["a", "b", "c"]),
            (&["a,b"], &["a,b"]),
            (&[""], &[""]),
            (&["a", "  "], &["a", ""]),
            (&[], &[]),
        ] {
            assert_eq!(words(&owned(typed)), expected, "{typed:?}");
        }
        let mut configured = owned(&["of the file"]);
        let found = either("--x", &owned(&["a"]), &mut configured).expect("values");
        assert_eq!(found, ["a"]);
        let found = either("--x", &[], &mut configured).expect("values");
        assert_eq!(found, ["of the file"]);
        assert!(either("--x", &owned(&[" "]), &mut configured).is_err());
        assert!(names("--x", &[], &mut owned(&["a b"])).is_err());
    }
}
