//! Our schema in the database, and bringing it up to date.
//!
//! A schema of our own, with a fixed name that every statement spells out: nothing depends on
//! `search_path`, nothing gets in the way of the tables of others, and what a role may do can be
//! granted for it as a whole.

use sqlx::PgConnection;

use super::error::Trouble;

/// Each brings the schema from the version that is its index to the next one, `schema_version`
/// included. Released ones are never changed.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("0001_tokens.sql")];

/// As [`Connections::begin`](super::connections::Connections::begin), and then one process at a
/// time: the number is "prpk", as in the SQLite files.
const BEGIN_ALONE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
                           SET LOCAL lock_timeout = '5s'; \
                           SELECT pg_catalog.pg_advisory_xact_lock(1886548075)";

/// Whether the schema is there, whether anything is in it, and whether our table of one row is.
const STATE: &str = "SELECT \
    EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'propusk'), \
    EXISTS (SELECT FROM pg_catalog.pg_class c \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = 'propusk'), \
    EXISTS (SELECT FROM pg_catalog.pg_class c \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = 'propusk' AND c.relname = 'store_state')";

/// What is there.
struct Found {
    has_schema: bool,
    /// 0: nothing; at most that of the last migration.
    version: usize,
}

/// The version of the schema; 0 where there is none.
pub(super) async fn version(connection: &mut PgConnection) -> Result<usize, Trouble> {
    find(connection).await.map(|found| found.version)
}

/// Sets up or updates the schema. `true` where there was none before; of several processes that do
/// it at once, exactly one is told so.
pub(super) async fn set_up(connection: &mut PgConnection) -> Result<bool, Trouble> {
    // Without the lock, and without any right to change the schema, where nothing is to be done.
    if version(connection).await? == MIGRATIONS.len() {
        return Ok(false);
    }
    sqlx::raw_sql(BEGIN_ALONE).execute(&mut *connection).await?;
    // Again: another process may just have done it.
    let found = find(connection).await?;
    if !found.has_schema {
        // Not IF NOT EXISTS: that would need the right to create one even where it is there.
        sqlx::raw_sql("CREATE SCHEMA propusk")
            .execute(&mut *connection)
            .await?;
    }
    for migration in &MIGRATIONS[found.version..] {
        sqlx::raw_sql(*migration).execute(&mut *connection).await?;
    }
    sqlx::raw_sql("COMMIT").execute(connection).await?;
    Ok(found.version == 0)
}

async fn find(connection: &mut PgConnection) -> Result<Found, Trouble> {
    let (has_schema, has_content, has_state): (bool, bool, bool) =
        sqlx::query_as(STATE).fetch_one(&mut *connection).await?;
    if !has_state {
        let found = Found {
            has_schema,
            version: 0,
        };
        return if has_content {
            Err(Trouble::Foreign)
        } else {
            Ok(found)
        };
    }
    const VERSION: &str = "SELECT schema_version FROM propusk.store_state";
    let version: i64 = sqlx::query_scalar(VERSION)
        .fetch_optional(connection)
        .await?
        .ok_or(Trouble::Foreign)?;
    let known = MIGRATIONS.len();
    match usize::try_from(version) {
        Ok(version) if (1..=known).contains(&version) => Ok(Found {
            has_schema,
            version,
        }),
        Ok(found) if found > known => Err(Trouble::Newer(version)),
        _ => Err(Trouble::Foreign),
    }
}
