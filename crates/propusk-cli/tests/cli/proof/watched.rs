//! What an operator sees of an upstream: audit, numbers, spans.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
};

use super::{PATIENCE, TOKEN, answer, ask, gate, upstream::Upstream};
use crate::support::{Sandbox, until};

/// Takes what it is sent, and says how long the first body was.
fn collector() -> (String, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, bodies) = mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = Vec::new();
            let mut piece = [0; 4096];
            let end = loop {
                let read = stream.read(&mut piece).expect("a request");
                bytes.extend_from_slice(&piece[..read]);
                let end = bytes.windows(4).position(|part| part == b"\r\n\r\n");
                if let Some(end) = end {
                    break end + 4;
                }
            };
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            assert!(head.starts_with("post /v1/traces "), "{head}");
            let (_, length) = head.split_once("content-length: ").expect("a length");
            let length: usize = length.lines().next().unwrap_or("").parse().expect("it");
            while bytes.len() < end + length {
                let read = stream.read(&mut piece).expect("a body");
                bytes.extend_from_slice(&piece[..read]);
            }
            let _ = sender.send(bytes[end..].to_vec());
            let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(ok).expect("answered");
        }
    });
    (format!("http://{address}"), bodies)
}

#[test]
fn a_call_is_seen_in_the_audit_log_the_numbers_and_a_trace() {
    let (place, upstream) = (Sandbox::new(), Upstream::start());
    let (collector, spans) = collector();
    place.write(
        "propusk.toml",
        format!(
            "[scopes.tools]\nknown = 'use'\n[telemetry]\notlp = '{collector}'\nservice-name = 'proof'\n"
        ),
    );
    let flags = ["--audit", "audit.jsonl", "--metrics", "on"];
    let server = gate(&place, &upstream.address, &flags);
    assert_eq!(ask(&server, TOKEN, "known").0, 200);
    assert_eq!(ask(&server, TOKEN, "unheard-of").0, 200);
    assert_eq!(ask(&server, TOKEN, "garbage").0, 502);
    let metrics = || {
        let mut stream = std::net::TcpStream::connect(server.address()).expect("it listens");
        let host = server.address();
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .expect("sent");
        answer(&mut stream).1
    };
    let expected = [
        r#"propusk_upstream_requests_total{upstream="upstream",outcome="ok"} 2"#,
        r#"propusk_upstream_requests_total{upstream="upstream",outcome="failed"} 1"#,
        r#"propusk_tool_calls_total{upstream="upstream",tool="known",outcome="ok"} 1"#,
        r#"propusk_tool_calls_total{upstream="upstream",tool="other",outcome="ok"} 1"#,
        r#"propusk_upstream_duration_seconds_count{upstream="upstream"} 3"#,
        "propusk_spans_lost_total 0",
    ];
    until("the numbers", PATIENCE, || {
        let text = metrics();
        expected
            .iter()
            .all(|line| text.contains(line))
            .then_some(())
    });
    assert!(!metrics().contains("unheard-of"));
    let body = spans.recv_timeout(PATIENCE).expect("spans");
    let text = String::from_utf8_lossy(&body).into_owned();
    assert!(
        text.contains("tools/call") && text.contains("proof"),
        "{text}"
    );
    assert!(!text.contains(TOKEN), "{text}");
    server.stop().code(0);
    let log = fs::read_to_string(place.path("audit.jsonl")).expect("a log");
    assert_eq!(log.matches(r#""upstream":"upstream""#).count(), 6, "{log}");
    assert_eq!(log.matches(r#""duration_ms":"#).count(), 3, "{log}");
}

#[test]
fn a_collector_that_is_none_is_a_mistake_and_off_is_off() {
    let place = Sandbox::new();
    for url in [
        "localhost:4318",
        "grpc://127.0.0.1:4317",
        "http://u:p@127.0.0.1",
    ] {
        let done = place.run(&["serve", "--listen", "127.0.0.1:0", "--otlp", url]);
        let done = done.code(2);
        assert!(done.err.contains("--otlp"), "{done:?}");
        assert!(!done.err.contains("u:p"), "{done:?}");
    }
    place.serve(&["--otlp", "off"]).stop().code(0);
}
