//! Names that some parsers take for the same.
//!
//! Go's `encoding/json` matches names without regard to case, and with the folding of Unicode that takes
//! `ſ` for `s` and the Kelvin sign for `k`; others end a name at a NUL.

use std::borrow::Cow;

/// Whether a name that is none of these may be taken for one of them.
pub(super) fn is_like_one(name: &str, of: &[&str]) -> bool {
    of.iter().any(|known| name.eq_ignore_ascii_case(known))
        || !is_plain(name) && {
            let folded = folded(name);
            of.iter().any(|known| folded.eq_ignore_ascii_case(known))
        }
}

/// What all names that may be taken for this one have in common.
pub(super) fn folded(name: &str) -> Cow<'_, str> {
    let is_lower = |byte: u8| !byte.is_ascii_uppercase();
    if is_plain(name) && name.bytes().all(is_lower) {
        return Cow::Borrowed(name);
    }
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => c,
    };
    let ends = name.split('\0').next().unwrap_or_default();
    Cow::Owned(ends.to_lowercase().chars().map(fold).collect())
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii() && byte != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parsers_of_other_languages_take_for_the_same() {
        for (name, expected) in [
            ("Name", true),
            ("NAME", true),
            ("name\0", true),
            ("name\0x", true),
            ("ta\u{17f}kId", true),
            ("TAS\u{212a}ID", true),
            ("names", false),
            ("nam", false),
            ("n\u{e4}me", false),
            ("", false),
            ("\0", false),
        ] {
            assert_eq!(is_like_one(name, &["name", "taskId"]), expected, "{name:?}");
        }
        assert_eq!(folded("path"), folded("PATH"));
        assert_eq!(folded("k"), folded("\u{212a}"));
        assert_ne!(folded("a"), folded("b"));
    }
}
