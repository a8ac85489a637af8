//! Scopes: what a token may do (RFC 6749 §3.3).

use std::{borrow::Borrow, collections::BTreeSet, fmt, str::FromStr};

/// One scope token: one or more of the printable ASCII characters except space, `"` and `\`
/// (RFC 6749 §3.3). Scopes are case-sensitive.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Box<str>);

impl Scope {
    /// Parses one scope.
    ///
    /// # Errors
    /// [`InvalidScope`] names the character that RFC 6749 forbids, or says that there is none at all.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        if text.is_empty() {
            return Err(InvalidScope {
                scope: String::new(),
                character: None,
            });
        }
        match text.chars().find(|c| !is_scope_char(*c)) {
            Some(character) => Err(InvalidScope {
                scope: text.to_owned(),
                character: Some(character),
            }),
            None => Ok(Self(text.into())),
        }
    }

    /// The scope as it is written on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_scope_char(c: char) -> bool {
    matches!(c, '\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e')
}

/// A scope compares, orders and hashes as its text does.
impl Borrow<str> for Scope {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Scope {
    type Error = InvalidScope;

    fn try_from(text: &str) -> Result<Self, InvalidScope> {
        Self::parse(text)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// A text that is not a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidScope {
    scope: String,
    character: Option<char>,
}

impl fmt::Display for InvalidScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.character {
            None => f.write_str("a scope cannot be empty"),
            Some(c) => write!(
                f,
                "the scope {:?} contains {c:?}: a scope is printable ASCII without space, \
                 quotation mark and backslash",
                self.scope
            ),
        }
    }
}

impl std::error::Error for InvalidScope {}

/// A set of scopes, in a stable (alphabetical) order.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// Parses a space-separated list, as in the `scope` parameter of RFC 6749. An empty text is an
    /// empty set.
    ///
    /// # Errors
    /// [`InvalidScope`] for the first element that is not a scope.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        text.split(' ')
            .filter(|part| !part.is_empty())
            .map(Scope::parse)
            .collect()
    }

    /// Parses a list that came inside a token and leaves out what is not a scope.
    ///
    /// Leaving out is safe on this side only: a scope that nobody can require permits nothing.
    /// What a server *requires* goes through [`ScopeSet::parse`], which refuses.
    #[must_use]
    pub fn from_claim(text: &str) -> Self {
        Self(
            text.split(' ')
                .filter_map(|part| Scope::parse(part).ok())
                .collect(),
        )
    }

    /// Whether there is no scope in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of scopes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this very scope is in the set.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// The scopes of `required` that this set lacks.
    #[must_use]
    pub fn missing(&self, required: &Self) -> Self {
        Self(required.0.difference(&self.0).cloned().collect())
    }

    /// This set without one scope.
    #[cfg(feature = "client")]
    pub(crate) fn without(mut self, scope: &str) -> Self {
        self.0.remove(scope);
        self
    }

    /// Whether all of `required` are in this set.
    #[must_use]
    pub fn covers(&self, required: &Self) -> bool {
        required.0.is_subset(&self.0)
    }

    /// The scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl IntoIterator for ScopeSet {
    type Item = Scope;
    type IntoIter = std::collections::btree_set::IntoIter<Scope>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Extend<Scope> for ScopeSet {
    fn extend<I: IntoIterator<Item = Scope>>(&mut self, scopes: I) {
        self.0.extend(scopes);
    }
}

/// Space-separated, as it stands in a challenge and in a token request.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_3_3_scope_token_characters() {
        for good in ["a", "notes:read", "https://example.com/x", "!#[]~", "A"] {
            assert_eq!(
                Scope::parse(good).map(|s| s.to_string()),
                Ok(good.to_owned()),
                "{good}"
            );
        }
        for (bad, character) in [
            ("a b", ' '),
            ("a\"b", '"'),
            ("a\\b", '\\'),
            ("é", 'é'),
            ("a\n", '\n'),
        ] {
            let error = Scope::parse(bad).expect_err(bad);
            assert_eq!(error.character, Some(character), "{bad:?}");
        }
        assert_eq!(
            Scope::parse("").expect_err("empty").to_string(),
            "a scope cannot be empty"
        );
    }

    #[test]
    fn a_set_parses_strictly_and_a_claim_leniently() {
        assert_eq!(ScopeSet::parse("b  a b").expect("valid").to_string(), "a b");
        assert!(ScopeSet::parse("a b\"").is_err());
        assert_eq!(ScopeSet::from_claim("a b\" c").to_string(), "a c");
        assert!(ScopeSet::parse("").expect("empty is a set").is_empty());
    }

    #[test]
    fn missing_is_what_is_required_and_not_there() {
        let granted = ScopeSet::parse("a b").expect("valid");
        let required = ScopeSet::parse("b c").expect("valid");
        assert_eq!(granted.missing(&required).to_string(), "c");
        assert!(!granted.covers(&required));
        assert!(granted.covers(&ScopeSet::default()));
        assert!(!granted.contains("A"), "scopes are case-sensitive");
    }
}
