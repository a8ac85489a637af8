//! Tokens in a PostgreSQL database, which several server processes may share.

mod connections;
mod error;
mod listen;
mod ready;
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

use crate::{
    StoreError, TokenId,
    backend::{Answer, Backend, OnWithdrawal, StoredToken},
};

use self::{connections::Connections, listen::Listener, ready::Ready};

pub(crate) use self::url::PostgresUrl;

/// Tokens in a PostgreSQL database.
pub(crate) struct PostgresBackend {
    connections: Arc<Connections>,
    listener: Listener,
    ready: Arc<Ready>,
    url: PostgresUrl,
}

impl PostgresBackend {
    /// The store in the database, which is set up when the server is first reached.
    pub(crate) fn new(url: &PostgresUrl) -> Self {
        Self {
            connections: Connections::new(url.options().clone()),
            listener: Listener::new(url.options().clone()),
            ready: Arc::default(),
            url: url.clone(),
        }
    }

    /// Opens the store in the database.
    pub(crate) async fn open(url: &PostgresUrl) -> Result<Self, StoreError> {
        let backend = Self::new(url);
        backend.set_up_now().await?;
        Ok(backend)
    }

    /// Whether there is a store in the database.
    pub(crate) async fn is_there(url: &PostgresUrl) -> Result<bool, StoreError> {
        ready::is_there(url).await
    }

    async fn set_up_now(&self) -> Result<(), StoreError> {
        self.ready_within(ready::WHOLE).await
    }

    /// Before everything else that needs the schema.
    async fn ready_within(&self, patience: Duration) -> Result<(), StoreError> {
        self.ready
            .ensure(&self.connections, &self.url, patience)
            .await
    }

    async fn shut_down(&self) -> Result<(), StoreError> {
        self.listener.stop();
        self.connections.close().await;
        Ok(())
    }
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

    fn set_up(&self) -> Answer<'_, ()> {
        Box::pin(self.set_up_now())
    }

    fn is_set_up(&self) -> bool {
        self.ready.created().is_some()
    }

    /// `false` also as long as that is not known.
    fn created(&self) -> bool {
        self.ready.created().unwrap_or(false)
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(self.shut_down())
    }
}
