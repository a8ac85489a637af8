//! Requirements by pattern.

use std::collections::{BTreeSet, HashMap};

use crate::{Requirement, glob::Glob};

/// Patterns and what each asks for. They are found by what stands before their first `*`, so that
/// their number hardly matters, unless many begin with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patterns {
    rules: Vec<(Glob, Requirement)>,
    /// Where in `rules` those with this beginning are.
    by_beginning: HashMap<Box<str>, Vec<usize>>,
    /// How long beginnings are, in bytes.
    lengths: BTreeSet<usize>,
}

impl Patterns {
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(crate) fn add(&mut self, pattern: Glob, needs: Requirement) {
        let beginning = pattern.beginning();
        self.lengths.insert(beginning.len());
        let alike = self.by_beginning.entry(beginning.into()).or_default();
        alike.push(self.rules.len());
        self.rules.push((pattern, needs));
    }

    /// What the patterns that match ask for, in the order of their addition.
    pub(crate) fn about(&self, name: &str) -> impl Iterator<Item = &Requirement> {
        let mut found = Vec::new();
        for length in self.lengths.range(..=name.len()) {
            // In the middle of a character no beginning ends.
            let beginning = name.get(..*length);
            let alike = beginning.and_then(|beginning| self.by_beginning.get(beginning));
            let matching = alike.into_iter().flatten().copied();
            found.extend(matching.filter(|index| self.rules[*index].0.matches(name)));
        }
        found.sort_unstable();
        found.into_iter().map(|index| &self.rules[index].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_match_are_found_in_the_order_of_their_addition() {
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
            let expected: Vec<_> = each.map(|(index, _)| needs(index)).collect();
            let found: Vec<_> = patterns.about(name).cloned().collect();
            assert_eq!(found, expected, "{name}");
            assert!(!found.is_empty(), "`*` matches {name}");
        }
        assert_eq!(Patterns::default().about("a").count(), 0);
    }
}
