//! `propusk health`, as a container or a service manager asks.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use crate::support::{FIXED, Sandbox};

#[test]
fn a_server_that_accepts_work_is_ready_wherever_its_address_is_written() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    let address = server.address().to_owned();
    let (_, port) = address.rsplit_once(':').expect("a port");
    let everywhere = format!("0.0.0.0:{port}");
    let url = format!("http://{address}");
    let toml = format!("[serve]\nlisten = '{address}'\n");
    place.write("own.toml", toml);
    for (env, args) in [
        (&[][..], &["health", &server.url][..]),
        (&[], &["health", &url]),
        (&[], &["health", "--listen", &address]),
        (&[], &["health", "--listen", &everywhere]),
        (&[("PROPUSK_LISTEN", everywhere.as_str())], &["health"]),
        (&[], &["health", "--config", "own.toml"]),
    ] {
        let done = place.run_with(env, args).code(0);
        assert_eq!(done.line(), "ready");
    }
    server.stop().code(0);
    let done = place.run(&["health", &url]).code(5);
    assert!(done.err.contains("no answer"), "{done:?}");
}

/// Answers one request with this status.
fn answering(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut asked = [0; 1024];
        let read = stream.read(&mut asked).expect("a request");
        let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
        assert!(asked.starts_with("GET /readyz HTTP/1.1\r\n"), "{asked}");
        let answer =
            format!("HTTP/1.1 {status}\r\nLocation: /healthz\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).expect("answered");
    });
    format!("http://{address}/deep/path?query")
}

#[test]
fn anything_but_yes_is_no() {
    let place = Sandbox::new();
    for status in [
        "503 Service Unavailable",
        "302 Found",
        "404 Not Found",
        "204 No Content",
    ] {
        let done = place.run(&["health", &answering(status)]).code(5);
        assert!(done.err.contains(&status[..3]), "{done:?}");
        assert!(done.out.is_empty(), "{done:?}");
    }
    for url in ["localhost:8000", "ftp://127.0.0.1", "nonsense"] {
        place.run(&["health", url]).code(2);
    }
}
