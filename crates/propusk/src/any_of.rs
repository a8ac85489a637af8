//! Several verifiers as one.

use std::fmt;

use crate::{AccessToken, Explanation, TokenVerifier, Unavailable, Verdict, composition::Members};

/// Asks one verifier after another until one accepts the token.
///
/// One that cannot tell does not turn another's "valid" into a failure; but where nobody accepts
/// the token and somebody could not tell, the answer is "cannot tell": it might have been valid.
///
/// Every verifier may get to see every token. Where the tokens can be told apart by how they look,
/// [`Routing`](crate::Routing) shows each to one verifier only, and an outage of one does not delay
/// the tokens of the others.
///
/// Around it, [`Cached`](crate::Cached) keeps a valid token for as long as the verifier that
/// accepted it has not changed its revision, also while *another* one cannot tell its own.
#[derive(Default)]
pub struct AnyOf {
    members: Members,
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
        self.members.push(verifier);
        self
    }
}

impl TokenVerifier for AnyOf {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        let mut unavailable = None;
        for index in 0..self.members.len() {
            match self.members.ask_one_of_all(index, token).await {
                Ok(None) => {}
                Ok(valid) => return Ok(valid),
                Err(error) => unavailable = unavailable.or(Some(error)),
            }
        }
        unavailable.map_or(Ok(None), Err)
    }

    /// The sum: it changes when one of them changes.
    async fn revision(&self) -> Result<u64, Unavailable> {
        self.members.revision().await
    }

    /// Of a valid token, that of the verifier which accepted it. A "not valid" rests on all of
    /// them, so there it is the sum, which cannot be told where one of them cannot tell.
    async fn revision_of(
        &self,
        token: &str,
        answer: Option<&AccessToken>,
    ) -> Result<u64, Unavailable> {
        if let Some(answer) = answer
            && let Some(revision) = self.members.revision_of_answer(token, answer).await
        {
            return revision;
        }
        let mut sum = 0_u64;
        for index in 0..self.members.len() {
            sum = sum.wrapping_add(self.members.revision_of(index, token).await?);
        }
        Ok(sum)
    }

    /// That of the verifier which accepts the token, or else of the one that knows most about it; of
    /// those that know as much, the last one's.
    async fn explain_token(&self, token: &str) -> Explanation {
        let nobody = Verdict::NotMine("no verifier is configured".to_owned());
        let mut best = Explanation::new("none", nobody);
        for index in 0..self.members.len() {
            let next = self.members.explain(index, token).await;
            if next.verdict.weight() >= best.verdict.weight() {
                best = next;
            }
        }
        best
    }
}

impl fmt::Debug for AnyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyOf({} verifiers)", self.members.len())
    }
}
