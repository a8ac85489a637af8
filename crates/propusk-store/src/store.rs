//! The store: issued tokens, and what can be done with them.

use std::{fmt, sync::Arc, time::SystemTime};

use propusk::{Clock, SystemClock, metrics::CacheCounts};

use crate::{
    IssuedToken, NewToken, StoreError, StoreUrl, TokenId, TokenRecord,
    backend::{Backend, StoredToken},
    cache::Cache,
    change_check::ChangeCheck,
    digest::TokenDigest,
    last_used::LastUsed,
    postgres::PostgresBackend,
    refused::Refused,
    sqlite::SqliteBackend,
    store_url::Place,
    token_text,
};

/// How many verified tokens are kept in memory. One takes about 500 bytes.
const CACHED_TOKENS: usize = 10_000;

/// How many texts that are no valid token are kept, for a moment. One takes about 100 bytes.
const REFUSED_TOKENS: usize = 10_000;

/// Issued tokens, hashed at rest. It is a [`TokenVerifier`](propusk::TokenVerifier) of them.
///
/// Cloning is cheap, and all clones are the same store. It needs a tokio runtime with time and I/O
/// enabled. Several processes may have the same file open, or use the same database.
#[derive(Clone)]
pub struct TokenStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) refused: Refused,
    pub(crate) cache_counts: CacheCounts,
    pub(crate) changes: ChangeCheck,
    pub(crate) last_used: Arc<LastUsed>,
    url: StoreUrl,
    created: bool,
}

impl TokenStore {
    /// Opens a store. A missing file is created, on Unix for the owner alone (mode 0600); its
    /// folder must exist. In PostgreSQL the schema `propusk` is created; the database must exist. A
    /// store of an older version of propusk is brought up to date.
    ///
    /// # Errors
    /// [`StoreError`]: [`is_bad_place`](StoreError::is_bad_place),
    /// [`is_newer_schema`](StoreError::is_newer_schema), [`is_busy`](StoreError::is_busy),
    /// [`is_unreachable`](StoreError::is_unreachable), and what else a disk can do.
    pub async fn open(url: &StoreUrl) -> Result<Self, StoreError> {
        Self::open_with_clock(url, SystemClock).await
    }

    /// Opens a store that takes the time from `clock`.
    ///
    /// # Errors
    /// As [`TokenStore::open`].
    pub async fn open_with_clock(url: &StoreUrl, clock: impl Clock) -> Result<Self, StoreError> {
        let (backend, created) = open_backend(url).await?;
        Ok(Self::with_backend(backend, clock, url.clone(), created))
    }

    /// Opens a store, also while its database server cannot be reached: as
    /// [`open`](TokenStore::open) does, but what can be better in a moment is no error.
    ///
    /// Until the server answers, verification cannot tell and everything else fails with
    /// [`is_unreachable`](StoreError::is_unreachable). The first call that reaches it sets the store
    /// up; [`set_up`](TokenStore::set_up) is a call that does nothing else.
    ///
    /// # Errors
    /// As [`TokenStore::open`], without [`is_unreachable`](StoreError::is_unreachable) and, for
    /// PostgreSQL, [`is_busy`](StoreError::is_busy).
    pub async fn open_lazily(url: &StoreUrl) -> Result<Self, StoreError> {
        let Place::Postgres(place) = url.place() else {
            return Self::open(url).await;
        };
        let backend = Arc::new(PostgresBackend::new(place));
        let store = Self::with_backend(backend, SystemClock, url.clone(), false);
        match store.set_up().await {
            Err(error) if error.is_unreachable() || error.is_busy() => Ok(store),
            done => done.map(|()| store),
        }
    }

    /// Makes sure that the database is reached, and that the store in it is there and up to date.
    /// Where [`open`](TokenStore::open) has succeeded, it is.
    ///
    /// # Errors
    /// As [`TokenStore::open`].
    pub async fn set_up(&self) -> Result<(), StoreError> {
        self.0.backend.set_up().await
    }

