//! Whose file it is, and bringing its schema up to date.

use std::path::Path;

use sqlx::{
    ConnectOptions, Connection, Executor, Sqlite, SqliteConnection, sqlite::SqliteConnectOptions,
};

use crate::StoreError;

use super::error::explain;

/// Each brings the schema from the version that is its index to the next one, `user_version`
/// included. Released ones are never changed.
///
/// By hand rather than with sqlx's migrator: `user_version` belongs to the transaction, so that of
/// several processes that open a new store at once exactly one sets it up, and `application_id`
/// keeps us from other programs' files.
const MIGRATIONS: &[&str] = &[include_str!("0001_tokens.sql")];

/// "prpk", as the first migration sets it.
const APPLICATION_ID: i64 = 0x7072_706b;

/// Sets up or updates the schema. `true` where there was none before.
pub(super) async fn set_up(
    options: &SqliteConnectOptions,
    path: &Path,
) -> Result<bool, StoreError> {
    let mut connection = options.connect().await.map_err(|e| explain(path, e))?;
    let created = set_up_on(&mut connection, path).await?;
    connection.close().await.map_err(|e| explain(path, e))?;
    Ok(created)
}

/// [`set_up`] on one connection, which stays open.
pub(super) async fn set_up_on(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<bool, StoreError> {
    // Before anything is written: it may be another program's file.
    let version = version(&mut *connection, path).await?;
    // Kept in the file, so that later connections need not set it.
    let wal = sqlx::raw_sql("PRAGMA journal_mode = WAL")
        .execute(&mut *connection)
        .await;
    wal.map_err(|e| explain(path, e))?;
    if version == MIGRATIONS.len() {
        return Ok(false);
    }
    migrate(connection, path).await
}

async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<bool, StoreError> {
    let begun = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begun.map_err(|e| explain(path, e))?;
    // Again: another process may just have done it.
    let version = version(&mut *transaction, path).await?;
    for migration in &MIGRATIONS[version..] {
        let done = sqlx::raw_sql(*migration).execute(&mut *transaction).await;
        done.map_err(|e| explain(path, e))?;
    }
    transaction.commit().await.map_err(|e| explain(path, e))?;
    Ok(version == 0)
}

/// The version of the schema, at most that of the last migration; 0 in an empty database.
async fn version<'a>(
    connection: impl Executor<'a, Database = Sqlite>,
    path: &Path,
) -> Result<usize, StoreError> {
    const STATE: &str = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) \
                         FROM pragma_application_id, pragma_user_version";
    let state = sqlx::query_as(STATE).fetch_one(connection).await;
    let (application, found, tables): (i64, i64, i64) = state.map_err(|e| explain(path, e))?;
    let known = MIGRATIONS.len();
    match (application, usize::try_from(found)) {
        (0, Ok(0)) if tables == 0 => Ok(0),
        (APPLICATION_ID, Ok(version)) if (1..=known).contains(&version) => Ok(version),
        (APPLICATION_ID, Ok(version)) if version > known => Err(StoreError::NewerSchema {
            place: path.display().to_string(),
            found,
            known: known as i64,
        }),
        _ => Err(StoreError::NotAStore {
            place: path.display().to_string(),
        }),
    }
}
