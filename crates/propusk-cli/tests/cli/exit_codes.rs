//! 0 done; 1 the tool answered with an error; 2 usage; 3 not authenticated; 4 not permitted;
//! 5 unavailable.

use std::{io::Write, net::TcpListener};

use crate::support::{ALICE, BOB, FIXED, Sandbox};

#[test]
fn each_one() {
    let place = Sandbox::new();
    let server = place.serve(&[FIXED, &["--required-scope", "echo"]].concat());
    let url = &server.url;
    let taken = server.address();
    let gone = hangs_up();
    #[rustfmt::skip]
    let table: &[(i32, &str, &[&str], &str)] = &[
        (0, ALICE, &["call", url, "whoami"], ""),
        (0, ALICE, &["tools", url], ""),
        (0, "", &["--help"], ""),
        (0, "", &["help", "serve"], ""),
        (0, "", &["call", "--help"], ""),
        (0, "", &["--version"], ""),
        (1, ALICE, &["call", url, "echo"], "missing field"),
        (1, ALICE, &["call", url, "nosuch"], "not found"),
        (1, "", &["token", "list"], "no token store"),
        (1, "", &["inspect", "propusk_1", "--tokens", "sqlite:none.db"], "no token store"),
        (2, ALICE, &["call", url], "<TOOL>"),
        (2, ALICE, &["call", "no-url", "whoami"], "no-url"),
        (2, ALICE, &["call", url, "echo", "word"], "key=text"),
        (2, "", &[], "Usage"),
        (3, "", &["call", url, "whoami"], "PROPUSK_TOKEN"),
        (3, "", &["tools", url], "PROPUSK_TOKEN"),
        (3, "wrong", &["call", url, "whoami"], "not valid"),
        (3, "wrong", &["tools", url], "invalid_token"),
        (4, BOB, &["call", url, "whoami"], "echo"),
        (4, BOB, &["tools", url], "insufficient_scope"),
        (5, "", &["call", &gone, "whoami"], "cannot talk to the server"),
        (5, "", &["tools", &gone], "cannot talk to the server"),
        (5, "", &["serve", "--listen", taken], "in use"),
    ];
    for (code, token, args, word) in table {
        let env = [("PROPUSK_TOKEN", *token)];
        let env = if token.is_empty() { &[][..] } else { &env };
        let done = place.run_with(env, args);
        assert_eq!(done.code, *code, "{args:?}: {done:#?}");
        assert!(done.err.contains(word), "{args:?}: {done:#?}");
        // An answer on stdout, or the reason on stderr; never both, never neither.
        assert_eq!(done.out.is_empty(), *code != 0, "{args:?}: {done:#?}");
        assert_eq!(done.err.is_empty(), *code == 0, "{args:?}: {done:#?}");
    }
    assert_eq!(place.files().len(), 0, "nothing was created");
}

/// The help of the program, and of a command that has its own.
#[test]
fn the_help_tells_them() {
    let place = Sandbox::new();
    let told = |args| place.run(args).code(0).out;
    let all = told(&["--help"]);
    for code in [
        "0 done",
        "1 the tool answered with an error",
        "2 usage",
        "3 not authenticated",
        "4 not permitted",
        "5 unavailable",
    ] {
        assert!(all.contains(code), "{code}: {all}");
    }
    assert!(told(&["serve", "--help"]).contains("Exit codes: 0 stopped by a signal"));
}

/// A server that hangs up on everybody.
fn hangs_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            drop(stream);
        }
    });
    format!("http://{address}/mcp")
}

/// A server that gives everybody one answer.
fn answers(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 65536];
            let read = std::io::Read::read(&mut stream, &mut request);
            // Who hangs up does not want the answer.
            let _ = read.and_then(|_| stream.write_all(response.as_bytes()));
        }
    });
    format!("http://{address}/mcp")
}

/// The gate is there, and what is behind it is not: its answer is JSON-RPC, and yet none of the tool.
#[test]
fn a_gate_whose_upstream_is_down() {
    let place = Sandbox::new();
    let server = place.serve(&[FIXED, &["--upstream", &hangs_up()]].concat());
    for era in ["auto", "modern", "legacy"] {
        for rest in [
            &["call", &server.url, "whoami"][..],
            &["tools", &server.url],
        ] {
            let args = [rest, &["--era", era]].concat();
            let done = place.run_with(&[("PROPUSK_TOKEN", ALICE)], &args).code(5);
            assert!(done.err.contains("behind this gate"), "{args:?}: {done:?}");
        }
    }
}

/// A long wait says what it is for.
#[test]
fn a_server_that_is_waited_for() {
    let place = Sandbox::new();
    let url = answers(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let note = "the server cannot answer now (503); trying again in 1 s\n";
    for log in [&[][..], &["--log", "off"]] {
        let done = place.run(&[&["tools", &url], log].concat()).code(5);
        assert!(done.err.starts_with(note), "{done:?}");
    }
    // Once, where the log shows it too.
    let done = place.run(&["tools", &url, "--log", "info"]).code(5);
    assert!(
        !done.err.starts_with(note) && done.err.contains(note),
        "{done:?}"
    );
}

#[test]
fn answers_of_other_servers() {
    let place = Sandbox::new();
    #[rustfmt::skip]
    let table = [
        ("401 Unauthorized\r\nWWW-Authenticate: Bearer", 3, "401"),
        ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"", 3, "401"),
        ("401 Unauthorized\r\nWWW-Authenticate: Bearer resource_metadata=\"https://as.example/m\", scope=\"a b\"", 3, "scope=\"a b\""),
        ("403 Forbidden\r\nWWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"notes:write\"", 4, "notes:write"),
        ("503 Service Unavailable\r\nRetry-After: 7", 5, "503"),
        ("500 Internal Server Error", 5, "500"),
        ("404 Not Found", 5, "404"),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", 5, "302"),
        ("200 OK\r\nContent-Type: text/html", 5, "text/html"),
    ];
    for (response, code, word) in table {
        let text = format!("HTTP/1.1 {response}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let url = answers(String::leak(text));
        let done = place.call("some-token", &url, &["whoami"]);
        assert_eq!(done.code, code, "{response}: {done:#?}");
        assert!(done.err.contains(word), "{response}: {done:#?}");
        assert_eq!(done.out, "", "{response}");
        assert!(!done.err.contains("some-token"), "{done:#?}");
    }
}
