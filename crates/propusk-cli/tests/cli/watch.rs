//! `--audit` and `--metrics`: what the operator sees.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    time::Duration,
};

use serde_json::Value;

use crate::support::{ALICE, FIXED, Sandbox, Server, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// The lines of an audit log.
fn lines(text: &str) -> Vec<Value> {
    let json = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    text.lines().map(json).collect()
}

fn read(path: &Path) -> Vec<Value> {
    lines(&fs::read_to_string(path).expect("readable"))
}

/// Reason and subject of each line, and nothing else.
fn told(lines: &[Value]) -> Vec<(&str, &str)> {
    lines
        .iter()
        .map(|line| {
            let word = |key: &str| line[key].as_str().unwrap_or_default();
            (word("reason"), word("subject"))
        })
        .collect()
}

/// A plain GET: status and body.
fn get(address: &str, path: &str, host: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer[9..12].parse().expect("a status");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    (status, body.to_owned())
}

/// The address after `metrics on http://` in the notes.
fn metrics_address(server: &mut Server) -> String {
    let notes = server.err();
    let (_, rest) = notes.split_once("metrics on http://").expect("a note");
    rest.split_once("/metrics").expect("a path").0.to_owned()
}

/// The value of a sample.
fn sample(text: &str, name: &str) -> u64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
        .parse()
        .expect("a number")
}

#[test]
fn every_decision_is_a_line_in_the_file() {
    let file = ["--audit", "audit.jsonl"];
    let toml = "[serve]\naudit = 'audit.jsonl'\n";
    let variable = [("PROPUSK_AUDIT", "audit.jsonl")];
    for (env, args, config) in [
        (&[][..], &file[..], ""),
        (&variable, &[], ""),
        (&[], &[], toml),
    ] {
        let place = Sandbox::new();
        place.write("propusk.toml", config);
        let server = place.serve_with(env, &[FIXED, args].concat());
        place.call(ALICE, &server.url, &["whoami"]).code(0);
        place.call("hunter2", &server.url, &["whoami"]).code(3);
        place.call("", &server.url, &["whoami"]).code(3);
        let done = server.stop().code(0);
        // What was written when it ended is all of it.
        let path = place.path("audit.jsonl");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let lines = read(&path);
        let mut told = told(&lines);
        told.dedup();
        let expected = [
            ("authorized", "alice"),
            ("invalid_token", ""),
            ("no_token", ""),
        ];
        assert_eq!(told, expected, "{lines:#?}");
        for line in &lines {
            assert_eq!(line["event"], "decision");
            assert!(line["remote"].as_str().expect("known").starts_with("127."));
            assert_eq!(line["request_id"].as_str().expect("one").len(), 32);
        }
        let all = fs::read_to_string(&path).expect("readable") + &done.err + &done.out;
        assert!(!all.contains(ALICE) && !all.contains("hunter2"), "{all}");
    }
}

#[test]
fn a_hyphen_is_stdout() {
    let place = Sandbox::new();
    let server = place.serve(&[FIXED, &["--audit", "-"]].concat());
    place.call("", &server.url, &["whoami"]).code(3);
    let done = server.stop().code(0);
    let (first, rest) = done.out.split_once('\n').expect("lines");
    assert!(first.starts_with("listening on "), "{first}");
    assert_eq!(told(&lines(rest))[0], ("no_token", ""));
    assert_eq!(place.files().len(), 0);
}

#[test]
fn after_a_rotation_sighup_opens_the_new_file() {
    let place = Sandbox::new();
    let server = place.serve(&[FIXED, &["--audit", "audit.jsonl"]].concat());
    let (path, old) = (place.path("audit.jsonl"), place.path("audit.jsonl.1"));
    place.call(ALICE, &server.url, &["whoami"]).code(0);
    fs::rename(&path, &old).expect("renamed");
    // Between the two steps of a rotation the old file is written on.
    place.call("", &server.url, &["whoami"]).code(3);
    server.signal("HUP");
    until("the new file", PATIENCE, || path.exists().then_some(()));
    place.call("unknown", &server.url, &["whoami"]).code(3);
    server.stop().code(0);
    let (before, after) = (read(&old), read(&path));
    let reasons = |lines: &[Value]| {
        let mut reasons: Vec<_> = lines.iter().map(|line| line["reason"].clone()).collect();
        reasons.dedup();
        reasons
    };
    assert_eq!(reasons(&before), ["authorized", "no_token"]);
    assert_eq!(reasons(&after), ["invalid_token"]);
}

