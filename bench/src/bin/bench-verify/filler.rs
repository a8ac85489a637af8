//! Rows that make a store large. They belong to no token: their digests are random.

use std::path::Path;

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

/// A random base-62 digit, as ids have.
const DIGIT: &str = "substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', \
                     1 + abs(random() % 62), 1)";

/// Adds so many rows in one transaction.
pub(crate) async fn fill(path: &Path, rows: u64) -> anyhow::Result<()> {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .disable_statement_logging()
        .connect()
        .await?;
    let id = [DIGIT; 12].join(" || ");
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
         INSERT INTO tokens \
         (id, digest, subject, client_id, scopes, audience, name, created_at, expires_at) \
         SELECT {id}, randomblob(32), 'filler-' || i, 'bench', 'notes:read notes:write', '[]', \
         NULL, 1700000000, 4000000000 FROM n WHERE {rows} > 0"
    );
    sqlx::query(sqlx::AssertSqlSafe(fill))
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}
