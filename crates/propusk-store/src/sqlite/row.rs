//! Writing rows.

use std::time::SystemTime;

use sqlx::{Sqlite, SqliteConnection, Transaction};

use crate::{
    TokenId,
    backend::StoredToken,
    row::{audience, columns},
    time::to_seconds,
};

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
    let insert = sqlx::query(INSERT)
        .bind(record.id.as_str())
        .bind(digest.as_bytes())
        .bind(&record.subject)
        .bind(&record.client_id)
        .bind(record.scopes.to_string())
        .bind(audience(record)?)
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
