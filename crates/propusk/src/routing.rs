//! Each token to the one verifier that is responsible for it.

mod nobodys;

use std::{collections::HashMap, fmt};

use crate::{
    AccessToken, Explanation, TokenVerifier, Unavailable, composition::Members,
    jose::unverified_issuer,
};

/// Shows each token to one verifier only, chosen by how the token looks.
///
/// 1. The longest matching [`prefix`](Routing::prefix) decides, as for the tokens of a store.
/// 2. Else, where it is a JSON Web Token, its `iss` claim chooses the [`issuer`](Routing::issuer).
///    The claim is not verified at this point; the verifier of that issuer then judges everything.
/// 3. Else it goes to [`otherwise`](Routing::otherwise), such as an identity server that is asked
///    about tokens. Where there is none, the token is not valid.
///
/// A token that has a verifier is never shown to another: not when the verifier does not accept it,
/// and not when it cannot tell. So one verifier's outage neither refuses nor delays the tokens of
/// the others, and their remembered answers ([`Cached`](crate::Cached)) stay usable.
///
/// ```
/// # use propusk::{AccessToken, FixedTokens, Routing};
/// # let (store, login, partner, introspection) =
/// #     (FixedTokens::new(), FixedTokens::new(), FixedTokens::new(), FixedTokens::new());
/// let verifier = Routing::new()
///     .prefix("propusk_", store)
///     .issuer("https://login.example", login)
///     .issuer("https://id.partner.example", partner)
///     .otherwise(introspection);
/// ```
#[derive(Default)]
pub struct Routing {
    members: Members,
    prefixes: Vec<(String, usize)>,
    issuers: HashMap<String, usize>,
    otherwise: Option<usize>,
}

impl Routing {
    /// No verifier: no token is valid.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows the tokens that begin with this text to this verifier. Of two with the same prefix the
    /// later one counts.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>, verifier: impl TokenVerifier) -> Self {
        let prefix = prefix.into();
        self.prefixes.retain(|(known, _)| *known != prefix);
        self.prefixes.push((prefix, self.members.push(verifier)));
        // The longest first.
        self.prefixes
            .sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        self
    }

    /// Shows the JSON Web Tokens whose `iss` is exactly this text to this verifier. Of two with the
    /// same issuer the later one counts.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>, verifier: impl TokenVerifier) -> Self {
        self.issuers
            .insert(issuer.into(), self.members.push(verifier));
        self
    }

    /// Shows all other tokens to this verifier, also JSON Web Tokens of other issuers.
    #[must_use]
    pub fn otherwise(mut self, verifier: impl TokenVerifier) -> Self {
        self.otherwise = Some(self.members.push(verifier));
        self
    }

    fn responsible(&self, token: &str) -> Option<usize> {
        let mut prefixes = self.prefixes.iter();
        if let Some((_, index)) = prefixes.find(|(prefix, _)| token.starts_with(prefix)) {
            return Some(*index);
        }
        let by_issuer = || self.issuers.get(&unverified_issuer(token)?).copied();
        if self.issuers.is_empty() {
            self.otherwise
        } else {
            by_issuer().or(self.otherwise)
        }
    }
}

impl TokenVerifier for Routing {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        match self.responsible(token) {
            Some(index) => self.members.ask_responsible(index, token).await,
            None => Ok(None),
        }
    }

    /// The sum: it changes when one of them changes.
    async fn revision(&self) -> Result<u64, Unavailable> {
        self.members.revision().await
    }

    /// That of the responsible verifier.
    async fn revision_of(
        &self,
        token: &str,
        answer: Option<&AccessToken>,
    ) -> Result<u64, Unavailable> {
        // An answer knows where it comes from; a token would have to be decoded.
        if let Some(answer) = answer
            && let Some(revision) = self.members.revision_of_answer(token, answer).await
        {
            return revision;
        }
        match self.responsible(token) {
            Some(index) => self.members.revision_of(index, token).await,
            // Nobody is responsible, and that does not change.
            None => Ok(0),
        }
    }

    /// That of the responsible verifier.
    async fn explain_token(&self, token: &str) -> Explanation {
        if let Some(index) = self.responsible(token) {
            return self.members.explain(index, token).await;
        }
        nobodys::explain(token, self.issuers.keys().map(String::as_str))
    }
}

impl fmt::Debug for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routing")
            .field("prefixes", &self.prefixes)
            .field("issuers", &self.issuers.keys())
            .field("otherwise", &self.otherwise.is_some())
            .finish()
    }
}
