//! SIGTERM and SIGINT end the server gracefully.

use std::{
    fs::OpenOptions,
    io::{Read, Write},
    net::TcpStream,
    process::Stdio,
    time::Duration,
};

use crate::support::{ALICE, FIXED, PROPUSK, Sandbox, done, until};

#[test]
fn a_signal_ends_it_with_success() {
    for args in [FIXED, &[]] {
        let place = Sandbox::new();
        let server = place.serve(args);
        let done = server.stop().code(0);
        assert!(!done.err.contains("error"), "{done:?}");
        // Nothing of the journal stays behind.
        let files: Vec<String> = place.files().into_keys().collect();
        assert!(files.is_empty() || files == ["propusk.db"], "{files:?}");
    }
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    let url = server.url.clone();
    server.signal("INT");
    until("the end", Duration::from_secs(20), || {
        (place.call(ALICE, &url, &["whoami"]).code == 5).then_some(())
    });
    // It has ended by itself: a second signal finds the same success.
    assert_eq!(server.wait().code, 0);
}

#[test]
fn an_idle_connection_does_not_hold_it_up() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    let mut idle = TcpStream::connect(server.address()).expect("a connection");
    let mut half = TcpStream::connect(server.address()).expect("a connection");
    half.write_all(b"POST /mcp HTTP/1.1\r\nHost: x\r\n")
        .expect("sent");
    let mut alive = TcpStream::connect(server.address()).expect("a connection");
    write!(
        alive,
        "GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.address()
    )
    .expect("sent");
    let mut answer = [0; 12];
    alive.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
    server.stop().code(0);
    assert_eq!(idle.read(&mut answer).unwrap_or(0), 0, "hung up");
}

/// Who reads the log may go, the disk that it is on may be full: the server goes on.
#[test]
fn the_server_outlives_the_reader_of_its_log() {
    let place = Sandbox::new();
    let serve = |stderr: Stdio| {
        let args = [&["serve", "--listen", "127.0.0.1:0"], FIXED].concat();
        let mut command = place.command(PROPUSK, &args, &[]);
        command.stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().expect("it starts");
        drop(child.stderr.take());
        let (mut line, mut byte) = (String::new(), [0]);
        let stdout = child.stdout.as_mut().expect("a pipe");
        while stdout.read(&mut byte).expect("a byte") == 1 && byte != [b'\n'] {
            line.push(byte[0] as char);
        }
        (child, line.replace("listening on ", ""))
    };
    let full = OpenOptions::new().write(true).open("/dev/full");
    for stderr in [Stdio::piped(), full.expect("/dev/full").into()] {
        let (mut child, url) = serve(stderr);
        // Every refusal is logged.
        let refused = place.call("", &url, &["whoami"]);
        let answered = place.call(ALICE, &url, &["whoami"]);
        let kill = place.command("kill", &[&child.id().to_string()], &[]);
        done(kill);
        let ended = child.wait().expect("it ends");
        assert_eq!((refused.code, answered.code), (3, 0), "{refused:#?}");
        assert_eq!(ended.code(), Some(0));
    }
}
