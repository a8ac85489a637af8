//! Tokens in a table of your own: any database that sqlx knows works the same.

use std::time::{Duration, UNIX_EPOCH};

use propusk::{AccessToken, TokenVerifier, Unavailable};
use sha2::{Digest, Sha256};
use sqlx::SqlitePool;

/// The table keeps a SHA-256 of each token, so that who reads it has none.
pub(crate) struct ApiKeys(pub(crate) SqlitePool);

impl TokenVerifier for ApiKeys {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        let query = "SELECT owner, scopes, expires_at FROM api_keys WHERE digest = $1";
        // The `?` says "cannot tell now": the client hears 503 and keeps its token.
        let found: Option<(String, String, u32)> = sqlx::query_as(query)
            .bind(Sha256::digest(token).as_slice())
            .fetch_optional(&self.0)
            .await?;
        Ok(found.map(|(owner, scopes, expires_at)| {
            AccessToken::new(owner)
                .with_scope_claim(&scopes)
                .with_expires_at(UNIX_EPOCH + Duration::from_secs(expires_at.into()))
        }))
    }
}
