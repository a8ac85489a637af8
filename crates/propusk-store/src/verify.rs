//! The store as a verifier.

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Instant,
};

use propusk::{AccessToken, Explanation, TokenVerifier, Unavailable};

use crate::{StoreError, TokenId, TokenStore, cache::Verified, check_format, digest::TokenDigest};

/// Unknown, forged, revoked and expired tokens are not valid, and not told apart. A text that is
/// no token of ours costs no look-up; a verified token is answered from memory, and for five seconds
/// so is one that was found not to be valid. Where the database does not answer, the verifier cannot
/// tell.
impl TokenVerifier for TokenStore {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        let Ok(id) = check_format(token) else {
            return Ok(None);
        };
        let digest = TokenDigest::of(token);
        self.0
            .changes
            .ensure(&*self.0.backend, &self.0.cache)
            .await?;
        let remembered = self.0.cache.find(&digest);
        let is_refused = remembered.is_none() && self.0.refused.contains(&digest, Instant::now());
        self.0
            .cache_counts
            .count(remembered.is_some() || is_refused);
        let verified = match remembered {
            _ if is_refused => None,
            None => self.look_up(id, digest).await?,
            verified => verified,
        };
        let Some(verified) = verified else {
            return Ok(None);
        };
        let now = self.0.clock.now();
        if verified.expires_at.is_some_and(|end| end <= now) {
            return Ok(None);
        }
        self.0.last_used.note(verified.id, now, &verified.noted);
        Ok(Some(verified.token.clone()))
    }

    /// Moves on whenever a token was withdrawn, by whichever process.
    async fn revision(&self) -> Result<u64, Unavailable> {
        self.0
            .changes
            .ensure(&*self.0.backend, &self.0.cache)
            .await?;
        Ok(self.0.cache.generation().number())
    }

    async fn explain_token(&self, token: &str) -> Explanation {
        self.explain(token).await
    }
}

impl TokenStore {
    /// Reads a token from the database and keeps in memory what it is.
    async fn look_up(
        &self,
        id: TokenId,
        digest: TokenDigest,
    ) -> Result<Option<Arc<Verified>>, StoreError> {
        let issued = self.0.refused.issued();
        let found = self.read(id, digest).await?;
        if found.is_none() {
            self.0.refused.insert(issued, digest, Instant::now());
        }
        Ok(found)
    }

