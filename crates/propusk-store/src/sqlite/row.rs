//! Rows and tokens.

use std::{path::Path, time::SystemTime};

use propusk::ScopeSet;
use sqlx::{Row, Sqlite, SqliteConnection, Transaction, sqlite::SqliteRow};

use crate::{
    StoreError, TokenId, TokenRecord,
    backend::StoredToken,
    digest::TokenDigest,
    time::{from_seconds, to_seconds},
};

use super::error::explain;

/// The columns that [`parse`] reads.
macro_rules! columns {
    () => {
        "id, digest, subject, client_id, scopes, audience, name, \
         created_at, expires_at, last_used_at, revoked_at"
    };
}
pub(super) use columns;

/// Why a row is not a token.
pub(super) enum BadRow {
    /// A column holds what we do not write there.
    Column(&'static str),
    Database(sqlx::Error),
}

impl BadRow {
    pub(super) fn explain(self, path: &Path) -> StoreError {
        match self {
            Self::Database(error) => explain(path, error),
            Self::Column(column) => StoreError::Damaged {
                path: path.to_owned(),
                what: format!("a token has an impossible value in the column `{column}`"),
            },
        }
    }
}

impl From<sqlx::Error> for BadRow {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Reads a row of [`columns!`].
pub(super) fn parse(row: &SqliteRow) -> Result<StoredToken, BadRow> {
    let digest = TokenDigest::from_bytes(row.try_get("digest")?).ok_or(BadRow::Column("digest"))?;
    let record = TokenRecord {
        id: TokenId::parse(row.try_get("id")?).map_err(|_| BadRow::Column("id"))?,
        subject: row.try_get("subject")?,
        client_id: row.try_get("client_id")?,
        scopes: ScopeSet::parse(row.try_get("scopes")?).map_err(|_| BadRow::Column("scopes"))?,
        audience: serde_json::from_str(row.try_get("audience")?)
            .map_err(|_| BadRow::Column("audience"))?,
        name: row.try_get("name")?,
        created_at: time(row, "created_at")?.ok_or(BadRow::Column("created_at"))?,
        expires_at: time(row, "expires_at")?,
        last_used_at: time(row, "last_used_at")?,
        revoked_at: time(row, "revoked_at")?,
    };
    Ok(StoredToken { record, digest })
}

/// Adds a token. It does not change the revision: no cached answer is wrong because of it.
pub(super) async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    token: &StoredToken,
) -> Result<(), sqlx::Error> {
    const INSERT: &str = concat!(
        "INSERT INTO tokens (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    let StoredToken { record, digest } = token;
    let audience =
        serde_json::to_string(&record.audience).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    let insert = sqlx::query(INSERT)
        .bind(record.id.as_str())
        .bind(digest.as_bytes())
        .bind(&record.subject)
        .bind(&record.client_id)
        .bind(record.scopes.to_string())
        .bind(audience)
        .bind(&record.name)
        .bind(to_seconds(record.created_at))
        .bind(record.expires_at.map(to_seconds))
        .bind(record.last_used_at.map(to_seconds))
        .bind(record.revoked_at.map(to_seconds));
    let connection: &mut SqliteConnection = transaction;
    insert.execute(connection).await.map(|_| ())
}

/// Revokes a token and moves the revision on. `false`, and nothing done, where it is revoked
/// already or not there.
pub(super) async fn revoke(
    transaction: &mut Transaction<'_, Sqlite>,
    id: TokenId,
    at: SystemTime,
) -> Result<bool, sqlx::Error> {
    const REVOKE: &str = "UPDATE tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
    let connection: &mut SqliteConnection = transaction;
    let revoke = sqlx::query(REVOKE).bind(to_seconds(at)).bind(id.as_str());
    if revoke.execute(&mut *connection).await?.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("UPDATE store_state SET revision = revision + 1")
        .execute(connection)
        .await?;
    Ok(true)
}

fn time(row: &SqliteRow, column: &'static str) -> Result<Option<SystemTime>, BadRow> {
    let seconds: Option<i64> = row.try_get(column)?;
    seconds
        .map(|seconds| from_seconds(seconds).ok_or(BadRow::Column(column)))
        .transpose()
}
