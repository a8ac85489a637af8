//! Spans, as a collector gets them over real sockets: OTLP, HTTP, protobuf.

// Helpers of tests are tests too; `clippy.toml` reaches the test functions only.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::{Future, ready},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use propusk::{
    AccessToken, AuthLayer, AuthSettings, FixedTokens,
    metrics::Metrics,
    server::{Mount, Site},
};
use propusk_gate::telemetry::{OtlpSettings, Telemetry};
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use tower_service::Service;

/// Fails a test that waits for what does not come.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("it comes soon")
}

/// How a collector answers.
#[derive(Debug, Clone, Copy)]
enum Manner {
    Takes,
    Refuses,
    Hangs,
}

/// A collector: what it was sent, as it came.
struct Collector {
    address: SocketAddr,
    batches: mpsc::UnboundedReceiver<Batch>,
    task: JoinHandle<()>,
}

struct Batch {
    head: String,
    body: ExportTraceServiceRequest,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Collector {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, batches) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(collect(stream, manner, sender.clone()));
            }
        });
        Self {
            address,
            batches,
            task,
        }
    }

    async fn batch(&mut self) -> Batch {
        soon(self.batches.recv()).await.expect("a batch")
    }

    /// So many spans, in as many batches as it takes.
    async fn spans(&mut self, count: usize) -> Vec<Span> {
        let mut spans = Vec::new();
        while spans.len() < count {
            for resource in self.batch().await.body.resource_spans {
                for scope in resource.scope_spans {
                    spans.extend(scope.spans);
                }
            }
        }
        assert_eq!(spans.len(), count);
        spans
    }
}

/// Takes one batch after another from a connection.
async fn collect(mut stream: TcpStream, manner: Manner, sender: mpsc::UnboundedSender<Batch>) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else {
            match stream.read_buf(&mut bytes).await {
                Ok(read) if read > 0 => continue,
                _ => return,
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).expect("a length");
        let length = length.lines().next().expect("a line").parse::<usize>();
        let end = end + 4 + length.expect("a number");
        while bytes.len() < end {
            stream.read_buf(&mut bytes).await.expect("a body");
        }
        let body: Vec<u8> = bytes.drain(..end).skip(head.len() + 4).collect();
        let body = ExportTraceServiceRequest::decode(&*body).expect("OTLP");
        let _ = sender.send(Batch { head, body });
        let status = match manner {
            Manner::Takes => "200 OK",
            Manner::Refuses => "400 Bad Request",
            Manner::Hangs => std::future::pending().await,
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.expect("written");
    }
}

/// An upstream that keeps the `traceparent` that it gets, and answers as it is told.
#[derive(Clone, Default)]
struct Upstream(Arc<Mutex<Option<String>>>);

impl<B> Service<Request<B>> for Upstream {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let header = |name| {
            let value = request.headers().get(name);
            value.map(|value| value.to_str().expect("a text").to_owned())
        };
        *self.0.lock().unwrap() = header("traceparent");
        let mut response = Response::new(Full::from("{}"));
        if let Some(status) = header("x-status") {
            *response.status_mut() = status.parse().expect("a status");
        }
        Box::pin(ready(Ok(response)))
    }
}

