//! JSON Web Tokens as access tokens (RFC 7519, 8725, 9068), verified with the keys of one issuer.
//!
//! Left out: encrypted and nested tokens, and whatever would let a token choose its own key.

pub(crate) mod build;
pub(crate) mod claimed;
mod error;
mod explain;
pub(crate) mod keys;
pub(crate) mod numeric_date;
pub(crate) mod refused;
pub(crate) mod rules;
#[cfg(feature = "introspection")]
pub(crate) mod statement;
mod without_audience;

use std::{fmt, sync::Arc};

pub use error::InvalidJwtVerifier;
pub use without_audience::WithoutAudience;

use self::{
    keys::{Keys, Signed},
    refused::NotVerified,
    rules::Rules,
};
use crate::{AccessToken, Clock, Explanation, TokenVerifier, Unavailable, jose::Compact};

/// Verifies the JSON Web Tokens of one issuer, for one resource.
///
/// Strict by default: `exp`, `iss`, `aud` and `sub` must be there and right, `nbf` and `iat` are
/// judged where they are there, and only public-key algorithms are accepted. The keys are fetched
/// when the first token comes, so that a server starts while its issuer is down, and are kept while
/// it is down later, for 24 hours at most.
///
/// - A key set that has moved is found within a minute, as soon as a token with a new key comes.
/// - A set without any usable key does not take the place of one that has some at once: nearly
///   always it is a mistake of the issuer. When it has said so for ten minutes it is believed, and
///   tokens are answered with 503; an emptied file is believed at once.
/// - A token that does not name its key (`kid`) is tried with the keys that fit its algorithm, in the
///   order of the set, at most sixteen of them.
///
/// ```
/// # use propusk::{InvalidJwtVerifier, JwtVerifier};
/// # fn verifier() -> Result<JwtVerifier, InvalidJwtVerifier> {
/// JwtVerifier::from_issuer("https://login.example", "https://mcp.example/mcp")
/// # }
/// # verifier().expect("valid");
/// ```
pub struct JwtVerifier {
    rules: Rules,
    keys: Keys,
    clock: Arc<dyn Clock>,
}

impl JwtVerifier {
    /// The issuer whose tokens are verified.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.rules.issuer
    }

    /// The claims are judged before the signature, since that is cheaper, and before a key is
    /// looked for, since a token that would be refused anyway is not worth asking the issuer.
    async fn check(&self, token: &str) -> Result<AccessToken, NotVerified> {
        let parts = Compact::parse(token)?;
        let header = parts.header()?;
        self.rules.judge_header(&header)?;
        self.keys.judge_algorithm(header.algorithm())?;
        let claimed = self.rules.judge(parts.claims()?, self.clock.now())?;
        let signature = parts.signature()?;
        let signed = Signed {
            header: &header,
            input: parts.signing_input(),
            signature: &signature,
            issued_at: claimed.issued_at(),
            leeway: self.rules.leeway,
        };
        self.keys.verify(&signed, &self.clock).await?;
        Ok(claimed.verified(Arc::clone(&self.rules.issuer), self.rules.leeway))
    }
}

impl TokenVerifier for JwtVerifier {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        match self.check(token).await {
            Ok(token) => Ok(Some(token)),
            Err(NotVerified::Refused(reason)) => {
                tracing::debug!(issuer = self.issuer(), %reason, "a token is refused");
                Ok(None)
            }
            Err(NotVerified::Unavailable(unavailable)) => Err(unavailable),
        }
    }

    /// Changes when a key is withdrawn or replaced.
    async fn revision(&self) -> Result<u64, Unavailable> {
        self.keys.revision(&self.clock).await
    }

    async fn explain_token(&self, token: &str) -> Explanation {
        self.explain(token).await
    }
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifier")
            .field("rules", &self.rules)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod fake_issuer;
#[cfg(test)]
mod tests;
