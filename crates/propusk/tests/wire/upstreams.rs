//! How requests end, where something else stands behind the layer: the audit log's second line,
//! numbers for the upstream and its tools, and spans.

use std::{
    fs,
    io::{Error, ErrorKind},
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use axum::{Router, body::Body, extract::Request as Asked, response::Response};
use bytes::Bytes;
use http_body::Frame;
use propusk::{
    AccessToken, AuthLayer, AuthSettings, FixedTokens,
    audit::{AuditEvent, AuditLog, AuditSink, Finished, Span},
    metrics::{Metrics, ToolNames},
    server::{Mount, Site},
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use crate::support::{Request, Wire, call, soon};

/// What the upstream is asked for is how it behaves.
async fn upstream(asked: Asked, heard: Arc<Heard>) -> Response {
    *heard.traceparent.lock().unwrap() = header(&asked, "traceparent");
    *heard.tracestate.lock().unwrap() = header(&asked, "tracestate");
    let names = asked.extensions().get::<ToolNames>().cloned();
    let body = axum::body::to_bytes(asked.into_body(), 1 << 20).await;
    let body: Value = serde_json::from_slice(&body.expect("a body")).expect("JSON");
    if body["method"] == "tools/list" {
        for tool in ["good", "broken", "slow"] {
            names.iter().for_each(|names| names.learn(tool));
        }
        return Response::new(Body::from("{}"));
    }
    let (sender, receiver) = mpsc::channel(1);
    let mut response = Response::new(Body::new(Pieces(receiver)));
    let first = Ok(Frame::data(Bytes::from_static(b"12345")));
    match body["params"]["name"].as_str() {
        Some("broken") => {
            sender.send(first).await.expect("room");
            tokio::spawn(async move {
                let broken = Error::from(ErrorKind::ConnectionReset);
                let _ = sender.send(Err(broken)).await;
            });
        }
        Some("slow") => {
            sender.send(first).await.expect("room");
            tokio::spawn(async move {
                sender.closed().await;
                heard.left.notify_one();
            });
        }
        Some("failed") => *response.status_mut() = http::StatusCode::BAD_GATEWAY,
        Some("rejected") => *response.status_mut() = http::StatusCode::NOT_FOUND,
        _ => sender.send(first).await.expect("room"),
    }
    response
}

fn header(asked: &Asked, name: &str) -> Option<String> {
    let value = asked.headers().get(name)?;
    Some(value.to_str().expect("a text").to_owned())
}

#[derive(Default)]
struct Heard {
    traceparent: Mutex<Option<String>>,
    tracestate: Mutex<Option<String>>,
    /// Somebody stopped listening to `slow`.
    left: Notify,
}

struct Pieces(mpsc::Receiver<Result<Frame<Bytes>, Error>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(ready!(self.0.poll_recv(cx)))
    }
}

/// Keeps what it is told of ends.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<End>>>, bool);

#[derive(Debug, Clone)]
struct End {
    text: String,
    span: Option<Span>,
}

impl AuditSink for Ends {
    fn record(&self, _: &AuditEvent<'_>) {}

    fn finished(&self, end: &Finished<'_>) {
        let status = end.status().map_or(0, |status| status.as_u16());
        let subject = end.principal().map_or("", |principal| principal.subject());
        let text = format!(
            "{} {} {status} {} {} {subject}",
            end.operation(),
            end.decision().as_str(),
            end.ending().as_str(),
            end.bytes(),
        );
        let span = end.span();
        self.0.lock().unwrap().push(End { text, span });
    }

    fn wants_ends(&self) -> bool {
        true
    }

    fn wants_spans(&self) -> bool {
        self.1
    }
}

impl Ends {
    /// The first that comes.
    async fn next(&self) -> End {
        soon(async {
            loop {
                if let Some(end) = self.0.lock().unwrap().pop() {
                    return end;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}

/// A gate in front of the upstream.
struct Gate {
    address: std::net::SocketAddr,
    heard: Arc<Heard>,
    ends: Ends,
    metrics: Metrics,
    log: AuditLog,
    file: PathBuf,
    _folder: tempfile::TempDir,
    task: JoinHandle<()>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gate {
    async fn start(name: Option<&str>, spans: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("audit.jsonl");
        let log = AuditLog::open(&file).expect("a file");
        let (metrics, ends) = (Metrics::new(), Ends(Arc::default(), spans));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
        let settings = settings.require_scopes("mcp").expect("a scope");
        let tokens = FixedTokens::new()
            .with("alice", AccessToken::new("alice").with_scope_claim("mcp"))
            .with("poor", AccessToken::new("poor"));
        let mut layer = AuthLayer::new(settings, tokens);
        if let Some(name) = name {
            layer = layer.upstream(name);
        }
        let layer = layer
            .audit(log.clone())
            .audit(ends.clone())
            .metrics(&metrics);
        let heard = Arc::new(Heard::default());
        let handler = Arc::clone(&heard);
        let service = Router::new().fallback(move |asked: Asked| {
            let heard = Arc::clone(&handler);
            async move { upstream(asked, heard).await }
        });
        let site = Site::new().mount(Mount::new(&layer, service));
        let task = tokio::spawn(site.serve_on(listener, std::future::pending()));
        Self {
            address,
            heard,
            ends,
            metrics,
            log,
            file,
            _folder: folder,
            task,
        }
    }

    /// Sends, and takes the whole answer, however it ends.
    async fn send(&self, request: &Request) -> End {
        let mut wire = Wire::connect(self.address).await;
        wire.send(&request.clone().header("Connection", "close").bytes())
            .await;
        wire.rest().await;
        self.ends.next().await
    }

    async fn list(&self) {
        let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        self.send(&call("x").bearer("alice").body(list)).await;
    }

    /// Asks for the slow tool and goes away in the middle.
    async fn go_away(&self) -> End {
        let mut wire = Wire::connect(self.address).await;
        wire.send(&call("slow").bearer("alice").bytes()).await;
        wire.head().await;
        wire.chunk().await.expect("the first");
        drop(wire);
        soon(self.heard.left.notified()).await;
        self.ends.next().await
    }

    fn lines(&self) -> Vec<Value> {
        self.log.close();
        let text = fs::read_to_string(&self.file).expect("a file");
        let line = |line| serde_json::from_str(line).expect("JSON");
        text.lines().map(line).collect()
    }
}

#[tokio::test]
async fn an_answer_of_an_upstream_has_a_second_line_in_the_audit_log() {
    let gate = Gate::start(Some("notes"), false).await;
    gate.send(&call("good").bearer("alice")).await;
    gate.send(&call("broken").bearer("alice")).await;
    gate.go_away().await;
    gate.send(&call("good").bearer("poor")).await;
    let lines = gate.lines();
    let event = |line: &Value| line["event"].as_str().expect("an event").to_owned();
    let (decisions, ends): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| event(line) == "decision");
    assert_eq!((decisions.len(), ends.len()), (4, 3));
    assert_eq!(decisions[3]["decision"], "refused");
    assert!(lines.iter().all(|line| line["upstream"] == "notes"));
    let endings = ["complete", "broken", "abandoned"];
    for ((end, decision), ending) in ends.iter().zip(&decisions).zip(endings) {
        assert_eq!(end["event"], "finished");
        assert_eq!(end["request_id"], decision["request_id"]);
        assert_eq!(end["operation"], decision["operation"]);
        assert_eq!(end["rpc_id"], decision["rpc_id"]);
        assert_eq!(
            (&end["ending"], &end["status"]),
            (&ending.into(), &200.into())
        );
        assert_eq!(end["bytes"], 5);
        assert!(end["duration_ms"].as_f64().is_some_and(|took| took > 0.0));
        assert!(end["time"].as_str() >= decision["time"].as_str());
    }
    // A decision stands there before its handler is asked, so also before the end.
    assert_eq!(lines[0]["event"], "decision");
}

#[tokio::test]
async fn without_an_upstream_a_decision_is_one_line() {
    let gate = Gate::start(None, false).await;
    let end = gate.send(&call("good").bearer("alice")).await;
    assert_eq!(end.text, "tools/call:good allowed 200 complete 5 alice");
    let lines = gate.lines();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].get("upstream").is_none());
    assert!(!gate.metrics.render().contains("upstream"));
}

#[tokio::test]
async fn what_an_upstream_answers_is_counted_for_it_and_its_tools() {
    let gate = Gate::start(Some("notes"), false).await;
    let text = gate.metrics.render();
    assert!(
        text.contains("propusk_upstream_requests_total{upstream=\"notes\",outcome=\"ok\"} 0\n")
    );
    gate.list().await;
    for tool in ["good", "broken", "failed", "rejected"] {
        gate.send(&call(tool).bearer("alice")).await;
    }
    gate.go_away().await;
    gate.send(&call("good")).await;
    let text = gate.metrics.render();
    for line in [
        r#"propusk_upstream_requests_total{upstream="notes",outcome="ok"} 2"#,
        r#"propusk_upstream_requests_total{upstream="notes",outcome="failed"} 2"#,
        r#"propusk_upstream_requests_total{upstream="notes",outcome="rejected"} 1"#,
        r#"propusk_upstream_requests_total{upstream="notes",outcome="abandoned"} 1"#,
        r#"propusk_upstream_duration_seconds_count{upstream="notes"} 5"#,
        r#"propusk_tool_calls_total{upstream="notes",tool="good",outcome="ok"} 1"#,
        r#"propusk_tool_calls_total{upstream="notes",tool="broken",outcome="failed"} 1"#,
        r#"propusk_tool_calls_total{upstream="notes",tool="slow",outcome="abandoned"} 1"#,
        r#"propusk_tool_duration_seconds_count{upstream="notes",tool="good"} 1"#,
        r#"propusk_streams_open{upstream="notes"} 0"#,
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} in {text}");
    }
}

/// A caller that makes names up must not make series.
#[tokio::test]
async fn tools_that_nobody_listed_are_counted_together() {
    let gate = Gate::start(Some("notes"), false).await;
    gate.list().await;
    for number in 0..20 {
        let made_up = format!("made-up-{number}");
        gate.send(&call(&made_up).bearer("alice")).await;
    }
    let text = gate.metrics.render();
    assert!(!text.contains("made-up"), "{text}");
    let all = r#"propusk_tool_calls_total{upstream="notes",tool="other",outcome="ok"} 20"#;
    assert!(text.contains(all), "{text}");
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn w3c_trace_context_the_upstream_gets_our_span_as_its_parent() {
    let gate = Gate::start(Some("notes"), true).await;
    let given = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let request = call("good").bearer("alice").header("traceparent", &given);
    let request = request.header("tracestate", "a=b");
    let span = gate.send(&request).await.span.expect("a span");
    assert_eq!(format!("{:032x}", span.trace_id()), TRACE);
    assert_eq!(span.parent(), Some(0x00f0_67aa_0ba9_02b7));
    let sent = gate.heard.traceparent.lock().unwrap().take();
    assert_eq!(sent, Some(span.to_string()));
    let state = gate.heard.tracestate.lock().unwrap().take();
    assert_eq!(state.as_deref(), Some("a=b"));
    // A trace of its own, and a span of a refusal too.
    let span = gate.send(&call("good").bearer("alice")).await.span;
    let sent = gate.heard.traceparent.lock().unwrap().take();
    assert_eq!(sent, span.map(|span| span.to_string()));
    let refused = gate.send(&call("good").bearer("poor")).await;
    let told = "tools/call:good refused 403 complete ";
    assert!(refused.text.starts_with(told), "{}", refused.text);
    let other = refused.span.expect("a span").trace_id();
    assert!(span.is_some_and(|span| span.trace_id() != other));
}

#[tokio::test]
async fn where_nobody_wants_spans_the_header_goes_on_untouched() {
    let gate = Gate::start(Some("notes"), false).await;
    for given in [format!("00-{TRACE}-00f067aa0ba902b7-01"), "odd".to_owned()] {
        let request = call("good").bearer("alice").header("traceparent", &given);
        assert_eq!(gate.send(&request).await.span, None);
        let sent = gate.heard.traceparent.lock().unwrap().take();
        assert_eq!(sent, Some(given));
    }
}
