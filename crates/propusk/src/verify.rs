//! The trait that a user implements.

use std::{pin::Pin, sync::Arc};

use crate::{AccessToken, BearerToken, Unavailable};

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
}

type VerifyFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Option<AccessToken>, Unavailable>> + Send + 'a>>;

/// The object-safe twin of [`TokenVerifier`], for storage only.
pub(crate) trait DynTokenVerifier: Send + Sync {
    fn verify<'a>(&'a self, token: &'a str) -> VerifyFuture<'a>;
}

impl<V: TokenVerifier> DynTokenVerifier for V {
    fn verify<'a>(&'a self, token: &'a str) -> VerifyFuture<'a> {
        Box::pin(self.verify_token(token))
    }
}
