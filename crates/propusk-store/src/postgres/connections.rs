//! Connections to the database: few, kept, and never waited for without end.
//!
//! Not sqlx's pool, which tests a connection over the network each time that it is given back, with
//! no time limit, goes on trying where nothing listens until its own limit is over, and then says
//! only that it was over. Here an outage is an answer at once or after a fixed time, with its cause,
//! and the first question after an outage succeeds.

use std::{
    ops::{Deref, DerefMut},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{timeout, timeout_at},
};

use super::error::Trouble;

/// How many at once. Each is a process of the server, whose own limit is usually 100.
const MOST: usize = 8;

/// How many of them may look tokens up: a flood of made-up ones must not keep the rest from noticing
/// revocations, on which all remembered answers rest.
const MOST_LOOK_UPS: usize = MOST - 2;

/// An unused connection is dropped after this time: routers forget silent ones, and then the next
/// question would wait in vain.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// How long a transaction may take to begin. Nothing is locked yet, so there is nobody to wait for.
const TO_BEGIN: Duration = Duration::from_secs(3);

/// How long a polite end of all connections may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// Begins a transaction that waits for others for at most 5 s, whatever the defaults of the database
/// are, and that is on the disk when it is reported as done.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
                     SET LOCAL lock_timeout = '5s'; \
                     SELECT set_config('synchronous_commit', 'on', true) \
                     WHERE current_setting('synchronous_commit') = 'off'";

/// What a question answers, later.
pub(super) type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send + 'a>>;

pub(super) struct Connections {
    options: PgConnectOptions,
    permits: Arc<Semaphore>,
    look_ups: Semaphore,
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    connection: PgConnection,
    since: Instant,
}

/// A connection in use. It is closed when dropped, which also rolls back what was not committed;
/// [`Connections::keep`] is for those that are whole.
pub(super) struct Lease {
    connection: PgConnection,
    /// Given back after the connection.
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new(options: PgConnectOptions) -> Arc<Self> {
        Arc::new(Self {
            options,
            permits: Arc::new(Semaphore::new(MOST)),
            look_ups: Semaphore::new(MOST_LOOK_UPS),
            kept: Mutex::default(),
        })
    }

    /// Connects to a server that knows the latest state.
    pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Trouble> {
        let mut connection = options.connect().await?;
        let follows_another: bool = sqlx::query_scalar("SELECT pg_catalog.pg_is_in_recovery()")
            .fetch_one(&mut connection)
            .await?;
        if follows_another {
            return Err(Trouble::Standby);
        }
        Ok(connection)
    }

    /// Asks a question that changes nothing, for at most as long as given. Where a kept connection
    /// turns out to be broken, as all do when the server was restarted, it is asked once more.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        question: impl for<'c> Fn(&'c mut PgConnection) -> Reply<'c, T> + Send + Sync + 'static,
    ) -> Result<T, Trouble> {
        let deadline = tokio::time::Instant::now() + limit;
        let permit = timeout_at(deadline, self.permit()).await;
        let permit = permit.unwrap_or(Err(Trouble::Slow(limit)))?;
        let this = Arc::clone(self);
        // In a task of its own, so that a client that goes away costs no connection.
        let task = tokio::spawn(async move {
            let answer = timeout_at(deadline, this.ask(permit, question)).await;
            answer.unwrap_or_else(|_| Err(this.give_up(limit)))
        });
        let ended = |_| Trouble::Database(sqlx::Error::WorkerCrashed);
        task.await.map_err(ended)?
    }

    /// The same about a token that somebody has sent.
    pub(super) async fn look_up<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        question: impl for<'c> Fn(&'c mut PgConnection) -> Reply<'c, T> + Send + Sync + 'static,
    ) -> Result<T, Trouble> {
        let _turn = timeout(limit, self.look_ups.acquire())
            .await
            .map_err(|_| Trouble::Slow(limit))?;
        self.read(limit, question).await
    }

    async fn ask<T>(
        &self,
        permit: OwnedSemaphorePermit,
        question: impl for<'c> Fn(&'c mut PgConnection) -> Reply<'c, T>,
    ) -> Result<T, Trouble> {
        if let Some(mut connection) = self.take_kept() {
            match question(&mut connection).await {
                Err(trouble @ Trouble::Database(_)) => self.forget_kept(&trouble),
                // Also where what was read is no token: the connection is whole.
                answer => {
                    self.keep(Lease::new(connection, permit));
                    return answer;
                }
            }
        }
        let connection = Self::connect(&self.options).await?;
        let mut lease = Lease::new(connection, permit);
        let answer = question(&mut lease).await?;
        self.keep(lease);
        Ok(answer)
    }

    /// Begins a transaction. To be ended with `COMMIT` and [`Connections::keep`], or by dropping it.
    pub(super) async fn begin(&self) -> Result<Lease, Trouble> {
        let begun = timeout(TO_BEGIN, self.begin_patiently()).await;
        begun.unwrap_or_else(|_| Err(self.give_up(TO_BEGIN)))
    }

    async fn begin_patiently(&self) -> Result<Lease, Trouble> {
        let permit = self.permit().await?;
        if let Some(mut connection) = self.take_kept() {
            match sqlx::raw_sql(BEGIN).execute(&mut connection).await {
                Ok(_) => return Ok(Lease::new(connection, permit)),
                // Nothing is done yet, so beginning once more is safe.
                Err(error) => self.forget_kept(&error.into()),
            }
        }
        let mut connection = Self::connect(&self.options).await?;
        sqlx::raw_sql(BEGIN).execute(&mut connection).await?;
        Ok(Lease::new(connection, permit))
    }

    /// What to say after a time limit. A network that went silent for one connection has most likely
    /// done so for the others.
    pub(super) fn give_up(&self, limit: Duration) -> Trouble {
        self.forget_kept(&Trouble::Slow(limit));
        Trouble::Slow(limit)
    }

    /// Keeps a connection for the next question.
    pub(super) fn keep(&self, lease: Lease) {
        self.adopt(lease.connection);
    }

    /// The same, of one that was made elsewhere.
    pub(super) fn adopt(&self, connection: PgConnection) {
        if !self.is_closed() {
            self.lock().push(Kept::now(connection));
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }

    pub(super) async fn close(&self) {
        self.permits.close();
        let kept = std::mem::take(&mut *self.lock());
        let farewell = async {
            for Kept { connection, .. } in kept {
                if let Err(error) = connection.close().await {
                    tracing::debug!(%error, "closing a connection to the token store");
                }
            }
        };
        // The server notices the end of those that it takes too long for, too.
        let _ = timeout(FAREWELL, farewell).await;
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Trouble> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        permit.map_err(|_| Trouble::Closed)
    }

    /// The connection that was used last, so that those that are too many grow old.
    fn take_kept(&self) -> Option<PgConnection> {
        let mut kept = self.lock();
        kept.retain(|kept| kept.since.elapsed() < KEPT_FOR);
        kept.pop().map(|kept| kept.connection)
    }

    /// What broke one connection has most likely broken the others.
    fn forget_kept(&self, trouble: &Trouble) {
        tracing::debug!(%trouble, "a connection to the token store broke; making another one");
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn now(connection: PgConnection) -> Self {
        Self {
            connection,
            since: Instant::now(),
        }
    }
}

impl Lease {
    fn new(connection: PgConnection, permit: OwnedSemaphorePermit) -> Self {
        Self {
            connection,
            _permit: permit,
        }
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