/// The disk is full, the server serves, and says that the log cannot be written; when there is room
/// again, the log is whole.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_no_reason_to_stop_or_to_be_silent() {
    let place = Sandbox::new();
    let path = place.path("audit.jsonl");
    symlink("/dev/full", &path).expect("a link");
    let args = ["--audit", "audit.jsonl", "--metrics", "on"];
    let mut server = place.serve(&[FIXED, &args].concat());
    for token in [ALICE, "unknown", ""] {
        let code = if token == ALICE { 0 } else { 3 };
        place.call(token, &server.url, &["whoami"]).code(code);
    }
    until("a warning", PATIENCE, || {
        let warned = server.err().contains("the audit log cannot be written");
        warned.then_some(())
    });
    fs::remove_file(&path).expect("removed");
    server.signal("HUP");
    until("the new file", PATIENCE, || path.exists().then_some(()));
    let (_, text) = get(server.address(), "/metrics", "localhost");
    assert_eq!(sample(&text, "propusk_audit_events_lost_total"), 0);
    let done = server.stop().code(0);
    assert!(
        done.err.contains("the audit log is written again"),
        "{done:#?}"
    );
    let lines = read(&path);
    let mut told = told(&lines);
    told.dedup();
    let expected = [
        ("authorized", "alice"),
        ("invalid_token", ""),
        ("no_token", ""),
    ];
    assert_eq!(told, expected);
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_full_disk_never_took_is_said_at_the_end() {
    let place = Sandbox::new();
    let server = place.serve(&[FIXED, &["--audit", "/dev/full"]].concat());
    place.call("", &server.url, &["whoami"]).code(3);
    let done = server.stop().code(0);
    assert!(done.err.contains("audit events are lost"), "{done:#?}");
}

#[test]
fn metrics_are_off_unless_asked_for() {
    let off = [("PROPUSK_METRICS", "on")];
    for (env, args) in [(&[][..], &[][..]), (&off, &["--metrics", "off"])] {
        let place = Sandbox::new();
        let mut server = place.serve_with(env, &[FIXED, args].concat());
        assert_eq!(get(server.address(), "/metrics", "localhost").0, 404);
        assert!(!server.err().contains("metrics"));
    }
}

#[test]
fn metrics_beside_the_server_or_on_their_own() {
    for own in [false, true] {
        let value = if own { "127.0.0.1:0" } else { "on" };
        let place = Sandbox::new();
        place.write("propusk.toml", format!("[serve]\nmetrics = '{value}'\n"));
        let mut server = place.serve(FIXED);
        let address = metrics_address(&mut server);
        assert_eq!(address != server.address(), own);
        place.call(ALICE, &server.url, &["whoami"]).code(0);
        place.call("", &server.url, &["whoami"]).code(3);
        let (status, text) = get(&address, "/metrics", &address);
        assert_eq!(status, 200);
        let decisions = |decision, reason| {
            sample(
                &text,
                &format!("propusk_decisions_total{{decision=\"{decision}\",reason=\"{reason}\"}}"),
            )
        };
        assert!(decisions("allowed", "authorized") > 0);
        assert!(decisions("refused", "no_token") > 0);
        assert_eq!(decisions("refused", "expired"), 0);
        assert_eq!(get(&address, "/metrics", "evil.example").0, 421);
        if own {
            assert_eq!(get(server.address(), "/metrics", "localhost").0, 404);
            assert_eq!(get(&address, "/mcp", &address).0, 404);
        }
        let text = format!("{text}{}", server.stop().code(0).err);
        assert!(!text.contains(ALICE), "{text}");
    }
}

