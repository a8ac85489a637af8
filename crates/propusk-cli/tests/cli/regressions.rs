//! Defects that these tests found, each with the test that found it.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Stdio,
};

use crate::support::{ALICE, BOB, Env, FIXED, PROPUSK, Sandbox, Words, done};

/// `--json` alone prints JSON wherever it stands.
#[test]
fn json_alone_at_any_place() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    let url = server.url.as_str();
    for args in [
        &["call", "--json", url, "echo", "message=x"][..],
        &["call", url, "--json", "echo", "message=x"],
    ] {
        let done = place.run_with(&[("PROPUSK_TOKEN", ALICE)], args).code(0);
        assert_eq!(done.json()["isError"], false);
    }
}

/// A flag comes before a variable, also where the two say the same thing differently; and an empty
/// variable says nothing.
#[test]
fn a_token_flag_comes_before_the_other_variable() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    place.write("alice", ALICE);
    place.write("bob", BOB);
    #[rustfmt::skip]
    let table: [(Env<'_>, Words<'_>); 5] = [
        (&[("PROPUSK_TOKEN", BOB)], &["--token-file", "alice"]),
        (&[("PROPUSK_TOKEN", "")], &["--token-file", "alice"]),
        (&[("PROPUSK_TOKEN_FILE", "bob")], &["--token", ALICE]),
        (&[("PROPUSK_TOKEN", ""), ("PROPUSK_TOKEN_FILE", "alice")], &[]),
        (&[("PROPUSK_TOKEN_FILE", ""), ("PROPUSK_TOKEN", ALICE)], &[]),
    ];
    for (env, flags) in table {
        let args = [&["call", &server.url, "whoami"], flags].concat();
        let done = place.run_with(env, &args).code(0);
        assert_eq!(done.json()["subject"], "alice", "{env:?} {flags:?}");
    }
}

/// An empty variable is as one that is not there (`docker compose` passes such).
#[test]
fn an_empty_variable_says_nothing() {
    let place = Sandbox::new();
    for name in [
        "PROPUSK_LISTEN",
        "PROPUSK_RESOURCE",
        "PROPUSK_ADMISSION",
        "PROPUSK_TOKENS",
        "PROPUSK_FIXED_TOKENS",
        "PROPUSK_REQUIRED_SCOPE",
        "PROPUSK_ALLOWED_HOST",
        "PROPUSK_ALLOWED_ORIGIN",
        "PROPUSK_STATELESS",
        "PROPUSK_LOG",
        "PROPUSK_CONFIG",
    ] {
        // A command that ends: the address is not this machine's.
        let args = ["serve", "--listen", "192.0.2.1:1", "--token", "t=a"];
        let args = if name == "PROPUSK_LISTEN" {
            &["serve", "--resource", "nope"]
        } else {
            &args[..]
        };
        let done = place.run_with(&[(name, "")], args);
        let expected = if name == "PROPUSK_LISTEN" {
            "--resource"
        } else {
            "192.0.2.1"
        };
        assert!(done.err.contains(expected), "{name}: {done:#?}");
    }
    let mut server = place.serve_with(&[("PROPUSK_LOG", "")], &["--token", "t=a"]);
    assert!(
        server.err().contains("WARN"),
        "an empty filter hides warnings"
    );
}

/// A switch in the environment takes what people write there.
#[test]
fn a_switch_in_the_environment() {
    let place = Sandbox::new();
    for value in ["1", "true", "yes", "0", "false"] {
        let env = [("PROPUSK_STATELESS", value)];
        let done = place.run_with(
            &env,
            &["serve", "--listen", "192.0.2.1:1", "--token", "t=a"],
        );
        assert!(done.err.contains("192.0.2.1"), "{value}: {done:#?}");
    }
}

/// The message of a TOML error quotes the value, which may be a token.
#[test]
fn a_config_error_shows_no_secret() {
    let place = Sandbox::new();
    for text in [
        "[serve]\ntoken = \"hunter2=alice\"\n",
        "[serve]\nstateless = \"hunter2\"\n",
        "[serve.token]\n\"hunter2\" = \"alice\"\n",
        "serve = \"hunter2\"\n",
        "[call]\n\"hunter2\" = \"token\"\n",
    ] {
        place.write("bad.toml", text);
        let done = place.run(&["--config", "bad.toml", "serve"]).code(2);
        assert!(!done.err.contains("hunter2"), "{done:?}");
    }
}

