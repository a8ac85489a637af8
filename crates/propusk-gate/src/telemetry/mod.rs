//! A span for every request, sent to a collector over OTLP (HTTP, protobuf).
//!
//! The ids are the layer's (W3C Trace Context): a trace that the client began goes on, and the
//! upstream gets our span as its parent. Spans are gathered and sent by a task of their own. A request
//! never waits for it: where a collector is slow or away, spans are lost, and counted.

mod export;
mod span;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry_sdk::trace::SpanData;
use propusk::{
    audit::{AuditEvent, AuditSink, Finished},
    metrics::Metrics,
};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use export::Exporter;

/// So many spans wait to be sent, at most; a few hundred bytes each.
const MOST_WAITING: usize = 4_096;

/// What a stop waits for the last spans.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where spans go, and what is in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpSettings {
    endpoint: String,
    service_name: Option<String>,
    with_subject: bool,
}

impl OtlpSettings {
    /// A collector at this base URL, such as `http://127.0.0.1:4318`; `/v1/traces` is added where the
    /// path does not end with it (OTLP specification, *OTLP/HTTP Request*). Headers that it needs are
    /// taken from `OTEL_EXPORTER_OTLP_HEADERS`.
    ///
    /// # Errors
    /// It is not an `http` or `https` URL.
    pub fn new(url: &str) -> Result<Self, InvalidOtlp> {
        const PATH: &str = "/v1/traces";
        let parsed = reqwest::Url::parse(url).map_err(|_| InvalidOtlp::Url)?;
        if !matches!(parsed.scheme(), "http" | "https")
            || !parsed.username().is_empty()
            || parsed.password().is_some()
            || parsed.query().is_some()
            || parsed.fragment().is_some()
        {
            return Err(InvalidOtlp::Url);
        }
        let base = parsed.as_str().trim_end_matches('/');
        let base = base.strip_suffix(PATH).unwrap_or(base);
        Ok(Self {
            endpoint: format!("{base}{PATH}"),
            service_name: None,
            with_subject: false,
        })
    }

    /// Sets `service.name`; else it is `OTEL_SERVICE_NAME` of the environment, else `propusk`.
    #[must_use]
    pub fn service_name(mut self, name: &str) -> Self {
        self.service_name = Some(name.to_owned());
        self
    }

    /// Puts the subject of the token into the spans, as `enduser.id`. Off by default: whoever reads
    /// traces need not know who called.
    #[must_use]
    pub fn with_subject(mut self, yes: bool) -> Self {
        self.with_subject = yes;
        self
    }
}

/// Why no spans can be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOtlp {
    /// What was given is no URL of a collector.
    #[error(
        "this is not the URL of a collector: http or https, without user, query and fragment, such as http://127.0.0.1:4318"
    )]
    Url,
    /// The HTTP client cannot be built.
    #[error("no HTTP client for the collector: {0}")]
    Client(String),
}

/// Sends spans until it is [stopped](Telemetry::stop). Copies are handles of the same.
///
/// It is an [`AuditSink`] for [`AuthLayer::audit`](propusk::AuthLayer::audit).
#[derive(Clone)]
pub struct Telemetry(Arc<Inner>);

struct Inner {
    waiting: mpsc::Sender<SpanData>,
    counts: Arc<Counts>,
    with_subject: bool,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What became of spans.
#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    lost: AtomicU64,
}

impl Counts {
    fn sent(&self, spans: usize) {
        self.sent.fetch_add(spans as u64, Ordering::Relaxed);
    }

    fn lost(&self, spans: usize) {
        self.lost.fetch_add(spans as u64, Ordering::Relaxed);
    }
}

impl Telemetry {
    /// Begins. Nothing is sent before there is a span, so a collector that is away hinders nothing.
    ///
    /// # Errors
    /// The HTTP client cannot be built.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(settings: OtlpSettings) -> Result<Self, InvalidOtlp> {
        let with_subject = settings.with_subject;
        let counts = Arc::new(Counts::default());
        let exporter = Exporter::new(settings, Arc::clone(&counts))?;
        let (waiting, spans) = mpsc::channel(MOST_WAITING);
        let stop = CancellationToken::new();
        let task = tokio::spawn(exporter.run(spans, stop.clone()));
        Ok(Self(Arc::new(Inner {
            waiting,
            counts,
            with_subject,
            stop,
            task: Mutex::new(Some(task)),
        })))
    }

    /// How many spans a collector has taken.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.0.counts.sent.load(Ordering::Relaxed)
    }

    /// How many spans no collector has taken, and none will.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.counts.lost.load(Ordering::Relaxed)
    }

    /// Shows both numbers, as `propusk_spans_sent_total` and `propusk_spans_lost_total`.
    pub fn show(&self, metrics: &Metrics) {
        let own = self.clone();
        let help = "Spans that a collector has taken.";
        metrics.counter_from("propusk_spans_sent_total", help, &[], move || own.sent());
        let own = self.clone();
        let help = "Spans that no collector has taken, and none will.";
        metrics.counter_from("propusk_spans_lost_total", help, &[], move || own.lost());
    }

    /// Sends what is waiting, for at most five seconds, and ends. Later spans are lost.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        let task = self.0.task.lock().await.take();
        if let Some(mut task) = task
            && tokio::time::timeout(PATIENCE, &mut task).await.is_err()
        {
            task.abort();
            // Ended now, what it had is counted.
            let _ = task.await;
            tracing::warn!("the last spans could not be sent in time");
        }
    }
}

impl AuditSink for Telemetry {
    fn record(&self, _: &AuditEvent<'_>) {}

    fn finished(&self, end: &Finished<'_>) {
        if let Some(span) = span::data(end, self.0.with_subject)
            && self.0.waiting.try_send(span).is_err()
        {
            self.0.counts.lost(1);
        }
    }

    fn wants_ends(&self) -> bool {
        true
    }

    fn wants_spans(&self) -> bool {
        true
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("sent", &self.sent())
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_is_added_once() {
        for (url, endpoint) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://o.example/a/", "https://o.example/a/v1/traces"),
            ("https://o.example/v1/traces", "https://o.example/v1/traces"),
        ] {
            let settings = OtlpSettings::new(url).expect("a URL");
            assert_eq!(settings.endpoint, endpoint);
        }
        for url in [
            "",
            "127.0.0.1:4318",
            "grpc://a",
            "http://u:p@a",
            "http://a?b",
            "http://a#b",
        ] {
            assert!(OtlpSettings::new(url).is_err(), "{url}");
        }
    }
}
