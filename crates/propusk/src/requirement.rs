//! The scopes that an operation needs: all of some, with alternatives.

use std::{fmt, sync::Arc};

use crate::{InvalidScope, ScopeHierarchy, ScopeSet};

/// The scopes that an operation needs: several conditions that must all be met, each of them by one
/// of its alternatives.
///
/// ```
/// use propusk::Requirement;
///
/// let either = Requirement::any_of(["notes:admin", "notes:read notes:write"])?;
/// assert_eq!(either.to_string(), "notes:admin or notes:read notes:write");
/// assert_eq!(Requirement::all_of("b a")?.to_string(), "a b");
/// # Ok::<(), propusk::InvalidScope>(())
/// ```
///
/// A plain text converts: it is a space-separated list of scopes that are all needed.
///
/// Cloning is cheap.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Requirement(Arc<[Alternatives]>);

/// One of these sets must be held. None at all: nobody can hold it.
type Alternatives = Vec<ScopeSet>;

impl Requirement {
    /// No scope at all.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// More than any scope gives: the operation is closed to everybody.
    #[must_use]
    pub fn never() -> Self {
        Self(Arc::new([Vec::new()]))
    }

    /// All of these space-separated scopes.
    ///
    /// # Errors
    /// [`InvalidScope`] where one contains a character that RFC 6749 forbids.
    pub fn all_of(scopes: &str) -> Result<Self, InvalidScope> {
        ScopeSet::parse(scopes).map(Self::from)
    }

    /// One of these alternatives, each a space-separated list of scopes that are all needed.
    ///
    /// # Errors
    /// [`InvalidScope`] where a scope contains a character that RFC 6749 forbids.
    pub fn any_of<'a>(
        alternatives: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidScope> {
        let sets = alternatives.into_iter().map(ScopeSet::parse);
        sets.collect::<Result<Alternatives, _>>()
            .map(Self::from_alternatives)
    }

    pub(crate) fn from_alternatives(sets: Vec<ScopeSet>) -> Self {
        if sets.iter().any(ScopeSet::is_empty) {
            return Self::nothing();
        }
        Self(Arc::new([sets]))
    }

    /// Both this and the other requirement.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.is_nothing(), other.is_nothing()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self(self.0.iter().chain(&*other.0).cloned().collect()),
        }
    }

    /// Whether everybody meets it, an anonymous caller too.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether somebody who holds these scopes meets it.
    #[must_use]
    pub fn is_met_by(&self, held: &ScopeSet, hierarchy: &ScopeHierarchy) -> bool {
        let covers = |set: &ScopeSet| hierarchy.covers(held, set);
        self.0.iter().all(|sets| sets.iter().any(covers))
    }

    /// The scopes that are needed, where there are no two ways about it.
    #[cfg(feature = "server")]
    pub(crate) fn only_set(&self) -> Option<&ScopeSet> {
        match &*self.0 {
            [sets] if sets.len() == 1 => sets.first(),
            _ => None,
        }
    }

    /// Adds to `named` the scopes that somebody who holds `held` is told: of each condition the
    /// alternative that lacks least, the first of several. Returns whether scopes would do at all.
    pub(crate) fn name(
        &self,
        held: &ScopeSet,
        hierarchy: &ScopeHierarchy,
        named: &mut ScopeSet,
    ) -> bool {
        self.0.iter().all(|sets| {
            let lacking = |set: &&ScopeSet| {
                let lacks = |scope: &&crate::Scope| {
                    !hierarchy.grants(held, scope) && !named.contains(scope.as_str())
                };
                set.iter().filter(lacks).count()
            };
            let best = match &sets[..] {
                [only] => Some(only),
                sets => sets.iter().min_by_key(lacking),
            };
            best.map(|set| named.extend(set.iter().cloned())).is_some()
        })
    }
}

impl From<ScopeSet> for Requirement {
    fn from(scopes: ScopeSet) -> Self {
        Self::from_alternatives(vec![scopes])
    }
}

impl TryFrom<&str> for Requirement {
    type Error = InvalidScope;

    fn try_from(scopes: &str) -> Result<Self, InvalidScope> {
        Self::all_of(scopes)
    }
}

/// `a b`, or `a or b c`; several conditions with alternatives are joined by ` and `.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, sets) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" and ")?;
            }
            if sets.is_empty() {
                f.write_str("nobody may")?;
            }
            for (index, set) in sets.iter().enumerate() {
                write!(f, "{}{set}", if index > 0 { " or " } else { "" })?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Requirement({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> ScopeSet {
        ScopeSet::parse(text).expect("scopes")
    }

    #[test]
    fn a_requirement_is_met_or_names_the_alternative_that_lacks_least() {
        let all = |text| Requirement::all_of(text).expect("scopes");
        let any = |list: &[&str]| Requirement::any_of(list.iter().copied()).expect("scopes");
        #[rustfmt::skip]
        let table = [
            // needs                                 held      met    named
            (Requirement::nothing(),                 "",       true,  Some("")),
            (all(""),                                "",       true,  Some("")),
            (all("a"),                               "",       false, Some("a")),
            (all("a b"),                             "a",      false, Some("a b")),
            (all("a b"),                             "a b c",  true,  Some("a b")),
            (any(&["a", "b c"]),                     "",       false, Some("a")),
            (any(&["b c", "a d"]),                   "",       false, Some("b c")),
            (any(&["a", "b c"]),                     "c",      false, Some("a")),
            (any(&["x y", "b c"]),                   "c",      false, Some("b c")),
            (any(&["a", "b c"]),                     "b c",    true,  Some("b c")),
            (any(&["a", ""]),                        "",       true,  Some("")),
            (all("b").and(any(&["a", "b"])),         "",       false, Some("b")),
            (all("d").and(any(&["a", "b"])),         "a",      false, Some("a d")),
            (any(&["a", "b"]).and(any(&["c", "d"])), "b d",    true,  Some("b d")),
            (any(&[]),                               "a",      false, None),
            (Requirement::never().and(all("a")),     "a",      false, None),
            (all("A"),                               "a",      false, Some("A")),
        ];
        let flat = ScopeHierarchy::default();
        for (needs, held, met, named) in table {
            let case = format!("{needs:?} by {held:?}");
            assert_eq!(needs.is_met_by(&set(held), &flat), met, "{case}");
            let mut told = ScopeSet::default();
            let told = needs.name(&set(held), &flat, &mut told).then_some(told);
            assert_eq!(told, named.map(set), "{case}");
        }
    }
}
