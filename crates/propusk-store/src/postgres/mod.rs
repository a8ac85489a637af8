//! Tokens in a PostgreSQL database, which several server processes may share.

mod connections;
mod error;
mod listen;
mod schema;
#[cfg(test)]
#[cfg(feature = "real-parts")]
mod tests;
mod tokens;
mod url;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use sqlx::PgConnection;
use tokio::time::timeout;

use crate::{
    StoreError, TokenId,
    backend::{Answer, Backend, OnWithdrawal, StoredToken},
};

use self::{
    connections::Connections,
    error::{Trouble, explain},
    listen::Listener,
};

pub(crate) use self::url::PostgresUrl;

/// How long opening may wait for the server.
const TO_CONNECT: Duration = Duration::from_secs(5);
/// How long opening may wait for others who set up the same store.
const TO_SET_UP: Duration = Duration::from_secs(15);

/// Tokens in a PostgreSQL database.
pub(crate) struct PostgresBackend {
    connections: Arc<Connections>,
    listener: Listener,
    url: PostgresUrl,
}

impl PostgresBackend {
    /// Opens the store in the database. `true` where it is new.
    pub(crate) async fn open(url: &PostgresUrl) -> Result<(Self, bool), StoreError> {
        let mut first = connect(url).await?;
        let created = within(url, TO_SET_UP, schema::set_up(&mut first)).await?;
        let backend = Self {
            connections: Connections::new(url.options().clone(), first),
            listener: Listener::new(url.options().clone()),
            url: url.clone(),
        };
        Ok((backend, created))
    }

    /// Whether there is a store in the database.
    pub(crate) async fn is_there(url: &PostgresUrl) -> Result<bool, StoreError> {
        let mut connection = connect(url).await?;
        let version = within(url, TO_CONNECT, schema::version(&mut connection)).await?;
        Ok(version > 0)
    }

    async fn shut_down(&self) -> Result<(), StoreError> {
        self.listener.stop();
        self.connections.close().await;
        Ok(())
    }
}

async fn connect(url: &PostgresUrl) -> Result<PgConnection, StoreError> {
    within(url, TO_CONNECT, Connections::connect(url.options())).await
}

async fn within<T>(
    url: &PostgresUrl,
    limit: Duration,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, StoreError> {
    let done = timeout(limit, work).await;
    done.unwrap_or(Err(Trouble::Slow(limit)))
        .map_err(|trouble| explain(url, trouble))
}

impl Backend for PostgresBackend {
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
        self.listener.ensure_running();
        Box::pin(self.read_revision())
    }

    /// Longer than for a file: a look is a question to another machine, and the listener usually
    /// knows before it.
    fn trusted_for(&self) -> Duration {
        Duration::from_millis(500)
    }

    fn on_withdrawal(&self, call: OnWithdrawal) {
        self.listener.set(call);
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(self.shut_down())
    }
}
