//! Opening a SQLite store.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::Mutex;

use crate::StoreError;

use super::{
    SqliteBackend,
    error::explain,
    file::{self, DatabaseFile},
    schema,
    watch::Watch,
};

/// How long to wait for other processes.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to queue in this process, behind others that have patience too.
const QUEUE_TIME: Duration = Duration::from_secs(10);
/// Each is a thread. Look-ups are short, and verified tokens are answered from memory.
const READERS: u32 = 4;

impl SqliteBackend {
    /// Opens the file, or a store in memory where there is none. `true` where the store is new.
    pub(crate) async fn open(path: Option<&Path>) -> Result<(Self, bool), StoreError> {
        match path {
            Some(path) => open_file(path).await,
            None => open_in_memory().await,
        }
    }
}

async fn open_file(path: &Path) -> Result<(SqliteBackend, bool), StoreError> {
    // Absolute, so that neither a later change of folder nor a name like `file:x` or `:memory:`,
    // which mean something to SQLite, matters.
    let path = std::path::absolute(path).map_err(|e| StoreError::Database {
        place: path.display().to_string(),
        cause: Box::new(e),
    })?;
    file::prepare(&path).await?;
    let options = connect_options(&path);
    let created = set_up_with_patience(&options, &path).await?;
    let file = DatabaseFile::identify(&path).await?;
    let only_reading = options.clone().pragma("query_only", "ON");
    let backend = SqliteBackend {
        readers: pool_options(READERS).connect_lazy_with(only_reading.clone()),
        writer: pool_options(1).connect_lazy_with(options),
        watch: Some(Mutex::new(Watch::new(only_reading))),
        file: Some(file),
        path,
    };
    Ok((backend, created))
}

/// One connection for everything: each connection has a memory of its own, and nobody else can
/// change it.
async fn open_in_memory() -> Result<(SqliteBackend, bool), StoreError> {
    let path = PathBuf::from(":memory:");
    let pool = pool_options(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect_lazy_with(connect_options(&path));
    let mut connection = pool.acquire().await.map_err(|e| explain(&path, e))?;
    schema::set_up_on(&mut connection, &path).await?;
    drop(connection);
    let backend = SqliteBackend {
        readers: pool.clone(),
        writer: pool,
        watch: None,
        file: None,
        path,
    };
    Ok((backend, true))
}

fn connect_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        // In WAL mode NORMAL does not sync at a commit: after a power failure a token that was
        // reported as revoked would be valid again. FULL does; it costs one sync per issue or
        // revocation, and nothing per verification.
        .synchronous(SqliteSynchronous::Full)
        // macOS only: there a plain sync stops at the drive's cache.
        .pragma("fullfsync", "ON")
        // A schema that somebody tampered with gets no functions with side effects.
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

fn pool_options(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(QUEUE_TIME)
        // A connection to a file does not go stale, and the test would double each look-up.
        .test_before_acquire(false)
}

/// Changing into WAL mode does not wait for other processes that open a new store at the same
/// time, whatever the busy timeout says, so it is tried again.
async fn set_up_with_patience(
    options: &SqliteConnectOptions,
    path: &Path,
) -> Result<bool, StoreError> {
    let began = Instant::now();
    loop {
        match schema::set_up(options, path).await {
            Err(error) if error.is_busy() && began.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            result => return result,
        }
    }
}
