//! The trait that a user implements.

use std::{pin::Pin, sync::Arc};

use crate::{AccessToken, BearerToken, Explanation, Unavailable, Verdict};

/// Tells whether a token is valid, and what it says.
///
/// It states facts; whether the request may go on is decided by [`decide`](crate::decide). Write
/// it with a plain `async fn`:
///
/// ```
/// use propusk::{AccessToken, TokenVerifier, Unavailable};
///
/// struct OneFriend;
///
/// impl TokenVerifier for OneFriend {
///     async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
///         Ok((token == "open-sesame").then(|| AccessToken::new("ali-baba")))
///     }
/// }
/// ```
///
/// (A comparison with `==` tells a patient listener how much of a guess was right; for fixed
/// tokens use [`FixedTokens`](crate::FixedTokens).) A closure does too; it gets the token as a
/// [`BearerToken`], which cannot be printed by accident:
///
/// ```
/// # use propusk::{AccessToken, BearerToken, TokenVerifier, Unavailable};
/// # fn accepts(_: impl TokenVerifier) {}
/// # async fn look_up(_: &str) -> Result<Option<String>, std::io::Error> { Ok(None) }
/// accepts(|token: BearerToken| async move {
///     let owner = look_up(token.expose_secret()).await?;
///     Ok::<_, Unavailable>(owner.map(AccessToken::new))
/// });
/// ```
pub trait TokenVerifier: Send + Sync + 'static {
    /// Verifies one token. The text is a `b64token` of RFC 6750 of at most
    /// [`BearerToken::MAX_LENGTH`] bytes, without the scheme.
    ///
    /// `Ok(Some(_))`: valid. `Ok(None)`: not valid (401). `Err(_)`: cannot tell now (503).
    fn verify_token(
        &self,
        token: &str,
    ) -> impl Future<Output = Result<Option<AccessToken>, Unavailable>> + Send;

    /// A number that changes when an answer given earlier may no longer hold although the token has
    /// not expired: a token was revoked, a key withdrawn. What remembers answers
    /// (`Cached`) asks for it before it uses one, so it must be cheap.
    ///
    /// # Errors
    /// Whether earlier answers still hold cannot be told now.
    fn revision(&self) -> impl Future<Output = Result<u64, Unavailable>> + Send {
        std::future::ready(Ok(0))
    }

    /// The revision that concerns one token: [`TokenVerifier::revision`], unless the verifier is
    /// composed of others. Then it is that of the one which is responsible for the token, so that
    /// an outage of another does not make answers unusable.
    ///
    /// `answer` is what this verifier said of the token: `None` where it did not accept it, or
    /// where it has not been asked yet. A verifier that passes on the answers of another must pass
    /// on this question too.
    ///
    /// # Errors
    /// Whether earlier answers still hold cannot be told now.
    fn revision_of(
        &self,
        token: &str,
        answer: Option<&AccessToken>,
    ) -> impl Future<Output = Result<u64, Unavailable>> + Send {
        let _ = (token, answer);
        self.revision()
    }

    /// Says why: for a human, never on a request's way. Nothing secret is in the answer.
    fn explain_token(&self, token: &str) -> impl Future<Output = Explanation> + Send {
        async {
            let verdict = match self.verify_token(token).await {
                Ok(Some(token)) => Verdict::Valid(token),
                Ok(None) => Verdict::Invalid("the verifier does not accept it".to_owned()),
                Err(unavailable) => Verdict::Unavailable(unavailable.cause().to_string()),
            };
            Explanation::new("a verifier of this program", verdict)
        }
    }
}

impl<F, Fut> TokenVerifier for F
where
    F: Fn(BearerToken) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<AccessToken>, Unavailable>> + Send,
{
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        match BearerToken::parse_b64token(token) {
            Ok(token) => self(token).await,
            Err(_) => Ok(None),
        }
    }
}

impl<V: TokenVerifier> TokenVerifier for Arc<V> {
    fn verify_token(
        &self,
        token: &str,
    ) -> impl Future<Output = Result<Option<AccessToken>, Unavailable>> + Send {
        V::verify_token(self, token)
    }

    fn revision(&self) -> impl Future<Output = Result<u64, Unavailable>> + Send {
        V::revision(self)
    }

    fn revision_of(
        &self,
        token: &str,
        answer: Option<&AccessToken>,
    ) -> impl Future<Output = Result<u64, Unavailable>> + Send {
        V::revision_of(self, token, answer)
    }

    fn explain_token(&self, token: &str) -> impl Future<Output = Explanation> + Send {
        V::explain_token(self, token)
    }
}

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The object-safe twin of [`TokenVerifier`], for storage only.
pub(crate) trait DynTokenVerifier: Send + Sync {
    fn verify<'a>(&'a self, token: &'a str) -> Later<'a, Result<Option<AccessToken>, Unavailable>>;

    fn dyn_revision(&self) -> Later<'_, Result<u64, Unavailable>>;

    fn dyn_revision_of<'a>(
        &'a self,
        token: &'a str,
        answer: Option<&'a AccessToken>,
    ) -> Later<'a, Result<u64, Unavailable>>;

    fn explain<'a>(&'a self, token: &'a str) -> Later<'a, Explanation>;
}

impl<V: TokenVerifier> DynTokenVerifier for V {
    fn verify<'a>(&'a self, token: &'a str) -> Later<'a, Result<Option<AccessToken>, Unavailable>> {
        Box::pin(self.verify_token(token))
    }

    fn dyn_revision(&self) -> Later<'_, Result<u64, Unavailable>> {
        Box::pin(self.revision())
    }

    fn dyn_revision_of<'a>(
        &'a self,
        token: &'a str,
        answer: Option<&'a AccessToken>,
    ) -> Later<'a, Result<u64, Unavailable>> {
        Box::pin(self.revision_of(token, answer))
    }

    fn explain<'a>(&'a self, token: &'a str) -> Later<'a, Explanation> {
        Box::pin(self.explain_token(token))
    }
}