/// A gate in front of the upstream, which sends its spans to a collector.
struct Gate {
    address: SocketAddr,
    upstream: Upstream,
    telemetry: Telemetry,
    metrics: Metrics,
    task: JoinHandle<()>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gate {
    async fn start(collector: SocketAddr, with_subject: bool) -> Self {
        let settings = OtlpSettings::new(&format!("http://{collector}")).expect("a URL");
        let settings = settings.service_name("gate").with_subject(with_subject);
        let telemetry = Telemetry::start(settings).expect("started");
        let metrics = Metrics::new();
        telemetry.show(&metrics);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
        let settings = settings.require_scopes("mcp").expect("a scope");
        let alice = AccessToken::new("alice-subject").with_scope_claim("mcp");
        let tokens = FixedTokens::new()
            .with(TOKEN, alice)
            .with(POOR, AccessToken::new("poor-subject"));
        let layer = AuthLayer::new(settings, tokens)
            .upstream("notes")
            .audit(telemetry.clone());
        let upstream = Upstream::default();
        let site = Site::new().mount(Mount::new(&layer, upstream.clone()));
        let task = tokio::spawn(site.serve_on(listener, std::future::pending()));
        Self {
            address,
            upstream,
            telemetry,
            metrics,
            task,
        }
    }

    async fn send(&self, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        let length = body.len();
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer))
            .await
            .expect("an answer");
        answer
    }

    async fn is_let_through(&self) {
        let answer = self.send(AS_ALICE, CALL).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

const TOKEN: &str = "secret-token-of-alice";
const POOR: &str = "poor-token-1234";
const AS_ALICE: &str = "Authorization: Bearer secret-token-of-alice\r\n";
const CALL: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"notes_add","arguments":{"secret":"argument-4711"}}}"#;
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn attributes(span: &Span) -> BTreeMap<String, String> {
    let shown = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    let all = span.attributes.iter().cloned();
    all.map(|it| (it.key, shown(it.value.and_then(|value| value.value))))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_call_is_a_span_that_goes_on_from_the_client_to_the_upstream() {
    let mut collector = Collector::start(Manner::Takes).await;
    let gate = Gate::start(collector.address, false).await;
    let given = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n");
    gate.send(&format!("{AS_ALICE}{given}"), CALL).await;
    let batch = collector.batch().await;
    let head = &batch.head;
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"));
    let resource = &batch.body.resource_spans[0];
    let service = format!("{:?}", resource.resource);
    assert!(
        service.contains("\"service.name\"") && service.contains("\"gate\""),
        "{service}"
    );
    let span = &resource.scope_spans[0].spans[0];
    assert_eq!(hex(&span.trace_id), TRACE);
    assert_eq!(hex(&span.parent_span_id), "00f067aa0ba902b7");
    let sent_on = gate.upstream.0.lock().unwrap().take();
    let own = format!("00-{TRACE}-{}-01", hex(&span.span_id));
    assert_eq!(sent_on, Some(own));
    assert_eq!(span.name, "tools/call");
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    let attributes = attributes(span);
    for (key, value) in [
        ("mcp.method.name", "tools/call"),
        ("gen_ai.tool.name", "notes_add"),
        ("propusk.decision", "allowed"),
        ("propusk.upstream", "notes"),
        ("propusk.ending", "complete"),
        ("http.request.method", "POST"),
        ("http.response.status_code", "200"),
        ("jsonrpc.request.id", "7"),
    ] {
        let found = attributes.get(key).map(String::as_str);
        assert_eq!(found, Some(value), "{key}");
    }
    assert!(!attributes.contains_key("enduser.id"));
}

#[tokio::test]
async fn refusals_and_failures_are_spans_too_and_no_secret_is_in_any() {
    for with_subject in [false, true] {
        let mut collector = Collector::start(Manner::Takes).await;
        let gate = Gate::start(collector.address, with_subject).await;
        gate.send("", CALL).await;
        gate.send(&format!("Authorization: Bearer {POOR}\r\n"), CALL)
            .await;
        gate.send(&format!("{AS_ALICE}X-Status: 502\r\n"), CALL)
            .await;
        let mut spans = collector.spans(3).await;
        spans.sort_by_key(|span| span.start_time_unix_nano);
        let all: Vec<_> = spans.iter().map(attributes).collect();
        let reason = |at: usize| all[at].get("propusk.reason").map(String::as_str);
        let reasons = [reason(0), reason(1), reason(2)];
        assert_eq!(
            reasons,
            [Some("no_token"), Some("insufficient_scope"), None]
        );
        let code = |span: &Span| span.status.clone().unwrap_or_default().code;
        let codes: Vec<_> = spans.iter().map(code).collect();
        assert_eq!(codes, [0, 0, 2], "only the failure is an error");
        let subject = all[2].get("enduser.id").map(String::as_str);
        assert_eq!(subject, with_subject.then_some("alice-subject"));
        let text = format!("{spans:?}");
        for secret in [TOKEN, POOR, "argument-4711"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert_eq!(text.contains("-subject"), with_subject);
    }
}

/// A client may make up what it likes.
#[tokio::test]
async fn names_of_spans_are_from_a_list_and_texts_are_short() {
    let mut collector = Collector::start(Manner::Takes).await;
    let gate = Gate::start(collector.address, false).await;
    let long = "x".repeat(10_000);
    let body = format!(r#"{{"jsonrpc":"2.0","id":"{long}","method":"made/up-{long}"}}"#);
    gate.send(AS_ALICE, &body).await;
    let span = &collector.spans(1).await[0];
    assert_eq!(span.name, "mcp");
    assert!(attributes(span).values().all(|value| value.len() <= 256));
}

#[tokio::test]
async fn w3c_trace_context_what_the_client_does_not_sample_is_not_sent() {
    let mut collector = Collector::start(Manner::Takes).await;
    let gate = Gate::start(collector.address, false).await;
    let given = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-00\r\n");
    gate.send(&format!("{AS_ALICE}{given}"), CALL).await;
    let sent_on = gate.upstream.0.lock().unwrap().take().expect("a header");
    assert!(
        sent_on.starts_with(&format!("00-{TRACE}-")) && sent_on.ends_with("-00"),
        "{sent_on}"
    );
    gate.send(AS_ALICE, CALL).await;
    let span = &collector.spans(1).await[0];
    assert_ne!(hex(&span.trace_id), TRACE);
}

#[tokio::test]
async fn what_waits_is_sent_at_the_end() {
    let mut collector = Collector::start(Manner::Takes).await;
    let gate = Gate::start(collector.address, false).await;
    for _ in 0..20 {
        gate.is_let_through().await;
    }
    gate.telemetry.stop().await;
    assert_eq!((gate.telemetry.sent(), gate.telemetry.lost()), (20, 0));
    assert_eq!(collector.spans(20).await.len(), 20);
    // What comes later has nobody who sends it.
    gate.is_let_through().await;
    assert_eq!((gate.telemetry.sent(), gate.telemetry.lost()), (20, 1));
    let shown = gate.metrics.render();
    assert!(shown.contains("propusk_spans_sent_total 20\n"), "{shown}");
    assert!(shown.contains("propusk_spans_lost_total 1\n"), "{shown}");
}

#[tokio::test]
async fn a_collector_that_takes_nothing_costs_spans_and_no_request() {
    for manner in [Manner::Refuses, Manner::Hangs] {
        let mut collector = Collector::start(manner).await;
        let gate = Gate::start(collector.address, false).await;
        gate.is_let_through().await;
        collector.batch().await;
        // It says no, or hangs; requests go on.
        for _ in 0..10 {
            gate.is_let_through().await;
        }
        gate.telemetry.stop().await;
        assert_eq!(gate.telemetry.sent(), 0, "{manner:?}");
        assert_eq!(gate.telemetry.lost(), 11, "{manner:?}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    let gate = Gate::start(address, false).await;
    gate.is_let_through().await;
    gate.telemetry.stop().await;
    assert_eq!((gate.telemetry.sent(), gate.telemetry.lost()), (0, 1));
}