/// A token in the query of a URL is refused, and said again in the error.
#[test]
fn a_url_error_shows_no_secret() {
    let place = Sandbox::new();
    for url in [
        "http://127.0.0.1:1/mcp?access_token=hunter2",
        "http://127.0.0.1:1/mcp#access_token=hunter2",
        "http://u:hunter2@",
        "http://u:hunter2@127.0.0.1:99999/",
    ] {
        let done = place.run(&["call", url, "whoami"]).code(2);
        assert!(!done.err.contains("hunter2"), "{done:?}");
        let done = place.run(&["serve", "--resource", url]).code(2);
        assert!(!done.err.contains("hunter2"), "{done:?}");
    }
}

/// An answer that cannot be written is an error, not a panic; a token that nobody got is revoked.
#[test]
fn a_full_disk_under_stdout() {
    let place = Sandbox::new();
    place.issue(&["--subject", "a"]);
    let server = place.serve(FIXED);
    let to_full = |line: String| {
        let line = format!("{PROPUSK} {line} >/dev/full");
        done(place.command("sh", &["-c", &line], &[("PROPUSK_TOKEN", ALICE)]))
    };
    for line in [
        "token list".to_owned(),
        "token list --json".to_owned(),
        "token issue --subject b".to_owned(),
        format!("call {} whoami", server.url),
        format!("tools {}", server.url),
        "serve --listen 127.0.0.1:0 --token t=a".to_owned(),
    ] {
        let done = to_full(line).code(5);
        assert!(!done.err.contains("panicked"), "{done:?}");
        assert!(done.err.contains("stdout"), "{done:?}");
    }
    let listed = place.run(&["token", "list", "--json"]).json();
    assert_ne!(listed[1]["status"], "active", "{listed}");
}

/// The tool said that it needs a caller: that is "not authenticated".
#[test]
fn an_anonymous_call_of_a_tool_that_needs_a_caller() {
    let place = Sandbox::new();
    for admission in ["optional", "permissive"] {
        let server = place.serve(&["--token", "t=a", "--admission", admission]);
        for tool in ["whoami", "notes_list"] {
            let done = place.call("", &server.url, &[tool]).code(3);
            assert!(done.err.contains("PROPUSK_TOKEN"), "{done:?}");
        }
    }
}

/// A server that starts with a store says a lot on stderr; nobody need be there to read it.
#[test]
fn a_welcome_that_nobody_reads() {
    for flags in [&[][..], &["--tokens", "there.db"]] {
        let place = Sandbox::new();
        place.issue(&["--subject", "a", "--tokens", "there.db"]);
        let line = format!(
            "exec {PROPUSK} serve --listen 127.0.0.1:0 {} 2>/dev/full",
            flags.join(" ")
        );
        let mut command = place.command("sh", &["-c", &line], &[]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut byte = [0];
        // The first byte of "listening on …", or the end.
        let read = child.stdout.as_mut().expect("a pipe").read(&mut byte);
        done(place.command("kill", &[&child.id().to_string()], &[]));
        let status = child.wait().expect("it ends");
        assert_eq!((read.expect("a pipe"), status.code()), (1, Some(0)));
    }
}

/// What cannot be recorded at the end is a warning: the signal ends the server with success.
#[test]
fn a_signal_while_the_store_is_gone() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let token = place.issue(&["--subject", "a"]);
    place.call(&token, &server.url, &["whoami"]).code(0);
    for name in place.files().keys() {
        std::fs::remove_file(place.path(name)).expect("removed");
    }
    server.stop().code(0);
}

fn answers(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let read = stream.read(&mut [0; 65536]);
            let _ = read.and_then(|_| stream.write_all(response.as_bytes()));
        }
    });
    format!("http://{address}/mcp")
}

/// A 401 and a 403 are what they are without a challenge too.
#[test]
fn a_status_without_a_challenge() {
    let place = Sandbox::new();
    for (status, code) in [("401 Unauthorized", 3), ("403 Forbidden", 4)] {
        let text = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let url = answers(String::leak(text));
        place.call("t", &url, &["whoami"]).code(code);
    }
}