    /// Reads a token from the database and keeps it, if it is the right one and not revoked.
    async fn read(
        &self,
        id: TokenId,
        digest: TokenDigest,
    ) -> Result<Option<Arc<Verified>>, StoreError> {
        // Before the row is read: a revocation from now on keeps what it says out of the cache.
        let generation = self.0.cache.generation();
        let found = self.0.backend.find(id).await?;
        // Also for an unknown id, so that the time taken does not tell which ids there are.
        let expected = found
            .as_ref()
            .map_or(TokenDigest::OF_NO_TOKEN, |stored| stored.digest);
        let matches = expected.matches(&digest);
        let Some(record) = found.map(|stored| stored.record) else {
            return Ok(None);
        };
        if !matches || record.revoked_at.is_some() {
            return Ok(None);
        }
        let verified = Arc::new(Verified {
            id,
            token: record.to_access_token(),
            expires_at: record.expires_at,
            noted: AtomicI64::new(0),
        });
        self.0
            .cache
            .insert(generation, digest, Arc::clone(&verified));
        Ok(Some(verified))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::*;
    use crate::{IssuedToken, NewToken, StoreUrl, fake_backend::FakeBackend};

    /// A store on a backend that counts, fails and waits when told to, and one token.
    async fn store() -> (Arc<FakeBackend>, TokenStore, IssuedToken) {
        let backend = Arc::new(FakeBackend::default());
        let url = StoreUrl::parse("sqlite::memory:").expect("a URL");
        let clock = || -> SystemTime { UNIX_EPOCH + Duration::from_secs(1_000_000) };
        let store = TokenStore::with_backend(backend.clone(), clock, url, true);
        let issued = store.issue(NewToken::new("alice")).await.expect("issued");
        (backend, store, issued)
    }

    async fn is_valid(store: &TokenStore, token: &IssuedToken) -> Option<bool> {
        let answer = store.verify_token(token.token.expose_secret()).await;
        answer.map(|token| token.is_some()).ok()
    }

    /// The row is read as valid, the token is revoked, and only then the verifier goes on.
    #[tokio::test]
    async fn a_row_read_before_a_revocation_is_not_kept_after_it() {
        let (backend, store, issued) = store().await;
        let gate = backend.stop_next_find();
        let verifying = tokio::spawn({
            let (store, token) = (store.clone(), issued.token.expose_secret().to_owned());
            async move {
                store
                    .verify_token(&token)
                    .await
                    .map(|token| token.is_some())
                    .ok()
            }
        });
        gate.reached().await;
        store.revoke(&issued.record.id).await.expect("revoked");
        gate.open();
        // It was valid when it was asked for.
        assert_eq!(verifying.await.expect("no panic"), Some(true));
        assert_eq!(is_valid(&store, &issued).await, Some(false));
    }

    #[tokio::test]
    async fn what_costs_a_look_up() {
        let (backend, store, issued) = store().await;
        let good = issued.token.expose_secret();
        let unknown = crate::token_text::generate().expect("random").1;
        let typo = format!(
            "{}{}",
            &good[..69],
            if good.ends_with('0') { '1' } else { '0' }
        );
        for (token, valid, look_ups) in [
            (good, true, 1),
            (good, true, 0),
            (typo.as_str(), false, 0),
            ("something-else", false, 0),
            (unknown.expose_secret(), false, 1),
            (unknown.expose_secret(), false, 0),
            (unknown.expose_secret(), false, 0),
            (good, true, 0),
        ] {
            let before = backend.finds();
            let answer = store.verify_token(token).await.expect("available");
            assert_eq!(
                (answer.is_some(), backend.finds() - before),
                (valid, look_ups),
                "{token}"
            );
        }
    }

    #[tokio::test]
    async fn where_the_check_fails_nothing_is_valid_and_nothing_is_refused() {
        let (backend, store, issued) = store().await;
        assert_eq!(is_valid(&store, &issued).await, Some(true));
        backend.fail(true);
        store.0.changes.forget();
        assert_eq!(is_valid(&store, &issued).await, None);
        backend.fail(false);
        assert_eq!(is_valid(&store, &issued).await, Some(true));
    }

    #[tokio::test]
    async fn the_revision_moves_with_each_withdrawal_and_not_without() {
        let (backend, store, issued) = store().await;
        let before = store.revision().await.expect("available");
        store.issue(NewToken::new("bob")).await.expect("issued");
        assert_eq!(store.revision().await.ok(), Some(before));
        store.revoke(&issued.record.id).await.expect("revoked");
        let after = store.revision().await.expect("available");
        assert_ne!(after, before, "revoked here");
        // As another process does it.
        crate::backend::Backend::revoke(&*backend, issued.record.id, UNIX_EPOCH)
            .await
            .expect("revoked");
        store.0.changes.forget();
        assert_ne!(store.revision().await.ok(), Some(after), "revoked there");
        backend.fail(true);
        store.0.changes.forget();
        assert!(store.revision().await.is_err());
    }

    #[tokio::test]
    async fn a_changed_revision_empties_the_cache() {
        let (backend, store, issued) = store().await;
        assert_eq!(is_valid(&store, &issued).await, Some(true));
        // As another process does it.
        crate::backend::Backend::revoke(&*backend, issued.record.id, UNIX_EPOCH)
            .await
            .expect("revoked");
        store.0.changes.forget();
        assert_eq!(is_valid(&store, &issued).await, Some(false));
    }
}
