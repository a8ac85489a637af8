//! What a client command is waiting for, as a note: lines of the log that the library writes for
//! humans.

use std::fmt;

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, filter::Targets, layer::Context};

use crate::output::note;

/// The target of those lines.
const TARGET: &str = "propusk::waiting";

/// Shows them, and nothing else.
pub(crate) struct Waiting;

impl Waiting {
    /// The lines that it is for. None where the log shows them already.
    pub(crate) fn filter(log: &Targets) -> Targets {
        match log.would_enable(TARGET, &Level::INFO) {
            true => Targets::new(),
            false => Targets::new().with_target(TARGET, Level::INFO),
        }
    }
}

impl<S: Subscriber> Layer<S> for Waiting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        note(&message.0);
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
