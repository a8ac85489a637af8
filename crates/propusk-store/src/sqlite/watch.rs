//! Noticing commits of other connections, cheaply.

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

pub(super) const REVISION: &str = "SELECT revision FROM store_state";

/// Reads the revision, and only where the database has changed at all.
///
/// `PRAGMA data_version` costs a few microseconds and changes with every commit of any *other*
/// connection, in this process or another. It can only be compared with what the same connection
/// said before, hence a connection that is kept, and on which nothing is ever written.
pub(super) struct Watch {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    seen: Option<Seen>,
}

#[derive(Clone, Copy)]
struct Seen {
    data_version: i64,
    revision: i64,
}

impl Watch {
    pub(super) fn new(options: SqliteConnectOptions) -> Self {
        Self {
            options,
            connection: None,
            seen: None,
        }
    }

    /// The current revision. The connection is made when it is needed and, after an error, anew.
    pub(super) async fn revision(&mut self) -> Result<i64, sqlx::Error> {
        // Both are only put back after success, so neither an error nor a caller who has lost
        // patience leaves a connection in an unknown state, or a version of another connection.
        let (mut connection, seen) = match (self.connection.take(), self.seen.take()) {
            (Some(connection), seen) => (connection, seen),
            (None, _) => (self.options.connect().await?, None),
        };
        let seen = look(&mut connection, seen).await?;
        self.connection = Some(connection);
        self.seen = Some(seen);
        Ok(seen.revision)
    }

    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "closing the connection that watches for changes");
        }
    }
}

/// First the data version, then the revision: a commit in between is seen again by the next look.
async fn look(connection: &mut SqliteConnection, seen: Option<Seen>) -> Result<Seen, sqlx::Error> {
    let data_version = sqlx::query_scalar("PRAGMA data_version")
        .fetch_one(&mut *connection)
        .await?;
    match seen {
        Some(seen) if seen.data_version == data_version => Ok(seen),
        _ => {
            let revision = sqlx::query_scalar(REVISION).fetch_one(connection).await?;
            Ok(Seen {
                data_version,
                revision,
            })
        }
    }
}