    /// Whether the store is known to be there and up to date. Only one that was opened
    /// [lazily](TokenStore::open_lazily) may not be.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.0.backend.is_set_up()
    }

    /// Opens a store that is there: `None`, and nothing is created, where there is none. A store in
    /// memory is never there.
    ///
    /// # Errors
    /// As [`TokenStore::open`].
    pub async fn open_existing(url: &StoreUrl) -> Result<Option<Self>, StoreError> {
        let missing = match url.place() {
            Place::Memory => true,
            Place::File(_) => url.place().is_missing_file(),
            Place::Postgres(url) => !PostgresBackend::is_there(url).await?,
        };
        if missing {
            return Ok(None);
        }
        Self::open(url).await.map(Some)
    }

    pub(crate) fn with_backend(
        backend: Arc<dyn Backend>,
        clock: impl Clock,
        url: StoreUrl,
        created: bool,
    ) -> Self {
        let cache = Arc::new(Cache::with_capacity(CACHED_TOKENS));
        backend.on_withdrawal({
            let cache = Arc::clone(&cache);
            Arc::new(move || cache.invalidate())
        });
        Self(Arc::new(Inner {
            refused: Refused::with_capacity(REFUSED_TOKENS),
            cache_counts: CacheCounts::default(),
            changes: ChangeCheck::new(backend.trusted_for()),
            last_used: LastUsed::new(Arc::clone(&backend)),
            backend,
            clock: Box::new(clock),
            cache,
            url,
            created,
        }))
    }

    /// Whether opening or setting up made this store: there was none before. Of several processes
    /// that open a new store at once, exactly one is told so.
    #[must_use]
    pub fn created(&self) -> bool {
        self.0.created || self.0.backend.created()
    }

    /// Where the store is.
    #[must_use]
    pub fn url(&self) -> &StoreUrl {
        &self.0.url
    }

    /// How often verification found a token in memory, for the metrics.
    #[must_use]
    pub fn cache_counts(&self) -> &CacheCounts {
        &self.0.cache_counts
    }

    /// Issues a token. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`StoreError`]; [`is_invalid_token`](StoreError::is_invalid_token) where such a token cannot
    /// be issued.
    pub async fn issue(&self, new: NewToken) -> Result<IssuedToken, StoreError> {
        let (issued, stored) = draw(new, self.now())?;
        let inserted = self.0.backend.insert(&stored).await;
        // Whatever came of it, as below.
        self.0.refused.issue(&stored.digest);
        inserted.map(|()| issued)
    }

    /// All tokens, revoked and expired ones too, in the order in which they were issued.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer.
    pub async fn list(&self) -> Result<Vec<TokenRecord>, StoreError> {
        Ok(self
            .0
            .backend
            .list()
            .await?
            .into_iter()
            .map(|stored| stored.record)
            .collect())
    }

    /// The token with this id, also if it is revoked or expired.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer.
    pub async fn show(&self, id: &TokenId) -> Result<Option<TokenRecord>, StoreError> {
        Ok(self.0.backend.find(*id).await?.map(|stored| stored.record))
    }

    /// Replaces a token: issues one for the same subject, client, scopes, audience and name, with
    /// a new id, a new secret and a fresh lifetime of the same length, and revokes the old one in
    /// the same transaction. An expired token can be rotated too.
    ///
    /// # Errors
    /// [`StoreError`]; [`is_not_found`](StoreError::is_not_found) where no token has this id,
    /// [`is_revoked`](StoreError::is_revoked) where it is revoked: rotating would undo that.
    pub async fn rotate(&self, id: &TokenId) -> Result<IssuedToken, StoreError> {
        let old = self
            .show(id)
            .await?
            .ok_or(StoreError::NotFound { id: *id })?;
        let now = self.now();
        let (issued, successor) = draw(NewToken::like(&old), now)?;
        let replaced = self.0.backend.replace(*id, now, &successor).await;
        // Whatever came of it: after an error the transaction may still have been committed.
        self.0.cache.invalidate();
        self.0.refused.issue(&successor.digest);
        if replaced? {
            Ok(issued)
        } else {
            Err(StoreError::Revoked { id: *id })
        }
    }

    /// Revokes a token: the next verification in this process refuses it, and in other processes
    /// within a second. Revoking a revoked token changes nothing and is no error.
    ///
    /// # Errors
    /// [`StoreError`]; [`is_not_found`](StoreError::is_not_found) where no token has this id.
    pub async fn revoke(&self, id: &TokenId) -> Result<TokenRecord, StoreError> {
        let revoked = self.0.backend.revoke(*id, self.now()).await;
        // Whatever came of it: after an error the transaction may still have been committed.
        self.0.cache.invalidate();
        revoked?
            .map(|stored| stored.record)
            .ok_or(StoreError::NotFound { id: *id })
    }

    /// Writes the pending times of last use and lets the database go. All clones are closed with
    /// it: their operations fail, and verification answers that it cannot tell.
    ///
    /// Dropping a store without closing it is safe and loses only times of last use.
    ///
    /// # Errors
    /// [`StoreError`] where the times could not be written; the store is closed all the same.
    pub async fn close(&self) -> Result<(), StoreError> {
        let flushed = self.0.last_used.flush().await;
        let closed = self.0.backend.close().await;
        // Last, so that no check that was under way makes the cache look recent again.
        self.0.changes.forget();
        self.0.cache.invalidate();
        flushed.and(closed)
    }

    fn now(&self) -> SystemTime {
        self.0.clock.now()
    }
}

impl fmt::Debug for TokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenStore({})", self.0.url)
    }
}

/// The database behind a store, and whether it is new.
async fn open_backend(url: &StoreUrl) -> Result<(Arc<dyn Backend>, bool), StoreError> {
    Ok(match url.place() {
        Place::File(path) => {
            let (backend, created) = SqliteBackend::open(Some(path)).await?;
            (Arc::new(backend), created)
        }
        Place::Memory => {
            let (backend, created) = SqliteBackend::open(None).await?;
            (Arc::new(backend), created)
        }
        Place::Postgres(url) => {
            // It says by itself whether it is new.
            (Arc::new(PostgresBackend::open(url).await?), false)
        }
    })
}

/// Draws a token: what the caller gets and what the database gets.
fn draw(new: NewToken, now: SystemTime) -> Result<(IssuedToken, StoredToken), StoreError> {
    let (id, token) = token_text::generate().map_err(StoreError::NoRandomness)?;
    let record = new.into_record(id, now)?;
    let digest = TokenDigest::of(token.expose_secret());
    let stored = StoredToken {
        record: record.clone(),
        digest,
    };
    Ok((IssuedToken { token, record }, stored))
}
