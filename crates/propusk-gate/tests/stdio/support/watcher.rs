//! Who is told how requests end.

use std::sync::Mutex;

use propusk::audit::{AuditEvent, AuditSink, Ending, Finished, Span};

/// Remembers the ends of calls.
#[derive(Default)]
pub(crate) struct Watcher {
    spans: bool,
    ends: Mutex<Vec<(String, Ending, Option<Span>)>>,
}

impl Watcher {
    pub(crate) fn new(spans: bool) -> Self {
        let ends = Mutex::default();
        Self { spans, ends }
    }

    /// How many requests for this, by how their operation is written, have ended so.
    pub(crate) fn ended(&self, operation: &str, how: Ending) -> usize {
        let ends = self.ends.lock().unwrap();
        let so = |(what, ending, _): &&(String, _, _)| what.contains(operation) && *ending == how;
        ends.iter().filter(so).count()
    }

    /// All spans so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let ends = self.ends.lock().unwrap();
        ends.iter().filter_map(|(_, _, span)| *span).collect()
    }
}

impl AuditSink for Watcher {
    fn record(&self, _: &AuditEvent<'_>) {}

    fn finished(&self, end: &Finished<'_>) {
        let end = (end.operation().to_string(), end.ending(), end.span());
        self.ends.lock().unwrap().push(end);
    }

    fn wants_ends(&self) -> bool {
        true
    }

    fn wants_spans(&self) -> bool {
        self.spans
    }
}
