//! Why a verifier says what it says: for a human at `propusk inspect`, never on a request's way.

use serde_json::{Map, Value};

use crate::AccessToken;

/// What a verifier makes of a token, with its reasons.
///
/// Headers and claims are shown as they stand in the token, verified or not: see
/// [`Explanation::verdict`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Explanation {
    /// The verifier, for a human: `JWT of https://login.example`.
    pub verifier: String,
    /// What it says.
    pub verdict: Verdict,
    /// The protected header of a JSON Web Token.
    pub header: Map<String, Value>,
    /// The claims, or what an identity server answered.
    pub claims: Map<String, Value>,
}

/// The answer of a verifier, with the reason for a "no".
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Verdict {
    /// Valid.
    Valid(AccessToken),
    /// Not valid, for this reason. It contains no part of the token that is secret.
    Invalid(String),
    /// Not a token of this verifier's kind or issuer.
    NotMine(String),
    /// Cannot tell now, for this reason.
    Unavailable(String),
}

impl Explanation {
    /// An explanation without header and claims.
    #[must_use]
    pub fn new(verifier: impl Into<String>, verdict: Verdict) -> Self {
        Self {
            verifier: verifier.into(),
            verdict,
            header: Map::new(),
            claims: Map::new(),
        }
    }

    /// Adds the protected header.
    #[must_use]
    pub fn with_header(mut self, header: Map<String, Value>) -> Self {
        self.header = header;
        self
    }

    /// Adds the claims.
    #[must_use]
    pub fn with_claims(mut self, claims: Map<String, Value>) -> Self {
        self.claims = claims;
        self
    }
}

impl Verdict {
    /// How much it tells: of several verifiers, the one that knows most is shown.
    pub(crate) fn weight(&self) -> u8 {
        match self {
            Self::Valid(_) => 3,
            Self::Unavailable(_) => 2,
            Self::Invalid(_) => 1,
            Self::NotMine(_) => 0,
        }
    }
}
