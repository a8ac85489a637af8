//! Upstreams that fail, and what their clients are told.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use propusk::{
    audit::{AuditEvent, AuditSink, Ending, Finished},
    rules::{Allowance, Asked, Rules, Verdict},
};
use propusk_gate::http::{HttpLimits, HttpUpstreamSettings};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::{
    gate::{Gate, error_of, list, ping, settings},
    upstream::socket,
};

const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// Reads a request, answers with these bytes, and breaks off.
async fn says(answer: impl Into<Bytes>) -> String {
    let answer = answer.into();
    socket(move |stream| {
        let answer = answer.clone();
        async move {
            let mut stream = after_request(stream).await;
            let _ = stream.write_all(&answer).await;
        }
    })
    .await
}

async fn after_request(mut stream: TcpStream) -> TcpStream {
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.ends_with(b"}") && !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(read) => request.extend_from_slice(&piece[..read]),
        }
    }
    stream
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn hasty() -> HttpUpstreamSettings {
    let short = Duration::from_millis(200);
    let limits = HttpLimits::default()
        .first_byte(short)
        .idle(short)
        .event_idle(Some(short));
    settings().limits(limits)
}

fn is_error_for(said: &Value, id: &Value) -> bool {
    said["id"] == *id && said["error"]["code"] == -32603 && said.get("result").is_none()
}

#[tokio::test]
async fn an_answer_that_is_none_is_502_with_the_id_of_its_request() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let closed = format!("http://{}/", nobody.local_addr().expect("bound"));
    drop(nobody);
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(500_000));
    for (name, url) in [
        ("nobody listens", closed),
        ("it closes", says("").await),
        ("garbage", says("\x16\x03\x01 what is this?\r\n\r\n").await),
        ("a head without end", says(long).await),
        (
            "broken in the head",
            says("HTTP/1.1 200 OK\r\ncontent-ty").await,
        ),
        (
            "broken in the body",
            says(format!("{JSON}content-length: 1000\r\n\r\n{{\"jsonrpc\":")).await,
        ),
        (
            "broken in a piece",
            says(format!(
                "{JSON}transfer-encoding: chunked\r\n\r\n3e8\r\n{{\"jsonrpc\":"
            ))
            .await,
        ),
        (
            "no pieces",
            says(format!("{JSON}transfer-encoding: chunked\r\n\r\nzzz\r\n")).await,
        ),
        (
            "another protocol",
            says("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
                .await,
        ),
    ] {
        let gate = Gate::before(&url).await;
        let (status, said) = error_of(gate.call(&ping()).await).await;
        assert_eq!(status, 502, "{name}: {said}");
        assert!(is_error_for(&said, &json!(7)), "{name}: {said}");
        assert!(!said.to_string().contains("127.0.0.1"), "{name}: {said}");
        let got = gate.get().send().await.expect("an answer");
        assert_eq!(got.status(), 502, "{name}");
        // Nobody waits for the answer to `null`.
        assert_eq!(got.headers()["content-type"], "text/plain; charset=utf-8");
    }
}

