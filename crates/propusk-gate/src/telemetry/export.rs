//! The task that gathers spans and sends them.

use std::{env, sync::Arc, time::Duration};

use opentelemetry::KeyValue;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanExporter as _},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Counts, InvalidOtlp, OtlpSettings};

/// So many spans are sent at once.
const MOST_AT_ONCE: usize = 512;

/// The first of a batch waits so long for others.
const GATHER: Duration = Duration::from_secs(1);

/// One batch, with what is tried again.
const SENDING: Duration = Duration::from_secs(10);

pub(super) struct Exporter {
    exporter: SpanExporter,
    counts: Arc<Counts>,
    /// Whether the last batch was not taken: it is said once.
    fails: bool,
}

impl Exporter {
    pub(super) fn new(settings: OtlpSettings, counts: Arc<Counts>) -> Result<Self, InvalidOtlp> {
        let failed = |error: &dyn std::error::Error| InvalidOtlp::Client(error.to_string());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(SENDING / 2)
            .timeout(SENDING)
            .build()
            .map_err(|error| failed(&error))?;
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(client)
            .with_endpoint(settings.endpoint)
            .with_timeout(SENDING)
            .build()
            .map_err(|error| failed(&error))?;
        exporter.set_resource(&resource(settings.service_name));
        Ok(Self {
            exporter,
            counts,
            fails: false,
        })
    }

    /// Sends until it is stopped, and then what is there.
    pub(super) async fn run(mut self, spans: mpsc::Receiver<SpanData>, stop: CancellationToken) {
        let mut waiting = Waiting(spans, Arc::clone(&self.counts));
        let spans = &mut waiting.0;
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                received = spans.recv_many(&mut batch, MOST_AT_ONCE) => if received == 0 {
                    return;
                },
            }
            let full = async {
                while batch.len() < MOST_AT_ONCE {
                    let room = MOST_AT_ONCE - batch.len();
                    if spans.recv_many(&mut batch, room).await == 0 {
                        return;
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                _ = timeout(GATHER, full) => {}
            }
            self.send(std::mem::take(&mut batch)).await;
        }
        spans.close();
        while spans.recv_many(&mut batch, MOST_AT_ONCE).await > 0 {
            self.send(std::mem::take(&mut batch)).await;
        }
    }

    async fn send(&mut self, batch: Vec<SpanData>) {
        let spans = batch.len();
        if spans == 0 {
            return;
        }
        // If this task ends in the middle, they are lost.
        let mut unsent = Unsent(&self.counts, spans);
        let failure = match timeout(SENDING, self.exporter.export(batch)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer in time".to_owned()),
        };
        match &failure {
            None => {
                unsent.1 = 0;
                self.counts.sent(spans);
                if self.fails {
                    tracing::info!("the collector takes spans again");
                }
            }
            Some(error) if !self.fails => {
                tracing::warn!(
                    error,
                    "the collector takes no spans; they are lost, and counted"
                );
            }
            Some(_) => {}
        }
        drop(unsent);
        self.fails = failure.is_some();
    }
}

/// What is still there when this is dropped is lost.
struct Waiting(mpsc::Receiver<SpanData>, Arc<Counts>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.close();
        while self.0.try_recv().is_ok() {
            self.1.lost(1);
        }
    }
}

/// Spans that are lost when this is dropped.
struct Unsent<'a>(&'a Counts, usize);

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        self.0.lost(self.1);
    }
}

fn resource(name: Option<String>) -> Resource {
    // With the attributes of OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME.
    let builder = Resource::builder();
    let builder = match name {
        Some(name) => builder.with_service_name(name),
        None if env::var_os("OTEL_SERVICE_NAME").is_none() => builder.with_service_name("propusk"),
        None => builder,
    };
    builder
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}
