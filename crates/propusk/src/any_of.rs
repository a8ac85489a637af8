//! Several verifiers as one.

use std::fmt;

use crate::{
    AccessToken, Explanation, TokenVerifier, Unavailable, Verdict, verify::DynTokenVerifier,
};

/// Asks one verifier after another until one accepts the token.
///
/// One that cannot tell does not turn another's "valid" into a failure; but where nobody accepts
/// the token and somebody could not tell, the answer is "cannot tell": it might have been valid.
#[derive(Default)]
pub struct AnyOf {
    verifiers: Vec<Box<dyn DynTokenVerifier>>,
}

impl AnyOf {
    /// No verifier: no token is valid.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a verifier, asked after those before it.
    #[must_use]
    pub fn with(mut self, verifier: impl TokenVerifier) -> Self {
        self.verifiers.push(Box::new(verifier));
        self
    }
}

impl TokenVerifier for AnyOf {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        let mut unavailable = None;
        for verifier in &self.verifiers {
            match verifier.verify(token).await {
                Ok(None) => {}
                Ok(valid) => return Ok(valid),
                Err(error) => unavailable = unavailable.or(Some(error)),
            }
        }
        unavailable.map_or(Ok(None), Err)
    }

    /// The sum: it changes when one of them changes.
    async fn revision(&self) -> Result<u64, Unavailable> {
        let mut sum = 0_u64;
        for verifier in &self.verifiers {
            sum = sum.wrapping_add(verifier.dyn_revision().await?);
        }
        Ok(sum)
    }

    /// That of the verifier which accepts the token, or else of the one that knows most about it.
    async fn explain_token(&self, token: &str) -> Explanation {
        let nobody = Verdict::NotMine("no verifier is configured".to_owned());
        let mut best = Explanation::new("none", nobody);
        for (index, verifier) in self.verifiers.iter().enumerate() {
            let next = verifier.explain(token).await;
            if index == 0 || next.verdict.weight() > best.verdict.weight() {
                best = next;
            }
        }
        best
    }
}

impl fmt::Debug for AnyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyOf({} verifiers)", self.verifiers.len())
    }
}
