//! What an upstream answered, counted for it and for each of its tools.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{Counter, Metrics, ToolNames, histogram::Histogram};
use crate::{
    Operation, TargetKind,
    audit::{AuditEvent, AuditSink, Decision, Ending, Finished},
};

/// What tools are counted under that nobody listed.
const OTHER: &str = "other";

/// The sink that counts into [`Metrics`] for one upstream.
pub(crate) struct UpstreamNumbers {
    metrics: Metrics,
    name: Box<str>,
    names: ToolNames,
    all: Series,
    tools: RwLock<HashMap<Box<str>, Arc<Series>>>,
}

/// The words of the label `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// A good answer, to its end.
    Ok,
    /// The upstream does not want this request (4xx).
    Rejected,
    /// It is broken, too late, or cannot be reached.
    Failed,
    /// The client went away.
    Abandoned,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Ok, Self::Rejected, Self::Failed, Self::Abandoned];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    fn of(end: &Finished<'_>) -> Self {
        match (end.ending(), end.status()) {
            (Ending::Broken, _) => Self::Failed,
            (_, Some(status)) if status.is_server_error() => Self::Failed,
            (Ending::Abandoned, _) | (_, None) => Self::Abandoned,
            (_, Some(status)) if status.is_client_error() => Self::Rejected,
            (Ending::Complete, Some(_)) => Self::Ok,
        }
    }
}

/// Counts by outcome, and how long answers took.
struct Series {
    outcomes: [Counter; 4],
    durations: Arc<Histogram>,
}

impl Series {
    fn of_upstream(metrics: &Metrics, upstream: &str) -> Self {
        Self {
            outcomes: Outcome::ALL.map(|outcome| {
                metrics.counter(
                    "propusk_upstream_requests_total",
                    "Requests that an upstream was asked, by what became of them.",
                    &[("upstream", upstream), ("outcome", outcome.as_str())],
                )
            }),
            durations: metrics.histogram(
                "propusk_upstream_duration_seconds",
                "From a request's head to the end of its answer, streams of notifications aside.",
                &[("upstream", upstream)],
            ),
        }
    }

    fn of_tool(metrics: &Metrics, upstream: &str, tool: &str) -> Self {
        Self {
            outcomes: Outcome::ALL.map(|outcome| {
                metrics.counter(
                    "propusk_tool_calls_total",
                    "Calls of tools, by what became of them.",
                    &[
                        ("upstream", upstream),
                        ("tool", tool),
                        ("outcome", outcome.as_str()),
                    ],
                )
            }),
            durations: metrics.histogram(
                "propusk_tool_duration_seconds",
                "From the head of a call of a tool to the end of its answer.",
                &[("upstream", upstream), ("tool", tool)],
            ),
        }
    }

    fn count(&self, end: &Finished<'_>) {
        let outcome = Outcome::of(end);
        self.outcomes[outcome as usize].increment();
        if outcome != Outcome::Abandoned && !is_listening(end) {
            self.durations.observe(end.duration());
        }
    }
}

/// Streams of notifications last as long as somebody listens, which says nothing of the upstream.
fn is_listening(end: &Finished<'_>) -> bool {
    let gets = end.http_method().is_some_and(|method| method == "GET");
    gets || matches!(end.operation(), Operation::Method { method, .. } if method == "subscriptions/listen")
}

impl UpstreamNumbers {
    pub(crate) fn new(metrics: &Metrics, name: &str, names: ToolNames) -> Self {
        Self {
            metrics: metrics.clone(),
            name: name.into(),
            names,
            all: Series::of_upstream(metrics, name),
            tools: RwLock::default(),
        }
    }

    fn tool(&self, name: &str) -> Arc<Series> {
        let label = if self.names.knows(name) { name } else { OTHER };
        let tools = self.tools.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = tools.get(label) {
            return Arc::clone(series);
        }
        drop(tools);
        let mut tools = self.tools.write().unwrap_or_else(PoisonError::into_inner);
        let series = tools
            .entry(label.into())
            .or_insert_with(|| Arc::new(Series::of_tool(&self.metrics, &self.name, label)));
        Arc::clone(series)
    }
}

impl AuditSink for UpstreamNumbers {
    fn record(&self, _: &AuditEvent<'_>) {}

    fn finished(&self, end: &Finished<'_>) {
        if end.decision() == Decision::Refused {
            return;
        }
        self.all.count(end);
        if let Operation::Method { method, targets } = end.operation()
            && method == "tools/call"
            && let Some(target) = targets.first()
            && target.kind() == TargetKind::Tool
        {
            self.tool(target.name()).count(end);
        }
    }

    fn wants_ends(&self) -> bool {
        true
    }
}
