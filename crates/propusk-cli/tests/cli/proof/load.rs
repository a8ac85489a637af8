//! A stop and a hundred changes of the configuration, under load.

use std::{
    io::Write,
    net::TcpStream,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};

use super::{PATIENCE, TOKEN, answer, ask, call, gate, request, upstream::Upstream};
use crate::support::{Sandbox, until};

const CLIENTS: usize = 8;

/// A call that has reached the upstream is answered, whole, to the client that asked.
#[test]
fn a_stop_under_load_drains_without_one_lost_answer() {
    let (place, upstream) = (Sandbox::new(), Upstream::start());
    let server = gate(&place, &upstream.address, &["--audit", "audit.jsonl"]);
    let (stopped, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let calls = &upstream.seen.calls;
    let bytes = request(&server, "POST", TOKEN, &call("echo"));
    let address = server.address().to_owned();
    let client = || {
        while !stopped.load(SeqCst) {
            // Who is not let in any more has lost nothing.
            let Ok(mut stream) = TcpStream::connect(&address) else {
                break;
            };
            stream.set_read_timeout(Some(PATIENCE)).expect("set");
            if stream.write_all(&bytes).is_err() {
                break;
            }
            let (status, text) = answer(&mut stream);
            if status == 200 && text.ends_with(r#""text":"done"}]}}"#) {
                answered.fetch_add(1, SeqCst);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(client);
        }
        until("some load", PATIENCE, || {
            (calls.load(SeqCst) > 100).then_some(())
        });
        server.signal("TERM");
        let done = server.wait().code(0);
        stopped.store(true, SeqCst);
        assert!(!done.err.contains("ERROR"), "{done:?}");
    });
    assert_eq!(answered.load(SeqCst), calls.load(SeqCst));
    // Each of them stands in the audit log, and so does its end.
    let log = std::fs::read_to_string(place.path("audit.jsonl")).expect("a log");
    let count = |what: &str| log.matches(what).count();
    assert_eq!(count(r#""reason":"authorized""#), calls.load(SeqCst));
    assert_eq!(count(r#""ending":"complete""#), calls.load(SeqCst));
}

fn config(scope: &str) -> String {
    format!("[scopes.tools]\nlocked = 'never'\nturns = '{scope}'\n")
}

#[test]
fn a_hundred_reloads_under_load_give_not_one_wrong_decision() {
    let (place, upstream) = (Sandbox::new(), Upstream::start());
    place.write("propusk.toml", config("use"));
    let mut server = gate(&place, &upstream.address, &["--metrics", "on"]);
    let (ended, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let requests = [
        ("echo", TOKEN, 200),
        ("locked", TOKEN, 403),
        ("echo", "unknown-token-1", 401),
    ]
    .map(|(tool, token, status)| (request(&server, "POST", token, &call(tool)), status));
    let address = server.address().to_owned();
    let client = |(bytes, status): &(Vec<u8>, u16)| {
        while !ended.load(SeqCst) {
            let mut stream = TcpStream::connect(&address).expect("no connection is refused");
            stream.set_read_timeout(Some(PATIENCE)).expect("set");
            stream.write_all(bytes).expect("sent");
            let (got, text) = answer(&mut stream);
            assert_eq!(got, *status, "{text}");
            asked.fetch_add(1, SeqCst);
        }
    };
    let end = EndsOnDrop(&ended);
    thread::scope(|scope| {
        let _end = &end;
        let clients: Vec<_> = requests
            .iter()
            .map(|one| scope.spawn(|| client(one)))
            .collect();
        for number in 1..=100 {
            let (scope, status) = [("use", 200), ("admin", 403)][number % 2];
            place.write("propusk.toml", config(scope));
            server.signal("HUP");
            // From when it is in force, and not a moment later.
            until("the new rule", PATIENCE, || {
                (ask(&server, TOKEN, "turns").0 == status).then_some(())
            });
            assert_eq!(ask(&server, TOKEN, "turns").0, status, "it stays in force");
        }
        ended.store(true, SeqCst);
        for client in clients {
            client.join().expect("no wrong decision");
        }
    });
    assert!(asked.load(SeqCst) > 100);
    assert!(!server.err().contains("is not taken"), "{}", server.err());
}

/// So that a test that fails does not wait for its load.
struct EndsOnDrop<'a>(&'a AtomicBool);

impl Drop for EndsOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}
