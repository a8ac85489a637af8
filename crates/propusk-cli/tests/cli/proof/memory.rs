//! Memory, from `/proc`.

use std::{io::Read, sync::atomic::Ordering::SeqCst};

use super::{PATIENCE, TOKEN, ask, call, gate, kib, open, upstream::Upstream};
use crate::support::{Sandbox, until};

/// What a gigabyte may cost the gate at most, whatever passes.
const MOST_KIB: u64 = 96 * 1024;

#[test]
fn an_answer_of_a_gigabyte_streams_through() {
    let (place, upstream) = (Sandbox::new(), Upstream::start());
    let server = gate(&place, &upstream.address, &[]);
    ask(&server, TOKEN, "echo");
    let before = kib(&server, "VmHWM:");
    let mut stream = open(&server, "POST", TOKEN, &call("huge"));
    let (mut piece, mut bytes) = (vec![0; 1 << 18], 0);
    loop {
        match stream.read(&mut piece).expect("more of it") {
            0 => break,
            read => bytes += read as u64,
        }
    }
    assert!(bytes > 1 << 30, "{bytes}");
    let grown = kib(&server, "VmHWM:") - before;
    assert!(grown < MOST_KIB, "{grown} KiB");
    // A reader that does not read holds it up, at no greater cost.
    let slow = open(&server, "POST", TOKEN, &call("huge"));
    assert_eq!(ask(&server, TOKEN, "echo").0, 200);
    let grown = kib(&server, "VmHWM:") - before;
    assert!(grown < MOST_KIB, "{grown} KiB");
    drop(slow);
}

/// A list is read whole to take out what its caller may not use, and so has a limit.
#[test]
fn a_list_of_a_gigabyte_is_not_read() {
    let (place, upstream) = (Sandbox::new(), Upstream::start());
    place.write("propusk.toml", "[scopes.tools]\n'wipe_*' = 'admin'\n");
    let server = gate(&place, &upstream.address, &[]);
    ask(&server, TOKEN, "echo");
    let before = kib(&server, "VmHWM:");
    let list = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#;
    let (status, text) = super::answer(&mut open(&server, "POST", TOKEN, list));
    assert!(
        status == 502 && text.len() < 10_000,
        "{status} {}",
        text.len()
    );
    until("the end at the upstream", PATIENCE, || {
        (upstream.seen.left.load(SeqCst) == 1).then_some(())
    });
    let grown = kib(&server, "VmHWM:") - before;
    assert!(grown < MOST_KIB, "{grown} KiB");
}

#[test]
fn a_thousand_idle_streams_cost_less_than_64_kib_each() {
    const STREAMS: usize = 1_000;
    let (place, upstream) = (Sandbox::new(), Upstream::start());
    let server = gate(&place, &upstream.address, &[]);
    let listen = || {
        let mut stream = open(&server, "GET", TOKEN, "");
        let mut head = Vec::new();
        // Until the first event: then it is open from end to end.
        while !head.ends_with(b": a\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a stream");
            head.extend(byte);
        }
        stream
    };
    let mut streams: Vec<_> = (0..8).map(|_| listen()).collect();
    let before = kib(&server, "VmRSS:");
    streams.extend((0..STREAMS).map(|_| listen()));
    let after = kib(&server, "VmRSS:");
    assert_eq!(upstream.seen.streams.load(SeqCst), STREAMS + 8);
    let each = after.saturating_sub(before) / STREAMS as u64;
    eprintln!("{each} KiB for each of {STREAMS} streams");
    assert!(each < 64, "{each} KiB each");
    drop(streams);
    until("all of them ended", PATIENCE, || {
        (upstream.seen.streams.load(SeqCst) == 0).then_some(())
    });
}
