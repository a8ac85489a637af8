//! Hearing at once what other processes withdraw.
//!
//! Only a hint: it makes a revocation effective at once. That it is effective within a second
//! does not depend on it, since a connection can die without a sound.

use std::{
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use sqlx::{
    Executor,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{task::JoinHandle, time::timeout};

use crate::backend::OnWithdrawal;

/// The channel, within the database. A withdrawal is announced on it when it is committed.
pub(super) const CHANNEL: &str = "propusk_withdrawal";

/// How long to wait before the next attempt where the connection was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a silent connection is believed to be alive. Also keeps routers from forgetting it.
const SILENCE: Duration = Duration::from_secs(15);

/// How long a sign of life, or a new connection, may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Calls when a token is withdrawn. The task that listens is started when it is first of use, so a
/// command that only lists tokens never has one.
pub(super) struct Listener {
    options: PgConnectOptions,
    call: OnceLock<OnWithdrawal>,
    task: Mutex<Task>,
}

#[derive(Default)]
enum Task {
    #[default]
    NotStarted,
    Running(JoinHandle<()>),
    Stopped,
}

impl Listener {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self {
            options,
            call: OnceLock::new(),
            task: Mutex::default(),
        }
    }

    /// What to call; the first one counts.
    pub(super) fn set(&self, call: OnWithdrawal) {
        let _ = self.call.set(call);
    }

    /// Makes sure that somebody listens, unless it was stopped.
    pub(super) fn ensure_running(&self) {
        let mut task = self.lock();
        let is_needed = match &*task {
            Task::NotStarted => true,
            // As when the runtime that it ran on has ended.
            Task::Running(task) => task.is_finished(),
            Task::Stopped => false,
        };
        if is_needed && let Some(call) = self.call.get() {
            let listening = listen_for_ever(self.options.clone(), call.clone());
            *task = Task::Running(tokio::spawn(listening));
        }
    }

    pub(super) fn stop(&self) {
        if let Task::Running(task) = std::mem::replace(&mut *self.lock(), Task::Stopped) {
            task.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn listen_for_ever(options: PgConnectOptions, call: OnWithdrawal) {
    loop {
        let reason = match listen(&options, &call).await {
            Err(error) => error.to_string(),
            Ok(()) => "the connection was closed".to_owned(),
        };
        tracing::debug!(
            reason,
            "not hearing of withdrawn tokens; looking for them instead"
        );
        tokio::time::sleep(PAUSE).await;
    }
}

/// Listens until the connection is lost.
async fn listen(options: &PgConnectOptions, call: &OnWithdrawal) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    // For what was announced before.
    call();
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(_))) => call(),
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => match timeout(PATIENCE, listener.execute("SELECT 1")).await {
                Ok(sign_of_life) => {
                    sign_of_life?;
                }
                Err(_) => return Ok(()),
            },
        }
    }
}
