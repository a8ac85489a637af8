//! Rows of the table of tokens, the same in every database.

use std::time::SystemTime;

use propusk::ScopeSet;
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::{TokenId, TokenRecord, backend::StoredToken, digest::TokenDigest, time::from_seconds};

/// The columns that [`parse`] reads.
macro_rules! columns {
    () => {
        "id, digest, subject, client_id, scopes, audience, name, \
         created_at, expires_at, last_used_at, revoked_at"
    };
}
pub(crate) use columns;

/// Why a row is not a token.
#[derive(Debug)]
pub(crate) enum BadRow {
    /// A column holds what we do not write there.
    Column(&'static str),
    Database(sqlx::Error),
}

impl BadRow {
    /// What is wrong, where it is not the database itself.
    pub(crate) fn what(column: &str) -> String {
        format!("a token has an impossible value in the column `{column}`")
    }
}

impl From<sqlx::Error> for BadRow {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Reads a row of [`columns!`].
pub(crate) fn parse<'r, R: Row>(row: &'r R) -> Result<StoredToken, BadRow>
where
    &'static str: ColumnIndex<R>,
    &'r [u8]: Decode<'r, R::Database> + Type<R::Database>,
    &'r str: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
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

/// The audience as it stands in its column.
pub(crate) fn audience(record: &TokenRecord) -> Result<String, sqlx::Error> {
    serde_json::to_string(&record.audience).map_err(|e| sqlx::Error::Encode(Box::new(e)))
}

fn time<'r, R: Row>(row: &'r R, column: &'static str) -> Result<Option<SystemTime>, BadRow>
where
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let seconds: Option<i64> = row.try_get(column)?;
    seconds
        .map(|seconds| from_seconds(seconds).ok_or(BadRow::Column(column)))
        .transpose()
}
