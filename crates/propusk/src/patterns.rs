//! Requirements and rules by pattern.

use std::collections::BTreeSet;

use crate::{declared_map::DeclaredMap, glob::Glob};

/// Patterns and what each asks for. They are found by what stands before their first `*`, so that
/// their number hardly matters, unless many begin with it.
#[derive(Debug, Clone)]
pub(crate) struct Patterns<T> {
    by_beginning: DeclaredMap<Box<str>, Vec<(Glob, T)>>,
    /// How long beginnings are, in bytes.
    lengths: BTreeSet<usize>,
}

impl<T> Default for Patterns<T> {
    fn default() -> Self {
        Self {
            by_beginning: DeclaredMap::default(),
            lengths: BTreeSet::new(),
        }
    }
}

impl<T> Patterns<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_beginning.is_empty()
    }

    pub(crate) fn add(&mut self, pattern: Glob, needs: T) {
        let beginning = pattern.beginning();
        self.lengths.insert(beginning.len());
        let alike = self.by_beginning.entry(beginning.into()).or_default();
        alike.push((pattern, needs));
    }

    /// The same patterns for something else.
    pub(crate) fn map<U>(&self, mut of: impl FnMut(&T) -> U) -> Patterns<U> {
        let by_beginning = self.by_beginning.iter().map(|(beginning, alike)| {
            let alike = alike.iter().map(|(glob, own)| (glob.clone(), of(own)));
            (beginning.clone(), alike.collect())
        });
        Patterns {
            by_beginning: by_beginning.collect(),
            lengths: self.lengths.clone(),
        }
    }

    /// What the patterns that match ask for: of those with a shorter beginning first, of equally
    /// short ones in the order of their addition.
    pub(crate) fn about<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a T> {
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
    use crate::Requirement;

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
        assert_eq!(Patterns::<Requirement>::default().about("a").count(), 0);
    }
}
