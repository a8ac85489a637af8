//! Setting the store up: at once, or when the server is first reached.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use sqlx::PgConnection;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout, timeout_at},
};

use super::{
    PostgresUrl,
    connections::Connections,
    error::{Trouble, explain},
    schema,
};
use crate::StoreError;

/// How long the server may take to answer.
const TO_CONNECT: Duration = Duration::from_secs(5);
/// How long to wait for others who set up the same store.
const TO_SET_UP: Duration = Duration::from_secs(15);

/// Whether the schema is there and up to date; once it is, that is never looked at again.
#[derive(Default)]
pub(super) struct Ready {
    /// Whether there was no store before.
    created: OnceLock<bool>,
    /// Held by the one who is at it.
    turn: Arc<Mutex<()>>,
}

impl Ready {
    /// `None`: not set up yet.
    pub(super) fn created(&self) -> Option<bool> {
        self.created.get().copied()
    }

    /// Sets the store up unless that is done, and waits for it so long. What was begun goes on after
    /// that, so that the patience of a request need not suffice for it; one is at it at a time.
    pub(super) async fn ensure(
        self: &Arc<Self>,
        connections: &Arc<Connections>,
        url: &PostgresUrl,
        patience: Duration,
    ) -> Result<(), StoreError> {
        if self.created().is_some() {
            return Ok(());
        }
        if connections.is_closed() {
            return Err(StoreError::Closed);
        }
        let slow = || explain(url, Trouble::Slow(patience));
        let deadline = Instant::now() + patience;
        let turn = timeout_at(deadline, Arc::clone(&self.turn).lock_owned()).await;
        let turn = turn.map_err(|_| slow())?;
        if self.created().is_some() {
            return Ok(());
        }
        let (this, connections, its_url) = (Arc::clone(self), Arc::clone(connections), url.clone());
        let task = tokio::spawn(async move {
            let (connection, created) = set_up(&its_url).await?;
            connections.adopt(connection);
            let _ = this.created.set(created);
            drop(turn);
            Ok(())
        });
        let ended = |_| explain(url, Trouble::Database(sqlx::Error::WorkerCrashed));
        let done = timeout_at(deadline, task).await;
        done.map_err(|_| slow())?.map_err(ended)?
    }
}

/// The whole time that setting up may take.
pub(super) const WHOLE: Duration = TO_CONNECT.saturating_add(TO_SET_UP);

async fn set_up(url: &PostgresUrl) -> Result<(PgConnection, bool), StoreError> {
    let mut connection = connect(url).await?;
    let created = within(url, TO_SET_UP, schema::set_up(&mut connection)).await?;
    Ok((connection, created))
}

/// Whether there is a store in the database.
pub(super) async fn is_there(url: &PostgresUrl) -> Result<bool, StoreError> {
    let mut connection = connect(url).await?;
    let version = within(url, TO_CONNECT, schema::version(&mut connection)).await?;
    Ok(version > 0)
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