#[test]
fn metrics_count_what_the_memory_of_tokens_saves() {
    let place = Sandbox::new();
    let token = place.issue(&["--subject", "alice"]);
    let mut server = place.serve(&["--tokens", "sqlite:propusk.db", "--metrics", "on"]);
    let address = metrics_address(&mut server);
    place.call(&token, &server.url, &["whoami"]).code(0);
    let (_, text) = get(&address, "/metrics", &address);
    let looks = |outcome| {
        let labels = format!("{{cache=\"store\",outcome=\"{outcome}\"}}");
        sample(&text, &format!("propusk_token_cache_total{labels}"))
    };
    assert_eq!(looks("miss"), 1, "{text}");
    assert!(looks("hit") > 0, "a call is several requests: {text}");
}

#[test]
fn an_address_that_is_taken() {
    let place = Sandbox::new();
    let mut server = place.serve(&[FIXED, &["--metrics", "127.0.0.1:0"]].concat());
    let taken = metrics_address(&mut server);
    let args = ["serve", "--listen", "127.0.0.1:0", "--metrics", &taken];
    let done = place.run(&[&args, FIXED].concat()).code(5);
    assert!(
        done.err.contains("in use") && done.err.contains("--metrics 127.0.0.1:0"),
        "{done:#?}"
    );
}

#[test]
fn refusals_without_end_are_few_lines_of_the_log_and_all_of_the_audit() {
    const MANY: usize = 60;
    let place = Sandbox::new();
    let server = place.serve(&[FIXED, &["--audit", "audit.jsonl"]].concat());
    let address = server.address().to_owned();
    for _ in 0..MANY {
        assert_eq!(get(&address, "/mcp", "foreign.example").0, 421);
        assert_eq!(get(&address, "/mcp", &address).0, 401);
    }
    let log = server.stop().code(0).err;
    let events = read(&place.path("audit.jsonl"));
    // The first of a minute; a slow machine may need two minutes.
    for (reason, most) in [("foreign_host", 2), ("no_token", 20)] {
        let told = told(&events);
        let told = told.iter().filter(|(word, _)| *word == reason);
        assert_eq!(told.count(), MANY, "{reason}");
        let lines = log.lines().filter(|line| line.contains(reason)).count();
        assert!((1..=most).contains(&lines), "{reason}: {lines}");
    }
}

/// A POST without a token: the status.
fn post(address: &str, headers: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    write!(
        stream,
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         {headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer[9..12].parse().expect("a status")
}

/// Whom nobody knows must not fill the disk, whatever he is refused for and by whom.
#[test]
fn anonymous_requests_without_end_are_few_lines_of_the_log() {
    const MANY: usize = 40;
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
    let call = |tool: &str| {
        let headers = format!(
            "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n"
        );
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}},{meta}}}}}"#
        );
        (headers, body)
    };
    let initialize = |version: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"t","version":"1"}}}}}}"#
        )
    };
    let older = "MCP-Protocol-Version: 2025-11-25\r\n".to_owned();
    let requests = [
        call("whoami"),
        call("notes_list"),
        call("there-is-none"),
        (older.clone(), initialize("2024-11-05")),
        (String::new(), initialize("1999-01-01")),
        (String::new(), "{".to_owned()),
        (
            older,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#.to_owned(),
        ),
    ];
    for admission in ["optional", "permissive"] {
        for more in [&[][..], &["--stateless"]] {
            let place = Sandbox::new();
            let server = place.serve(&[FIXED, &["--admission", admission], more].concat());
            let address = server.address().to_owned();
            for (headers, body) in &requests {
                for _ in 0..MANY {
                    post(&address, headers, body);
                }
            }
            let (headers, body) = call("echo");
            let answer = post(&address, &headers, &body);
            assert!(answer == 200, "let in: {answer}");
            let log = server.stop().code(0).err;
            // Ten of a reason in a minute, and a slow machine may need two.
            let lines = log.lines().count();
            assert!(
                lines < requests.len() * MANY / 4,
                "{admission} {more:?}: {lines} {log}"
            );
            assert!(!log.contains("response error"), "{admission}: {log}");
        }
    }
}
