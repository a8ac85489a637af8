//! The line to one running child: requests out, answers and notifications in.

mod ends;
mod flight;
mod incoming;
mod question;
mod startup;
mod table;
mod upkeep;
mod writer;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rmcp::model::ErrorData;
use serde_json::{Value, json};
use tokio::{process::ChildStdin, sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

pub(super) use self::{
    flight::{Event, Flight},
    question::Question,
    startup::{Said, Server, StartError},
};
use self::{table::Table, upkeep::Held, writer::Stopped};
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
    /// In which time the child did not read a message, if it has gone for that.
    unread: OnceLock<Duration>,
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
            unread: OnceLock::new(),
            hub,
            held: tokio::sync::Mutex::default(),
        });
        let Streams { input, output } = streams;
        tokio::spawn(Arc::clone(&link).write_all(waiting, input, settings.unread));
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

    /// Waits until it is closed, and says why.
    pub(super) async fn closed(&self) -> String {
        self.closed.cancelled().await;
        match self.unread.get() {
            Some(limit) => format!("it did not read its input for {} s", limit.as_secs_f32()),
            None => "it has closed its input or its output".to_owned(),
        }
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

    /// Waits for room, which there is again when the child reads, or is given up.
    async fn write(&self, line: String) -> Result<(), ErrorData> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => Err(self.why_ended()),
            sent = self.lines.send(line) => sent.map_err(|_| self.why_ended()),
        }
    }

    /// Writes what is sent until the line closes, and closes it if the child does not read.
    async fn write_all(
        self: Arc<Self>,
        mut lines: mpsc::Receiver<String>,
        child: ChildStdin,
        limit: Duration,
    ) {
        let stopped = tokio::select! {
            biased;
            () = self.closed.cancelled() => return,
            stopped = writer::write(&mut lines, child, limit) => stopped,
        };
        if let Stopped::Unread(limit) = stopped {
            let _ = self.unread.set(limit);
        }
        self.close();
    }

    fn why_ended(&self) -> ErrorData {
        match self.unread.get() {
            Some(limit) => errors::unread(*limit),
            None => errors::ended(),
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
            events.finish(Err(self.why_ended()));
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
