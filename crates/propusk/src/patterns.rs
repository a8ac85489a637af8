//! Requirements by pattern.

use std::collections::BTreeSet;

use crate::{Requirement, declared_map::DeclaredMap, glob::Glob};

/// Patterns and what each asks for. They are found by what stands before their first `*`, so that
/// their number hardly matters, unless many begin with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patterns {
    by_beginning: DeclaredMap<Box<str>, Vec<(Glob, Requirement)>>,
    /// How long beginnings are, in bytes.
    lengths: BTreeSet<usize>,
}

impl Patterns {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_beginning.is_empty()
    }

    pub(crate) fn add(&mut self, pattern: Glob, needs: Requirement) {
        let beginning = pattern.beginning();
        self.lengths.insert(beginning.len());
        let alike = self.by_beginning.entry(beginning.into()).or_default();
        alike.push((pattern, needs));
    }

    /// What the patterns that match ask for: of those with a shorter beginning first, of equally
    /// short ones in the order of their addition.
    pub(crate) fn about<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Requirement> {
        let lengths = self.lengths.range(..=name.len());
        // In the middle of a character no beginning ends.
        let beginnings = lengths.filter_map(|length| name.get(..*length));
        let alike = beginnings.filter_map(|beginning| self.by_beginning.get(beginning));
        let matching = alike.flatten().filter(|rule| rule.0.matches(name));
        matching.map(|(_, needs)| needs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_match_are_found_and_no_others() {
        let written = [
            "b*", "*", "a*", "ab*", "a*b", "*b", "a", "é*", "é", "ab*ab*", "", "**", "a**", "b*",
        ];
        let mut patterns = Patterns::default();
        let needs = |index| Requirement::all_of(&format!("s{index}")).expect("a scope");
        for (index, text) in written.iter().enumerate() {
            if let Some(pattern) = Glob::parse(text) {
                patterns.add(pattern, needs(index));
            }
        }
        for name in [
            "", "a", "b", "ab", "aab", "abab", "é", "éb", "è", "x", "ba", "*",
        ] {
            let each = written
                .iter()
                .enumerate()
                .filter(|(_, text)| Glob::parse(text).is_some_and(|pattern| pattern.matches(name)));
            let mut expected: Vec<_> = each
                .map(|(index, text)| (text.find('*'), index, needs(index)))
                .collect();
            expected.sort_by_key(|(length, index, _)| (*length, *index));
            let expected: Vec<_> = expected.into_iter().map(|(.., needs)| needs).collect();
            let found: Vec<_> = patterns.about(name).cloned().collect();
            assert_eq!(found, expected, "{name}");
            assert!(!found.is_empty(), "`*` matches {name}");
        }
        assert_eq!(Patterns::default().about("a").count(), 0);
    }
}
