//! Rules by name and by pattern.

use std::sync::Arc;

use crate::{declared_map::DeclaredMap, glob::Glob, patterns::Patterns, spelling};

/// Rules of one kind of thing, looked up so that their number does not matter.
#[derive(Debug, Clone)]
pub(super) struct Named<T> {
    exact: DeclaredMap<Box<str>, Vec<Arc<T>>>,
    patterns: Patterns<Arc<T>>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self {
            exact: DeclaredMap::default(),
            patterns: Patterns::default(),
        }
    }
}

impl<T> Named<T> {
    pub(super) fn add(&mut self, name: &str, rule: &Arc<T>) {
        let rule = Arc::clone(rule);
        match Glob::parse(name) {
            Some(pattern) => self.patterns.add(pattern, rule),
            None => self.exact.entry(name.into()).or_default().push(rule),
        }
    }

    /// For a URI, also as what it is in its normal form.
    pub(super) fn add_resource(&mut self, uri: &str, rule: &Arc<T>) {
        self.add(uri, rule);
        let normal = spelling::normal(uri);
        if normal != uri {
            self.add(&normal, rule);
        }
    }

    /// The same names with other rules.
    pub(super) fn map(&self, mut of: impl FnMut(&Arc<T>) -> Arc<T>) -> Self {
        let exact = self.exact.iter().map(|(name, rules)| {
            let rules = rules.iter().map(&mut of).collect();
            (name.clone(), rules)
        });
        Self {
            exact: exact.collect(),
            patterns: self.patterns.map(of),
        }
    }

    /// Adds the rules about a name, and tells whether there are any.
    pub(super) fn about<'a>(&'a self, name: &str, found: &mut Vec<&'a Arc<T>>) -> bool {
        let exact = self.exact.get(name).into_iter().flatten();
        let mut any = false;
        for rule in exact.chain(self.patterns.about(name)) {
            any = true;
            // Two spellings of one URI have one rule.
            if !found.iter().any(|known| Arc::ptr_eq(known, rule)) {
                found.push(rule);
            }
        }
        any
    }

    /// The same about a URI, in both of its spellings: both must be named.
    pub(super) fn about_resource<'a>(&'a self, uri: &str, found: &mut Vec<&'a Arc<T>>) -> bool {
        let named = self.about(uri, found);
        let normal = spelling::normal(uri);
        if normal == uri {
            return named;
        }
        self.about(&normal, found) && named
    }
}
