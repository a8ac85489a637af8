//! Tokens in a SQLite file.

mod error;
mod file;
mod open;
mod row;
mod schema;
mod tokens;
mod watch;

use std::{path::PathBuf, time::SystemTime};

use sqlx::SqlitePool;
use tokio::sync::Mutex;

use crate::{
    StoreError, TokenId,
    backend::{Answer, Backend, StoredToken},
    row::BadRow,
};

use self::{error::explain, file::DatabaseFile, watch::Watch};

/// Tokens in a SQLite file, or in memory.
pub(crate) struct SqliteBackend {
    /// Connections that only read; in WAL mode they never wait for a writer.
    readers: SqlitePool,
    /// One connection: SQLite has one writer at a time, and to queue here is cheaper than there.
    writer: SqlitePool,
    /// `None` in memory, which no other process can change.
    watch: Option<Mutex<Watch>>,
    /// `None` in memory.
    file: Option<DatabaseFile>,
    /// For error messages.
    path: PathBuf,
}

impl SqliteBackend {
    async fn read_revision(&self) -> Result<i64, StoreError> {
        if self.readers.is_closed() {
            return Err(StoreError::Closed);
        }
        if let Some(file) = &self.file {
            // A file that was removed still answers on Unix, with what it said last.
            file.check().await?;
        }
        let revision = match &self.watch {
            Some(watch) => watch.lock().await.revision().await,
            None => {
                sqlx::query_scalar(watch::REVISION)
                    .fetch_one(&self.readers)
                    .await
            }
        };
        revision.map_err(|e| self.explain(e))
    }

    async fn shut_down(&self) -> Result<(), StoreError> {
        // Passive: it does not wait for the readers of other processes. The last process to leave
        // moves the whole log anyway.
        let checkpoint = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(&self.writer)
            .await;
        self.readers.close().await;
        self.writer.close().await;
        if let Some(watch) = &self.watch {
            watch.lock().await.close().await;
        }
        checkpoint.map(|_| ()).or_else(|e| match self.explain(e) {
            StoreError::Closed => Ok(()),
            error => Err(error),
        })
    }

    fn explain(&self, error: sqlx::Error) -> StoreError {
        explain(&self.path, error)
    }

    fn explain_row(&self, bad: BadRow) -> StoreError {
        match bad {
            BadRow::Database(error) => self.explain(error),
            BadRow::Column(column) => StoreError::Damaged {
                place: self.path.display().to_string(),
                what: BadRow::what(column),
            },
        }
    }
}

impl Backend for SqliteBackend {
    fn insert<'a>(&'a self, token: &'a StoredToken) -> Answer<'a, ()> {
        Box::pin(self.insert_row(token))
    }

    fn find(&self, id: TokenId) -> Answer<'_, Option<StoredToken>> {
        Box::pin(self.find_row(id))
    }

    fn list(&self) -> Answer<'_, Vec<StoredToken>> {
        Box::pin(self.list_rows())
    }

    fn revoke(&self, id: TokenId, at: SystemTime) -> Answer<'_, Option<StoredToken>> {
        Box::pin(self.revoke_row(id, at))
    }

    fn replace<'a>(
        &'a self,
        id: TokenId,
        at: SystemTime,
        successor: &'a StoredToken,
    ) -> Answer<'a, bool> {
        Box::pin(self.replace_row(id, at, successor))
    }

    fn note_uses<'a>(&'a self, uses: &'a [(TokenId, SystemTime)]) -> Answer<'a, ()> {
        Box::pin(self.write_uses(uses))
    }

    fn revision(&self) -> Answer<'_, i64> {
        Box::pin(self.read_revision())
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(self.shut_down())
    }
}
