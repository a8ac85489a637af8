//! The seam between the store's policy and a database.
//!
//! A backend keeps rows and counts withdrawals. It knows nothing of token texts, caching or
//! verification, and what is above it knows no SQL.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{StoreError, TokenId, TokenRecord, digest::TokenDigest};

/// What a backend answers, later.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What to call when the database says by itself that a token was withdrawn.
pub(crate) type OnWithdrawal = Arc<dyn Fn() + Send + Sync>;

/// One row.
#[cfg_attr(test, derive(Clone))]
pub(crate) struct StoredToken {
    pub(crate) record: TokenRecord,
    pub(crate) digest: TokenDigest,
}

/// A database of tokens. What it reported as written outlives a power failure, except for
/// `note_uses`.
pub(crate) trait Backend: Send + Sync + 'static {
    /// Adds a token.
    fn insert<'a>(&'a self, token: &'a StoredToken) -> Answer<'a, ()>;

    /// The token with this id.
    fn find(&self, id: TokenId) -> Answer<'_, Option<StoredToken>>;

    /// All tokens, in the order in which they were added.
    fn list(&self) -> Answer<'_, Vec<StoredToken>>;

    /// Revokes a token, unless it is revoked already, and says what is there then.
    fn revoke(&self, id: TokenId, at: SystemTime) -> Answer<'_, Option<StoredToken>>;

    /// Revokes a token and adds its successor, in one transaction. `false`, and nothing done, where
    /// it was revoked already or is not there.
    fn replace<'a>(
        &'a self,
        id: TokenId,
        at: SystemTime,
        successor: &'a StoredToken,
    ) -> Answer<'a, bool>;

    /// Moves the times of last use forward.
    fn note_uses<'a>(&'a self, uses: &'a [(TokenId, SystemTime)]) -> Answer<'a, ()>;

    /// A number that changes whenever a token is withdrawn, by whichever process. Cheap where
    /// nothing has changed. It fails where the answer could be out of date.
    fn revision(&self) -> Answer<'_, i64>;

    /// For how long what was read before a look at the revision is trusted after it. A revocation by
    /// another process must be effective within a second, also on a slow machine.
    fn trusted_for(&self) -> Duration {
        Duration::from_millis(200)
    }

    /// Hands over what to call as soon as another process withdraws a token, for a database that
    /// says so by itself. It may stay silent: the revision is looked at all the same.
    fn on_withdrawal(&self, _call: OnWithdrawal) {}

    /// Makes sure that the database is ready for all the rest: made, and up to date. Where it was
    /// opened so, that is done.
    fn set_up(&self) -> Answer<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether that is done.
    fn is_set_up(&self) -> bool {
        true
    }

    /// Whether that made it: there was none before.
    fn created(&self) -> bool {
        false
    }

    /// Puts everything in its final place and lets the database go.
    fn close(&self) -> Answer<'_, ()>;
}
