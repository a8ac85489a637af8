//! An upstream that breaks, and a client that goes.

use std::{io::Read, sync::atomic::Ordering::SeqCst};

use super::{PATIENCE, TOKEN, ask, call, gate, open, upstream::Upstream};
use crate::support::{Sandbox, until};

#[test]
fn whatever_the_upstream_does_its_client_is_told_and_the_next_call_is_well() {
    let (place, upstream) = (Sandbox::new(), Upstream::start());
    let server = gate(&place, &upstream.address, &[]);
    let well = || {
        let (status, text) = ask(&server, TOKEN, "echo");
        assert!(status == 200 && text.contains("done"), "{text}");
    };
    well();
    // Killed in the middle of a stream: what came is passed on, and its end is an error of the request.
    let (status, text) = ask(&server, TOKEN, "half");
    assert!(status == 200 && text.contains(r#""method":"x""#), "{text}");
    assert!(
        text.contains(r#""error""#) && text.contains(r#""id":7"#),
        "{text}"
    );
    well();
    let (status, text) = ask(&server, TOKEN, "garbage");
    assert!(status == 502 && text.contains(r#""id":7"#), "{text}");
    well();
    // A drop at a time, and none is lost.
    let (status, text) = ask(&server, TOKEN, "drip");
    let whole: String = text.lines().filter(|line| line.len() == 1).collect();
    let came = text.replace("\r\n1\r\n", "");
    assert!(status == 200, "{text}");
    assert!(
        came.contains(r#""slow":true"#) || whole.contains("slow"),
        "{text}"
    );
    well();
}

#[test]
fn an_upstream_that_is_away_is_an_error_until_it_is_back() {
    let (place, upstream) = (Sandbox::new(), Upstream::start());
    let server = gate(&place, &upstream.address, &[]);
    assert_eq!(ask(&server, TOKEN, "echo").0, 200);
    let address = upstream.address.clone();
    drop(upstream);
    until("an error", PATIENCE, || {
        let (status, text) = ask(&server, TOKEN, "echo");
        (status == 502 && text.contains(r#""id":7"#)).then_some(())
    });
    let _again = Upstream::start_at(&address);
    until("an answer", PATIENCE, || {
        (ask(&server, TOKEN, "echo").0 == 200).then_some(())
    });
}

#[test]
fn a_client_that_goes_takes_its_call_along() {
    let (place, upstream) = (Sandbox::new(), Upstream::start());
    let server = gate(&place, &upstream.address, &[]);
    let hangs = open(&server, "POST", TOKEN, &call("hang"));
    until("the call", PATIENCE, || {
        (upstream.seen.calls.load(SeqCst) == 1).then_some(())
    });
    drop(hangs);
    until("the end at the upstream", PATIENCE, || {
        (upstream.seen.left.load(SeqCst) == 1).then_some(())
    });
    // In the middle of an answer, too.
    let mut huge = open(&server, "POST", TOKEN, &call("huge"));
    huge.read_exact(&mut [0; 1 << 20]).expect("a part");
    drop(huge);
    until("the end at the upstream", PATIENCE, || {
        (upstream.seen.left.load(SeqCst) == 2).then_some(())
    });
}
