//! The line to one running child: requests out, answers and notifications in.

mod flight;
mod incoming;
mod question;
mod startup;
mod table;
mod upkeep;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rmcp::model::ErrorData;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::ChildStdin, sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

pub(super) use self::{
    flight::{Event, Flight},
    question::Question,
    startup::{Said, Server, StartError},
};
use self::{table::Table, upkeep::Held};
use super::{asker::Asker, child::Streams, errors, hub::Hub, settings::StdioSettings, wire};

/// Messages that may wait for a child to read them.
const QUEUE: usize = 256;

/// The line to one child, from its start to its end.
pub(super) struct Link {
    name: String,
    server: OnceLock<Server>,
    lines: mpsc::Sender<String>,
    table: Mutex<Table>,
    next: AtomicU64,
    /// Cancelled when the child has gone, or shall go.
    closed: CancellationToken,
    pub(super) hub: Arc<Hub>,
    held: tokio::sync::Mutex<Held>,
}

impl Link {
    /// Opens the line to a child that has just been started; nothing has been said yet.
    pub(super) fn open(streams: Streams, hub: Arc<Hub>, settings: &StdioSettings) -> Arc<Self> {
        let (lines, waiting) = mpsc::channel(QUEUE);
        let link = Arc::new(Self {
            name: settings.name.clone(),
            server: OnceLock::new(),
            lines,
            table: Mutex::default(),
            next: AtomicU64::new(1),
            closed: CancellationToken::new(),
            hub,
            held: tokio::sync::Mutex::default(),
        });
        let Streams { input, output } = streams;
        tokio::spawn(write(waiting, input, link.closed.clone()));
        tokio::spawn(Arc::clone(&link).read(output, settings.line));
        link
    }

    /// What the child has said of itself. There is none before it has been asked.
    pub(super) fn server(&self) -> Option<&Server> {
        self.server.get()
    }

    /// Closes the line: the child reads the end of its input, and what is under way has failed.
    pub(super) fn close(&self) {
        self.closed.cancel();
        self.fail_all();
    }

    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Whether a client waits for something.
    pub(super) fn is_used(&self) -> bool {
        self.table().is_used()
    }

    /// Makes room for a request, which gets its number here.
    pub(super) fn begin(self: &Arc<Self>, asker: Option<Asker>) -> Result<Flight, ErrorData> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (events, incoming) = flight::events();
        self.table().begin(number, asker, events)?;
        Ok(Flight::new(Arc::clone(self), number, incoming))
    }

    /// Asks something for the gate itself.
    pub(super) async fn ask(
        self: &Arc<Self>,
        method: &str,
        params: Option<Value>,
        limit: Duration,
    ) -> Result<Value, ErrorData> {
        let asking = async {
            let mut flight = self.begin(None)?;
            flight.send(method, params).await?;
            flight.answer().await
        };
        timeout(limit, asking)
            .await
            .unwrap_or_else(|_| Err(errors::too_slow(limit)))
    }

    /// Tells the child something.
    pub(super) async fn tell(&self, method: &str, params: Option<Value>) -> Result<(), ErrorData> {
        self.write(wire::notification(method, params)).await
    }

    /// The same from where nobody can wait.
    fn tell_soon(&self, line: String) {
        let Err(mpsc::error::TrySendError::Full(line)) = self.lines.try_send(line) else {
            return;
        };
        let (lines, closed) = (self.lines.clone(), self.closed.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::select! {
                    _ = lines.send(line) => {}
                    () = closed.cancelled() => {}
                }
            });
        }
    }

    async fn write(&self, line: String) -> Result<(), ErrorData> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => Err(errors::ended()),
            sent = self.lines.send(line) => sent.map_err(|_| errors::ended()),
        }
    }

    /// Takes a request back. The child may go on with it all the same: who asked is remembered.
    fn cancel(&self, number: u64, reason: &str) {
        let was_open = self.table().abandon(number);
        if was_open && !self.is_closed() {
            let params = json!({ "requestId": number, "reason": reason });
            self.tell_soon(wire::notification("notifications/cancelled", Some(params)));
        }
    }

    fn fail_all(&self) {
        let waiting = self.table().end();
        for events in waiting {
            events.finish(Err(errors::ended()));
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes lines until there are no more, and then closes the stream.
async fn write(
    mut lines: mpsc::Receiver<String>,
    mut child: ChildStdin,
    closed: CancellationToken,
) {
    let writing = async {
        while let Some(mut line) = lines.recv().await {
            line.push('\n');
            child.write_all(line.as_bytes()).await?;
            child.flush().await?;
        }
        Ok::<(), std::io::Error>(())
    };
    tokio::select! {
        biased;
        () = closed.cancelled() => {}
        written = writing => if written.is_err() {
            closed.cancel();
        }
    }
}
