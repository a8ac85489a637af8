//! Which names may become a label.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
};

/// So many names become labels; a series of each costs every scrape.
const MOST: usize = 256;

/// In bytes.
const LONGEST: usize = 128;

/// The tools of one upstream that are counted by name: those that it listed and those that its
/// policy names, since what a caller asks for may be any text. Others are counted together.
///
/// Copies are handles of the same.
#[derive(Debug, Clone, Default)]
pub struct ToolNames(Arc<RwLock<HashSet<Box<str>>>>);

impl ToolNames {
    /// The upstream has a tool of this name. No more than 256 are taken, and none of more than 128
    /// bytes.
    pub fn learn(&self, name: &str) {
        if self.knows(name) || name.len() > LONGEST {
            return;
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if names.len() < MOST {
            names.insert(name.into());
        }
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_of_endless_names_has_a_bound() {
        let names = ToolNames::default();
        names.learn(&"a".repeat(LONGEST + 1));
        for number in 0..10 * MOST {
            names.learn(&number.to_string());
        }
        assert!(names.knows("0") && names.knows(&(MOST - 1).to_string()));
        assert!(!names.knows(&MOST.to_string()));
        assert_eq!(names.0.read().expect("no panic").len(), MOST);
    }
}
