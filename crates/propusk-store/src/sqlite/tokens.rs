//! What is done with tokens: one method, one transaction.

use std::time::SystemTime;

use sqlx::{Sqlite, Transaction};

use crate::{
    StoreError, TokenId,
    backend::StoredToken,
    row::{self as stored, columns},
    time::to_seconds,
};

use super::{SqliteBackend, row};

/// A transaction of `write_uses` keeps other writers waiting for no longer than this many rows
/// take.
const USES_IN_A_TRANSACTION: usize = 500;

impl SqliteBackend {
    pub(super) async fn insert_row(&self, token: &StoredToken) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        row::insert(&mut transaction, token)
            .await
            .map_err(|e| self.explain(e))?;
        transaction.commit().await.map_err(|e| self.explain(e))
    }

    pub(super) async fn find_row(&self, id: TokenId) -> Result<Option<StoredToken>, StoreError> {
        const FIND: &str = concat!("SELECT ", columns!(), " FROM tokens WHERE id = $1");
        let found = sqlx::query(FIND)
            .bind(id.as_str())
            .fetch_optional(&self.readers)
            .await;
        let found = found.map_err(|e| self.explain(e))?;
        found
            .map(|row| stored::parse(&row).map_err(|e| self.explain_row(e)))
            .transpose()
    }

    pub(super) async fn list_rows(&self) -> Result<Vec<StoredToken>, StoreError> {
        const LIST: &str = concat!("SELECT ", columns!(), " FROM tokens ORDER BY seq");
        let rows = sqlx::query(LIST)
            .fetch_all(&self.readers)
            .await
            .map_err(|e| self.explain(e))?;
        rows.iter()
            .map(|row| stored::parse(row).map_err(|e| self.explain_row(e)))
            .collect()
    }

    pub(super) async fn revoke_row(
        &self,
        id: TokenId,
        at: SystemTime,
    ) -> Result<Option<StoredToken>, StoreError> {
        let mut transaction = self.begin().await?;
        row::revoke(&mut transaction, id, at)
            .await
            .map_err(|e| self.explain(e))?;
        transaction.commit().await.map_err(|e| self.explain(e))?;
        self.find_row(id).await
    }

    pub(super) async fn replace_row(
        &self,
        id: TokenId,
        at: SystemTime,
        successor: &StoredToken,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        if !row::revoke(&mut transaction, id, at)
            .await
            .map_err(|e| self.explain(e))?
        {
            return Ok(false);
        }
        row::insert(&mut transaction, successor)
            .await
            .map_err(|e| self.explain(e))?;
        transaction.commit().await.map_err(|e| self.explain(e))?;
        Ok(true)
    }

    pub(super) async fn write_uses(
        &self,
        uses: &[(TokenId, SystemTime)],
    ) -> Result<(), StoreError> {
        const NOTE: &str = "UPDATE tokens SET last_used_at = $1 \
                            WHERE id = $2 AND coalesce(last_used_at, 0) < $1";
        for uses in uses.chunks(USES_IN_A_TRANSACTION) {
            let mut transaction = self.begin().await?;
            for (id, at) in uses {
                let note = sqlx::query(NOTE).bind(to_seconds(*at)).bind(id.as_str());
                note.execute(&mut *transaction)
                    .await
                    .map_err(|e| self.explain(e))?;
            }
            transaction.commit().await.map_err(|e| self.explain(e))?;
        }
        Ok(())
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        if let Some(file) = &self.file {
            file.check().await?;
        }
        // IMMEDIATE: a transaction that reads first and then finds another writer at work could not
        // wait for it.
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|e| self.explain(e))
    }
}