#[tokio::test]
async fn an_upstream_that_hangs_is_504() {
    let hangs = socket(|stream| async move {
        let mut stream = after_request(stream).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let stops = socket(|stream| async move {
        let mut stream = after_request(stream).await;
        let begun = format!("{JSON}content-length: 1000\r\n\r\n{{");
        let _ = stream.write_all(begun.as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    for url in [hangs, stops] {
        let gate = Gate::with(&url, hasty(), |auth| auth).await;
        let (status, said) = error_of(gate.call(&ping()).await).await;
        assert_eq!(status, 504, "{said}");
        assert!(is_error_for(&said, &json!(7)), "{said}");
    }
}

/// How answers ended.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<Ending>>>);

impl AuditSink for Ends {
    fn record(&self, _: &AuditEvent<'_>) {}

    fn finished(&self, end: &Finished<'_>) {
        self.0.lock().unwrap().push(end.ending());
    }

    fn wants_ends(&self) -> bool {
        true
    }
}

/// Its error is the gate's, in an answer whose status was good.
#[tokio::test]
async fn a_stream_that_breaks_off_has_not_ended_well() {
    let well = format!("{EVENTS}{}0\r\n\r\n", chunk("data: {}\n\n"));
    let broken = format!("{EVENTS}{}", chunk("data: {}\n\n"));
    for (answer, expected) in [(well, Ending::Complete), (broken, Ending::Broken)] {
        let ends = Ends::default();
        let sink = ends.clone();
        let layer = |layer: propusk::AuthLayer| layer.audit(sink);
        let gate = Gate::behind(&says(answer).await, settings(), |auth| auth, layer).await;
        let reply = gate.call(&ping()).await;
        assert_eq!(reply.status(), 200);
        reply.bytes().await.expect("it ends as one should");
        while ends.0.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(*ends.0.lock().unwrap(), [expected]);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_error_for_its_request() {
    let begun = format!(
        "{EVENTS}{}",
        chunk("data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n")
    );
    let url = says(begun).await;
    let gate = Gate::before(&url).await;
    let text = gate.call(&ping()).await.text().await.expect("a clean end");
    let (first, last) = text.split_once("\n\n").expect("two events");
    assert_eq!(first, "data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}");
    let said = last
        .trim()
        .strip_prefix("event: message\ndata: ")
        .expect("a message");
    let said: Value = serde_json::from_str(said).expect("JSON");
    assert!(is_error_for(&said, &json!(7)), "{said}");
}

/// An error in the middle of an event would be no error; where events have ids their client asks for
/// the rest, which an error would keep it from; and on the stream of a GET nobody waits.
#[tokio::test]
async fn where_no_error_can_be_said_a_stream_ends_in_a_way_that_its_client_sees() {
    for (name, events, by_get) in [
        ("within an event", chunk("data: {\"jsonrpc\""), false),
        ("within a line", chunk("data: {}\n\nda"), false),
        ("with ids", chunk("id: 1\ndata: {}\n\n"), false),
        ("a GET", chunk("data: {}\n\n"), true),
    ] {
        let url = says(format!("{EVENTS}{events}")).await;
        let gate = Gate::before(&url).await;
        let request = if by_get {
            gate.get()
        } else {
            gate.post(&ping())
        };
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{name}");
        assert!(answer.text().await.is_err(), "{name}");
    }
    let long = "x".repeat(100_000);
    let url = says(format!("{JSON}content-length: 1000000\r\n\r\n{long}")).await;
    let gate = Gate::before(&url).await;
    let answer = gate.call(&ping()).await;
    assert_eq!(answer.status(), 200, "it had begun");
    assert!(answer.bytes().await.is_err(), "a part of an answer is none");
}

#[tokio::test]
async fn a_stream_that_pauses_too_long_ends_with_an_error() {
    let url = socket(|stream| async move {
        let mut stream = after_request(stream).await;
        let begun = format!("{EVENTS}{}", chunk(": here\n\n"));
        let _ = stream.write_all(begun.as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let gate = Gate::with(&url, hasty(), |auth| auth).await;
    let text = gate.call(&ping()).await.text().await.expect("a clean end");
    assert!(
        text.starts_with(": here\n\n") && text.contains("\"id\":7"),
        "{text}"
    );
}

/// Also before it has said anything: otherwise work goes on for nobody.
#[tokio::test]
async fn a_client_that_gives_up_waiting_takes_its_exchange_along() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let url = socket(move |stream| {
        let tell = tell.clone();
        async move {
            let mut stream = after_request(stream).await;
            tell.send("asked").unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
            tell.send("gone").unwrap();
        }
    })
    .await;
    let gate = Gate::before(&url).await;
    let request = tokio::spawn(gate.post(&ping()).send());
    assert_eq!(told.recv().await, Some("asked"));
    request.abort();
    assert_eq!(told.recv().await, Some("gone"));
}

/// A gigabyte that nobody reads stays where it is; one that somebody reads passes.
#[tokio::test]
async fn a_huge_answer_is_held_up_by_its_reader() {
    const ALL: usize = 1 << 30;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let url = socket(move |stream| {
        let count = Arc::clone(&count);
        async move {
            let mut stream = after_request(stream).await;
            let head = format!("{JSON}content-length: {ALL}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.expect("a reader");
            let piece = vec![b' '; 1 << 20];
            while count.load(Ordering::Relaxed) < ALL {
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
                count.fetch_add(piece.len(), Ordering::Relaxed);
            }
        }
    })
    .await;
    let gate = Gate::before(&url).await;
    let mut answer = gate.call(&ping()).await;
    assert_eq!(answer.headers()["content-length"], ALL.to_string().as_str());
    // Until nothing moves any more.
    let mut before = usize::MAX;
    while before != sent.load(Ordering::Relaxed) {
        before = sent.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(before < ALL / 8, "{before} bytes were taken for nobody");
    let mut read = 0;
    while let Some(piece) = answer.chunk().await.expect("a stream") {
        read += piece.len();
    }
    assert_eq!(read, ALL);
}

/// Another request goes on while one drips.
#[tokio::test]
async fn a_slow_upstream_harms_nobody_else() {
    let url = socket(|stream| async move {
        let mut stream = after_request(stream).await;
        let head = format!("{JSON}content-length: 1000000\r\n\r\n");
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let gate = Gate::before(&url).await;
    let slow: Vec<_> = (0..100)
        .map(|_| tokio::spawn(gate.post(&ping()).send()))
        .collect();
    let unauthorized = gate.client.post(gate.url()).body("{}").send();
    assert_eq!(unauthorized.await.expect("an answer").status(), 401);
    slow.iter().for_each(tokio::task::JoinHandle::abort);
}

/// What a rule allows counts for all of an answer: before it has begun, in its middle, and in a list
/// that is read.
#[tokio::test]
async fn the_time_that_a_rule_allows_is_kept() {
    let silent = socket(|stream| async move {
        let mut stream = after_request(stream).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let drips = |head: &'static str| {
        socket(move |stream| async move {
            let mut stream = after_request(stream).await;
            let _ = stream.write_all(head.as_bytes()).await;
            while stream
                .write_all(chunk(": drip\n\n").as_bytes())
                .await
                .is_ok()
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    };
    const CHUNKED: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    for (url, message, status) in [
        (silent, ping(), 504),
        (drips(CHUNKED).await, ping(), 504),
        (drips(CHUNKED).await, list("tools"), 504),
        (drips(EVENTS).await, ping(), 200),
        (drips(EVENTS).await, list("tools"), 200),
    ] {
        let gate = Gate::behind(&url, settings(), |auth| auth, |layer| layer.rules(Soon)).await;
        let answer = gate.call(&message).await;
        assert_eq!(answer.status(), status, "{message}");
        let text = answer.text().await.expect("a clean end");
        let last = text.rsplit("data: ").next().expect("something");
        let said: Value = serde_json::from_str(last).expect("JSON");
        assert!(is_error_for(&said, &message["id"]), "{said}");
    }
}

struct Soon;

impl Rules for Soon {
    fn judge(&self, _: &Asked<'_>) -> Verdict {
        Verdict::Allow(Allowance::new().within(Duration::from_millis(300)))
    }
}
