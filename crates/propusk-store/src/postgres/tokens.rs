//! What is done with tokens: one method, one transaction.

use std::time::{Duration, SystemTime};

use sqlx::PgConnection;

use crate::{
    StoreError, TokenId,
    backend::StoredToken,
    row::{self, audience, columns},
    time::to_seconds,
};

use super::{
    PostgresBackend,
    connections::Lease,
    error::{Trouble, explain},
};

/// How long a request may wait for the database. A server that is gone is often silent.
const FOR_A_REQUEST: Duration = Duration::from_secs(2);
/// How long a person may wait for a list.
const FOR_A_LIST: Duration = Duration::from_secs(30);
/// How long a change may take; longer than it waits for other transactions.
const FOR_A_CHANGE: Duration = Duration::from_secs(10);
/// How many times of last use are written in one transaction.
const USES_IN_A_TRANSACTION: usize = 500;

const FIND: &str = concat!("SELECT ", columns!(), " FROM propusk.tokens WHERE id = $1");
const REVISION: &str = "SELECT revision FROM propusk.store_state";

impl PostgresBackend {
    pub(super) async fn read_revision(&self) -> Result<i64, StoreError> {
        self.ready_within(FOR_A_REQUEST).await?;
        let revision = self.connections.read(FOR_A_REQUEST, |connection| {
            Box::pin(async { Ok(sqlx::query_scalar(REVISION).fetch_one(connection).await?) })
        });
        revision.await.map_err(|e| explain(&self.url, e))
    }

    pub(super) async fn find_row(&self, id: TokenId) -> Result<Option<StoredToken>, StoreError> {
        self.ready_within(FOR_A_REQUEST).await?;
        let found = self.connections.look_up(FOR_A_REQUEST, move |connection| {
            Box::pin(find(connection, id))
        });
        found.await.map_err(|e| explain(&self.url, e))
    }

    pub(super) async fn list_rows(&self) -> Result<Vec<StoredToken>, StoreError> {
        const LIST: &str = concat!("SELECT ", columns!(), " FROM propusk.tokens ORDER BY seq");
        self.ready_within(FOR_A_LIST).await?;
        let rows = self.connections.read(FOR_A_LIST, |connection| {
            Box::pin(async {
                let rows = sqlx::query(LIST).fetch_all(connection).await?;
                let parsed: Result<_, _> = rows.iter().map(row::parse).collect();
                Ok(parsed?)
            })
        });
        rows.await.map_err(|e| explain(&self.url, e))
    }

    pub(super) async fn insert_row(&self, token: &StoredToken) -> Result<(), StoreError> {
        self.change(async {
            let mut transaction = self.connections.begin().await?;
            insert(&mut transaction, token).await?;
            self.commit(transaction).await
        })
        .await
    }

    pub(super) async fn revoke_row(
        &self,
        id: TokenId,
        at: SystemTime,
    ) -> Result<Option<StoredToken>, StoreError> {
        self.change(async {
            let mut transaction = self.connections.begin().await?;
            revoke(&mut transaction, id, at).await?;
            let found = find(&mut transaction, id).await?;
            self.commit(transaction).await?;
            Ok(found)
        })
        .await
    }

    pub(super) async fn replace_row(
        &self,
        id: TokenId,
        at: SystemTime,
        successor: &StoredToken,
    ) -> Result<bool, StoreError> {
        self.change(async {
            let mut transaction = self.connections.begin().await?;
            let revoked = revoke(&mut transaction, id, at).await?;
            if revoked {
                insert(&mut transaction, successor).await?;
            }
            self.commit(transaction).await?;
            Ok(revoked)
        })
        .await
    }

    pub(super) async fn write_uses(
        &self,
        uses: &[(TokenId, SystemTime)],
    ) -> Result<(), StoreError> {
        for uses in uses.chunks(USES_IN_A_TRANSACTION) {
            self.change(async {
                let mut transaction = self.connections.begin().await?;
                note_uses(&mut transaction, uses).await?;
                self.commit(transaction).await
            })
            .await?;
        }
        Ok(())
    }

    /// A change within its time. What is not committed by then is rolled back by the server, which
    /// notices the end of the connection.
    async fn change<T>(
        &self,
        work: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, StoreError> {
        self.ready_within(FOR_A_CHANGE).await?;
        let done = tokio::time::timeout(FOR_A_CHANGE, work).await;
        done.unwrap_or_else(|_| Err(self.connections.give_up(FOR_A_CHANGE)))
            .map_err(|e| explain(&self.url, e))
    }

    async fn commit(&self, mut transaction: Lease) -> Result<(), Trouble> {
        sqlx::raw_sql("COMMIT").execute(&mut *transaction).await?;
        self.connections.keep(transaction);
        Ok(())
    }
}

async fn find(connection: &mut PgConnection, id: TokenId) -> Result<Option<StoredToken>, Trouble> {
    let find = sqlx::query(FIND).bind(id.as_str());
    let found = find.fetch_optional(connection).await?;
    Ok(found.as_ref().map(row::parse).transpose()?)
}

/// Adds a token. It does not change the revision: no cached answer is wrong because of it.
async fn insert(connection: &mut PgConnection, token: &StoredToken) -> Result<(), Trouble> {
    const INSERT: &str = concat!(
        "INSERT INTO propusk.tokens (",
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
    insert.execute(connection).await?;
    Ok(())
}

/// Revokes a token, moves the revision on and announces it. `false`, and nothing done, where it is
/// revoked already or not there.
async fn revoke(
    connection: &mut PgConnection,
    id: TokenId,
    at: SystemTime,
) -> Result<bool, Trouble> {
    const REVOKE: &str = "\
        WITH revoked AS (UPDATE propusk.tokens SET revoked_at = $1 \
                         WHERE id = $2 AND revoked_at IS NULL RETURNING 1), \
             moved AS (UPDATE propusk.store_state SET revision = revision + 1 \
                       WHERE EXISTS (SELECT FROM revoked) RETURNING revision) \
        SELECT pg_catalog.pg_notify($3, '') FROM moved";
    let revoke = sqlx::query(REVOKE)
        .bind(to_seconds(at))
        .bind(id.as_str())
        .bind(super::listen::CHANNEL);
    Ok(revoke.fetch_optional(connection).await?.is_some())
}

/// Moves times of last use forward. The rows are locked in the order of their ids, so that two
/// processes never wait for one another.
async fn note_uses(
    connection: &mut PgConnection,
    uses: &[(TokenId, SystemTime)],
) -> Result<(), Trouble> {
    const NOTE: &str = "\
        UPDATE propusk.tokens t SET last_used_at = later.at \
        FROM (SELECT t.seq, u.at FROM propusk.tokens t \
              JOIN unnest($1::text[], $2::bigint[]) AS u (id, at) ON u.id = t.id \
              WHERE coalesce(t.last_used_at, 0) < u.at \
              ORDER BY t.id FOR NO KEY UPDATE OF t) AS later \
        WHERE t.seq = later.seq";
    let (ids, times): (Vec<String>, Vec<i64>) = uses
        .iter()
        .map(|(id, at)| (id.to_string(), to_seconds(*at)))
        .unzip();
    let note = sqlx::query(NOTE).bind(ids).bind(times);
    note.execute(connection).await?;
    Ok(())
}
