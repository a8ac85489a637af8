//! `--dpop` and `--dpop-nonces`: what they mean for a request.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::support::{Env, Sandbox, Words};

/// A proof for the resource below, which gets as far as to the question for a nonce: its header
/// has no key, and its time is that of 1970.
const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2In0.eyJqdGkiOiIxIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHA6Ly9sb2NhbGhvc3QvbWNwIiwiaWF0IjowLCJhdGgiOiIifQ.AA";
const RESOURCE: &str = "http://localhost/mcp";

/// The challenge to a request with this credential, or nothing where it was let in.
fn challenge(address: &str, credential: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: {credential}\r\nDPoP: {PROOF}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let mut lines = answer.lines();
    let challenge = lines.find_map(|line| line.strip_prefix("www-authenticate: "));
    challenge.unwrap_or_default().to_owned()
}

#[test]
fn which_tokens_are_accepted_and_whether_a_nonce_is_wanted() {
    let place = Sandbox::new();
    place.write(
        "required.toml",
        "[serve]\ndpop = 'required'\ndpop-nonces = true\n",
    );
    let variables = [("PROPUSK_DPOP", "required"), ("PROPUSK_DPOP_NONCES", "1")];
    #[rustfmt::skip]
    let table: &[(Words<'_>, Env<'_>, &str, &str)] = &[
        // flags, variables, the challenge to an unbound token, and to a proof without a nonce
        (&[], &[], "", "made just now"),
        (&["--dpop", "accepted"], &[], "", "made just now"),
        (&["--dpop", "required"], &[], "not bound to a key", "made just now"),
        (&["--dpop-nonces"], &[], "", "use_dpop_nonce"),
        (&[], &variables, "not bound to a key", "use_dpop_nonce"),
        (&["--config", "required.toml"], &[], "not bound to a key", "use_dpop_nonce"),
        (&["--config", "required.toml", "--dpop", "accepted"], &variables, "", "use_dpop_nonce"),
    ];
    for (flags, env, unbound, unproven) in table {
        let own = ["--token", "t=a", "--resource", RESOURCE];
        let mut server = place.serve_with(env, &[&own, *flags].concat());
        let said = server.err();
        let port = said
            .split("bound to 127.0.0.1:")
            .nth(1)
            .expect("it says where");
        let port = port.split_whitespace().next().expect("a port");
        let address = format!("127.0.0.1:{port}");
        for (credential, expected) in [("Bearer t", unbound), ("DPoP t", unproven)] {
            let challenge = challenge(&address, credential);
            let case = format!("{flags:?} {env:?} {credential}: {challenge}");
            assert!(challenge.contains(expected), "{case}");
            assert_eq!(challenge.is_empty(), expected.is_empty(), "{case}");
            assert_eq!(
                challenge.starts_with("DPoP "),
                !expected.is_empty(),
                "{case}"
            );
        }
    }
}

#[test]
fn who_is_refused_is_told_why_and_the_operator_is_warned() {
    let place = Sandbox::new();
    let mut server = place.serve(&["--token", "t=a", "--dpop", "required"]);
    let done = place.call("t", &server.url, &["whoami"]).code(3);
    assert!(done.err.contains("not bound to a key"), "{done:?}");
    assert!(server.err().contains("bound to no key"));
    let done = place.run(&["serve", "--dpop", "always"]).code(2);
    assert!(done.err.contains("accepted, required"), "{done:?}");
}
