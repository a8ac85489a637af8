//! One request at a child, from its being sent to its answer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rmcp::model::ErrorData;
use serde_json::Value;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{
    super::{
        errors,
        wire::{self, Method},
    },
    Link, Question,
};

/// Notifications that may wait for a client to take them. Further ones are left out: neither progress
/// nor log lines may fill the memory, or hold up the answers of others.
const WAITING: usize = 256;

/// What happens to a request, in the order in which the child said it.
pub(in crate::stdio) enum Event {
    /// Progress, or a line of the log.
    Notification(Method),
    /// The child asks the client something.
    Question(Question),
    /// The answer; nothing comes after it.
    Answer(Result<Value, ErrorData>),
}

/// A request at a child. Dropped before its answer, it is cancelled there.
pub(in crate::stdio) struct Flight {
    link: Arc<Link>,
    number: u64,
    events: UnboundedReceiver<Event>,
    waiting: Arc<AtomicUsize>,
    is_sent: bool,
    has_ended: bool,
}

impl Flight {
    pub(super) fn new(link: Arc<Link>, number: u64, (events, waiting): Incoming) -> Self {
        Self {
            link,
            number,
            events,
            waiting,
            is_sent: false,
            has_ended: false,
        }
    }

    /// Its id at the child, and its progress token there.
    pub(in crate::stdio) fn number(&self) -> u64 {
        self.number
    }

    /// Sends it.
    pub(in crate::stdio) async fn send(
        &mut self,
        method: &str,
        params: Option<Value>,
    ) -> Result<(), ErrorData> {
        let line = wire::request(self.number, method, params);
        self.link.write(line).await?;
        // What has not been queued need not be taken back.
        self.is_sent = true;
        Ok(())
    }

    /// What happens next.
    pub(in crate::stdio) async fn next(&mut self) -> Event {
        let event = self.events.recv().await;
        let event = event.unwrap_or_else(|| Event::Answer(Err(errors::ended())));
        match &event {
            Event::Notification(_) => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
            }
            Event::Answer(_) => self.has_ended = true,
            Event::Question(_) => {}
        }
        event
    }

    /// The answer to a request of the gate itself.
    pub(super) async fn answer(&mut self) -> Result<Value, ErrorData> {
        loop {
            if let Event::Answer(answer) = self.next().await {
                return answer;
            }
        }
    }

    /// Takes it back, and says why.
    pub(in crate::stdio) fn cancel(mut self, reason: &str) {
        self.give_up(reason);
    }

    fn give_up(&mut self, reason: &str) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        if self.is_sent {
            self.link.cancel(self.number, reason);
        } else {
            self.link.table().finish(self.number);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.give_up("the client does not wait for it any longer");
    }
}

type Incoming = (UnboundedReceiver<Event>, Arc<AtomicUsize>);

/// Both ends of what happens to a request.
pub(super) fn events() -> (Sender, Incoming) {
    let (events, incoming) = mpsc::unbounded_channel();
    let waiting = Arc::default();
    let sender = Sender {
        events,
        waiting: Arc::clone(&waiting),
    };
    (sender, (incoming, waiting))
}

/// Where the reader of a child puts what happens.
#[derive(Clone)]
pub(super) struct Sender {
    events: UnboundedSender<Event>,
    waiting: Arc<AtomicUsize>,
}

impl Sender {
    pub(super) fn notify(&self, told: Method) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            tracing::debug!(
                method = told.name,
                "a client is too slow for a notification"
            );
            return;
        }
        let _ = self.events.send(Event::Notification(told));
    }

    /// Where nobody is there any longer, the question is refused by being dropped.
    pub(super) fn ask(&self, question: Question) {
        let _ = self.events.send(Event::Question(question));
    }

    pub(super) fn finish(self, answer: Result<Value, ErrorData>) {
        let _ = self.events.send(Event::Answer(answer));
    }
}
