//! Who gets in: fixed tokens, the three admissions, audiences.

use crate::support::{Done, Sandbox, Server};

#[test]
fn fixed_tokens() {
    let place = Sandbox::new();
    #[rustfmt::skip]
    let table: &[(&str, &str, &str, &[&str])] = &[
        ("secret-token-123=alice:echo", "secret-token-123", "alice", &["echo"]),
        ("t=алиса", "t", "алиса", &[]),
        ("t==bob:notes:read,notes:write", "t=", "bob", &["notes:read", "notes:write"]),
        ("a.b-c~d+e/f=x", "a.b-c~d+e/f", "x", &[]),
    ];
    for (flag, token, subject, scopes) in table {
        for server in [
            place.serve(&["--token", flag]),
            place.serve_with(&[("PROPUSK_FIXED_TOKENS", flag)], &[]),
        ] {
            let done = place.call(token, &server.url, &["whoami"]).code(0);
            assert_eq!(done.json()["subject"], *subject);
            assert_eq!(done.json()["scopes"], serde_json::json!(scopes));
            for wrong in ["", "other", &format!("x{token}"), &token.to_uppercase()] {
                if wrong != *token {
                    place.call(wrong, &server.url, &["whoami"]).code(3);
                }
            }
        }
    }
    let several = [("PROPUSK_FIXED_TOKENS", "t1=one t2=two")];
    let server = place.serve_with(&several, &[]);
    for (token, subject) in [("t1", "one"), ("t2", "two")] {
        let done = place.call(token, &server.url, &["whoami"]).code(0);
        assert_eq!(done.json()["subject"], subject);
    }
}

#[test]
fn admissions() {
    let place = Sandbox::new();
    // With which token, and what `echo` gives then: anybody may, who is let in.
    for (admission, none, bad) in [
        (None, 3, 3),
        (Some("required"), 3, 3),
        (Some("optional"), 0, 3),
        (Some("permissive"), 0, 0),
    ] {
        let flags: Vec<&str> = admission.iter().flat_map(|a| ["--admission", a]).collect();
        let server = place.serve(&[&["--token", "good=alice"], flags.as_slice()].concat());
        for (token, code) in [("", none), ("bad", bad), ("good", 0)] {
            let done = echo(&place, &server, token);
            assert_eq!(done.code, code, "{admission:?} {token:?}: {done:#?}");
        }
        // A tool that asks who is calling is closed to the anonymous.
        for token in ["", "bad"] {
            let done = place.call(token, &server.url, &["whoami"]);
            assert_ne!(done.code, 0, "{admission:?} {token:?}: {done:#?}");
            assert_eq!(done.out, "");
        }
        place.call("good", &server.url, &["whoami"]).code(0);
    }
}

#[test]
fn a_scope_that_every_request_needs() {
    let place = Sandbox::new();
    for admission in ["required", "optional", "permissive"] {
        let server = place.serve(&[
            "--token",
            "with=a:mcp",
            "--token",
            "without=b",
            "--required-scope",
            "mcp",
            "--admission",
            admission,
        ]);
        for (token, code) in [("with", 0), ("without", 4), ("", 3)] {
            let done = echo(&place, &server, token);
            assert_eq!(done.code, code, "{admission} {token}: {done:#?}");
            assert_eq!(done.err.contains("scope=\"mcp\""), code != 0, "{done:#?}");
        }
    }
}

#[test]
fn a_token_for_another_resource() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    for (audience, code) in [
        (server.url.as_str(), 0),
        ("http://other.example/mcp", 3),
        ("http://127.0.0.1:1/mcp", 3),
    ] {
        let token = place.issue(&["--subject", "a", "--audience", audience]);
        let done = echo(&place, &server, &token).code(code);
        assert_eq!(
            done.err.contains("another resource"),
            code != 0,
            "{done:#?}"
        );
    }
    let token = place.issue(&[
        "--subject",
        "a",
        "--audience",
        "http://other.example/mcp",
        "--audience",
        &server.url,
    ]);
    echo(&place, &server, &token).code(0);
}

fn echo(place: &Sandbox, server: &Server, token: &str) -> Done {
    place.call(token, &server.url, &["echo", "message=hi"])
}
