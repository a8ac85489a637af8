//! All verifiers as one.

use propusk::{AccessToken, AnyOf, Explanation, FixedTokens, Routing, TokenVerifier, Unavailable};

/// Each token to the one verifier that is responsible for it; fixed tokens, which look like nothing
/// in particular, are looked for before.
///
/// Without them there is no composition around the routing: it would ask about each token twice, and
/// each time a JSON Web Token is decoded to see whose it is.
pub(in crate::commands) enum Composed {
    Routed(Routing),
    FixedFirst(AnyOf),
}

impl Composed {
    pub(super) fn new(fixed: FixedTokens, routing: Routing) -> Self {
        if fixed.is_empty() {
            Self::Routed(routing)
        } else {
            Self::FixedFirst(AnyOf::new().with(fixed).with(routing))
        }
    }
}

impl TokenVerifier for Composed {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        match self {
            Self::Routed(verifier) => verifier.verify_token(token).await,
            Self::FixedFirst(verifier) => verifier.verify_token(token).await,
        }
    }

    async fn revision(&self) -> Result<u64, Unavailable> {
        match self {
            Self::Routed(verifier) => verifier.revision().await,
            Self::FixedFirst(verifier) => verifier.revision().await,
        }
    }

    async fn revision_of(
        &self,
        token: &str,
        answer: Option<&AccessToken>,
    ) -> Result<u64, Unavailable> {
        match self {
            Self::Routed(verifier) => verifier.revision_of(token, answer).await,
            Self::FixedFirst(verifier) => verifier.revision_of(token, answer).await,
        }
    }

    async fn explain_token(&self, token: &str) -> Explanation {
        match self {
            Self::Routed(verifier) => verifier.explain_token(token).await,
            Self::FixedFirst(verifier) => verifier.explain_token(token).await,
        }
    }
}