/// What a server says in an error cannot steer the terminal, and is not endless.
#[test]
fn an_error_cannot_steer_the_terminal() {
    let place = Sandbox::new();
    let evil = "\u{1b}]0;EVIL\u{7}";
    let json =
        r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"\u001b]0;EVIL\u0007"}}"#;
    let long = "x".repeat(10_000);
    for (head, body) in [
        ("404 Not Found", evil),
        ("200 OK\r\nContent-Type: application/json", json),
        ("404 Not Found", &long),
    ] {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let url = answers(String::leak(text));
        // As on a terminal: otherwise the escapes are taken out in any case.
        let env = [("CLICOLOR_FORCE", "1"), ("PROPUSK_TOKEN", "t")];
        let done = place.run_with(&env, &["call", &url, "whoami"]);
        assert!(!done.err.contains(evil), "{done:?}");
        assert!(done.err.len() < 1_000, "{} bytes", done.err.len());
    }
}

/// Who a token stands for is not decided by chance.
#[test]
fn a_fixed_token_for_two_callers() {
    let place = Sandbox::new();
    let args = [
        "serve",
        "--listen",
        "192.0.2.1:1",
        "--token",
        "t=a",
        "--token",
        "t=b",
    ];
    let done = place.run(&args).code(2);
    assert!(done.err.contains("number 2"), "{done:?}");
}

/// Values that mean nothing are refused before a store is touched.
#[test]
fn values_that_mean_nothing() {
    let place = Sandbox::new();
    for (args, word) in [
        (
            &["token", "issue", "--subject", "a", "--expires-in", "10000y"][..],
            "9999",
        ),
        (&["token", "issue", "--subject", "a\nb"], "control"),
        (
            &["token", "issue", "--subject", "a", "--scope", ""],
            "--scope",
        ),
        (
            &["token", "issue", "--subject", "a", "--client-id", ""],
            "--client-id",
        ),
        (
            &["token", "issue", "--subject", "a", "--name", ""],
            "--name",
        ),
        (
            &["token", "issue", "--subject", "a", "--expires-in", "-1d"],
            "30d",
        ),
        (
            &[
                "token",
                "issue",
                "--subject",
                "a",
                "--tokens",
                "sqlite::memory:",
            ],
            "memory",
        ),
        (&["serve", "--listen", ":0"], "not an address"),
        (
            &["serve", "--listen", "http://127.0.0.1:0"],
            "not an address",
        ),
        (
            &[
                "serve",
                "--listen",
                "192.0.2.1:1",
                "--token",
                "t=a",
                "--log",
                "debgu",
            ],
            "--log",
        ),
    ] {
        let done = place.run(args);
        assert_eq!(done.code, 2, "{args:?}: {done:#?}");
        assert!(done.err.contains(word), "{args:?}: {done:#?}");
        assert_eq!(place.files().len(), 0, "{args:?}");
    }
}

/// Which file or variable holds the bad token is said.
#[test]
fn a_bad_token_file_is_named() {
    let place = Sandbox::new();
    let url = "http://127.0.0.1:1/mcp";
    for (name, content) in [
        ("two-lines", "a\nb\n"),
        ("empty", ""),
        ("bom", "\u{feff}a b"),
    ] {
        place.write(name, content);
        let done = place.run(&["call", url, "x", "--token-file", name]).code(2);
        assert!(done.err.contains(name), "{done:?}");
    }
}

/// A path that is not the server's is no broken connection.
#[test]
fn a_wrong_path_is_explained() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    for url in [
        server.url.replace("/mcp", ""),
        server.url.replace("mcp", "nope"),
    ] {
        let done = place.call(ALICE, &url, &["whoami"]);
        assert!(done.err.contains("no MCP server at"), "{done:?}");
        assert!(!done.err.contains("\n\n"), "{done:?}");
    }
}

/// The address that was bound is said also where clients use another URL.
#[test]
fn the_bound_address_is_said() {
    let place = Sandbox::new();
    let mut server = place.serve(&[
        "--token",
        "t=a",
        "--resource",
        "https://mcp.example.com/mcp",
    ]);
    let said = server.out() + &server.err();
    assert!(said.contains("127.0.0.1:"), "{said}");
}

/// `propusk serve --version` is `propusk 0.1.0`.
#[test]
fn the_version_of_a_command() {
    let place = Sandbox::new();
    for command in ["serve", "token", "call", "tools"] {
        let done = place.run(&[command, "--version"]);
        assert!(!done.out.starts_with("propusk-"), "{done:?}");
    }
}
