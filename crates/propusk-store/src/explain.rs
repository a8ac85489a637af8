//! Why the store says what it says, for a human.

use propusk::{Explanation, Verdict};

use crate::{
    StoreError, TokenFormatError, TokenId, TokenStore, check_format, digest::TokenDigest,
    time::rfc3339,
};

impl TokenStore {
    /// As a verification, but from the database alone, and noting no use.
    pub(crate) async fn explain(&self, token: &str) -> Explanation {
        let verdict = match check_format(token) {
            Err(error @ TokenFormatError::NotOurs) => Verdict::NotMine(error.to_string()),
            Err(error) => Verdict::Invalid(error.to_string()),
            Ok(id) => self
                .judge(id, TokenDigest::of(token))
                .await
                .unwrap_or_else(|error| Verdict::Unavailable(error.to_string())),
        };
        Explanation::new(format!("token store {}", self.url()), verdict)
    }

    async fn judge(&self, id: TokenId, digest: TokenDigest) -> Result<Verdict, StoreError> {
        let Some(stored) = self.0.backend.find(id).await? else {
            return Ok(Verdict::Invalid(format!(
                "there is no token {id} in this store"
            )));
        };
        if !stored.digest.matches(&digest) {
            return Ok(Verdict::Invalid(format!(
                "the secret is not that of the token {id}: it is forged"
            )));
        }
        let record = stored.record;
        let now = self.0.clock.now();
        Ok(match (record.revoked_at, record.expires_at) {
            (Some(at), _) => Verdict::Invalid(format!("it was revoked at {}", rfc3339::text(at))),
            (_, Some(end)) if end <= now => {
                Verdict::Invalid(format!("it expired at {}", rfc3339::text(end)))
            }
            _ => Verdict::Valid(record.to_access_token()),
        })
    }
}
