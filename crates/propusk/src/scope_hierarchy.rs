//! A declared hierarchy of scopes: `notes` implies `notes:read`.

use std::collections::BTreeMap;

use crate::{InvalidScope, Scope, ScopeSet, declared_map::DeclaredMap};

/// Which scopes imply which others. A server "must account for scope hierarchies" (MCP
/// Authorization, scope challenge handling); what they are is its own business, so they are data.
///
/// It is transitive, a cycle makes its members equal, and it is expanded when it is declared, so
/// that a check costs a look-up.
#[derive(Debug, Clone, Default)]
pub struct ScopeHierarchy {
    declared: BTreeMap<Scope, ScopeSet>,
    /// Each scope that is implied, with all that imply it, near or far.
    implied_by: DeclaredMap<Scope, Vec<Scope>>,
    /// Those that imply every scope.
    everything: Vec<Scope>,
}

/// The name, on the implied side only, for every scope there is.
const EVERYTHING: &str = "*";

impl ScopeHierarchy {
    /// Declares that `scope` implies these space-separated ones, in addition to earlier ones. A
    /// `*` alone stands for every scope; inside a longer name it is a character like any other.
    ///
    /// # Errors
    /// [`InvalidScope`] where one contains a character that RFC 6749 forbids.
    pub fn implies(mut self, scope: &str, implied: &str) -> Result<Self, InvalidScope> {
        let implied = ScopeSet::parse(implied)?;
        let declared = self.declared.entry(Scope::parse(scope)?).or_default();
        declared.extend(implied);
        self.expand();
        Ok(self)
    }

    /// Whether holding these scopes grants this one.
    #[must_use]
    pub fn grants(&self, held: &ScopeSet, scope: &Scope) -> bool {
        let holds = |own: &Scope| held.contains(own.as_str());
        holds(scope)
            || self.everything.iter().any(holds)
            || self
                .implied_by
                .get(scope)
                .is_some_and(|wider| wider.iter().any(holds))
    }

    /// Whether holding these scopes grants all of `required`.
    #[must_use]
    pub fn covers(&self, held: &ScopeSet, required: &ScopeSet) -> bool {
        required.iter().all(|scope| self.grants(held, scope))
    }

    fn expand(&mut self) {
        self.implied_by.clear();
        self.everything.clear();
        for scope in self.declared.keys() {
            let reached = self.reached_from(scope);
            if reached.contains(EVERYTHING) {
                self.everything.push(scope.clone());
            }
            for narrower in reached {
                let wider = self.implied_by.entry(narrower).or_default();
                wider.push(scope.clone());
            }
        }
        // The name for all scopes is no scope that somebody could hold and be given.
        self.implied_by
            .retain(|scope, _| scope.as_str() != EVERYTHING);
    }

    fn reached_from(&self, scope: &Scope) -> ScopeSet {
        let mut reached = ScopeSet::default();
        let mut open = vec![scope];
        while let Some(next) = open.pop() {
            for narrower in self.declared.get(next).into_iter().flat_map(ScopeSet::iter) {
                if !reached.contains(narrower.as_str()) {
                    reached.extend([narrower.clone()]);
                    open.push(narrower);
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hierarchy_is_transitive_and_cycles_are_harmless() {
        let hierarchy = ScopeHierarchy::default()
            .implies("notes", "notes:read notes:write")
            .and_then(|all| all.implies("work", "notes"))
            .and_then(|all| all.implies("notes:write", "notes:draft"))
            .and_then(|all| all.implies("admin", "*"))
            .and_then(|all| all.implies("root", "admin"))
            .and_then(|all| all.implies("one", "two"))
            .and_then(|all| all.implies("two", "one"))
            .and_then(|all| all.implies("self", "self"))
            .and_then(|all| all.implies("half", "notes:*"))
            .expect("scopes");
        #[rustfmt::skip]
        let table = [
            ("notes", "notes:read", true),  ("notes:read", "notes", false),
            ("work", "notes", true),        ("work", "notes:draft", true),
            ("admin", "anything", true),    ("root", "notes:read", true),
            ("notes", "anything", false),   ("admin", "*", true),
            ("*", "anything", false),       ("", "a", false),
            ("one", "two", true),           ("two", "one", true),
            ("one two", "three", false),    ("self", "self", true),
            ("half", "notes:read", false),  ("half", "notes:*", true),
            ("x notes", "notes:read x", true), ("notes", "notes:read x", false),
            ("NOTES", "notes:read", false), ("", "", true),
        ];
        for (held, required, covered) in table {
            let [held, required] = [held, required].map(|t| ScopeSet::parse(t).expect("scopes"));
            let case = format!("{held:?} for {required:?}");
            assert_eq!(hierarchy.covers(&held, &required), covered, "{case}");
        }
        assert!(ScopeHierarchy::default().implies("a\"", "b").is_err());
        assert!(ScopeHierarchy::default().implies("a", "b\"").is_err());
    }
}
