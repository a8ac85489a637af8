//! A flag comes before an environment variable, that before the file, and that before the default.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::support::{ALICE, Env, Sandbox, Server, Words, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// The first of flag, variable and file that is given.
const CASES: [(bool, bool, bool, &str); 6] = [
    (true, true, true, "flag"),
    (true, false, true, "flag"),
    (true, true, false, "flag"),
    (false, true, true, "env"),
    (false, false, true, "file"),
    (false, true, false, "env"),
];

#[test]
fn the_store() {
    for (flag, env, file, winner) in CASES {
        let place = Sandbox::new();
        if file {
            place.write("propusk.toml", "tokens = 'sqlite:file.db'\n");
        }
        let variable = [("PROPUSK_TOKENS", "sqlite:env.db")];
        let mut args = vec!["token", "issue", "--subject", "a"];
        if flag {
            args.extend(["--tokens", "sqlite:flag.db"]);
        }
        place
            .run_with(if env { &variable } else { &[] }, &args)
            .code(0);
        let mut files = place.files();
        files.remove("propusk.toml");
        let expected = format!("{winner}.db");
        assert_eq!(files.keys().collect::<Vec<_>>(), [&expected]);
    }
    let place = Sandbox::new();
    place.issue(&["--subject", "a"]);
    assert!(place.path("propusk.db").is_file());
}

#[test]
fn the_resource() {
    for (flag, env, file, winner) in CASES {
        let place = Sandbox::new();
        place.write(
            "some.toml",
            "[serve]\nresource = 'https://file.example/mcp'\n",
        );
        let mut args = vec!["--token", "t=a"];
        if file {
            args.extend(["--config", "some.toml"]);
        }
        if flag {
            args.extend(["--resource", "https://flag.example/mcp"]);
        }
        let variable = [("PROPUSK_RESOURCE", "https://env.example/mcp")];
        let server = place.serve_with(if env { &variable } else { &[] }, &args);
        assert_eq!(server.url, format!("https://{winner}.example/mcp"));
    }
}

#[test]
fn admission_and_lists() {
    let place = Sandbox::new();
    place.write(
        "propusk.toml",
        "[serve]\nadmission = 'optional'\ntoken = ['file=file']\nrequired-scope = []\n",
    );
    let anonymous = |server: &Server| place.call("", &server.url, &["echo", "message=hi"]).code;
    let knows = |server: &Server| {
        ["flag", "env", "file"]
            .into_iter()
            .filter(|token| place.call(token, &server.url, &["whoami"]).code == 0)
            .collect::<Vec<_>>()
    };
    let env = [
        ("PROPUSK_ADMISSION", "required"),
        ("PROPUSK_FIXED_TOKENS", "env=env"),
    ];
    let flags = ["--admission", "optional", "--token", "flag=flag"];
    // A list replaces the one of the next place, it does not add to it.
    for (server, code, tokens) in [
        (place.serve(&[]), 0, ["file"]),
        (place.serve_with(&env, &[]), 3, ["env"]),
        (place.serve_with(&env, &flags), 0, ["flag"]),
        (place.serve(&flags), 0, ["flag"]),
    ] {
        assert_eq!(
            (anonymous(&server), knows(&server)),
            (code, tokens.to_vec())
        );
    }
}

#[test]
fn every_variable_and_key_of_serve_is_read() {
    // Each with a value that only makes sense to be refused; the word names the setting.
    for (variable, key, word) in [
        ("PROPUSK_LISTEN", "listen", "--listen"),
        ("PROPUSK_RESOURCE", "resource", "--resource"),
        ("PROPUSK_ADMISSION", "admission", "--admission"),
        ("PROPUSK_FIXED_TOKENS", "token", "--token"),
        (
            "PROPUSK_REQUIRED_SCOPE",
            "required-scope",
            "--required-scope",
        ),
        (
            "PROPUSK_SUGGESTED_SCOPE",
            "suggested-scope",
            "--suggested-scope",
        ),
        ("PROPUSK_ALLOWED_HOST", "allowed-host", "--allowed-host"),
        (
            "PROPUSK_ALLOWED_ORIGIN",
            "allowed-origin",
            "--allowed-origin",
        ),
        ("PROPUSK_TOKENS", "tokens", "--tokens"),
        ("PROPUSK_DPOP", "dpop", "--dpop"),
        ("PROPUSK_DPOP_NONCES", "dpop-nonces", "dpop-nonces"),
        ("PROPUSK_STATELESS", "stateless", "stateless"),
        ("PROPUSK_METRICS", "metrics", "--metrics"),
        ("PROPUSK_LOG", "log", "--log"),
    ] {
        let bad = if key == "log" { "a=b=c" } else { "\"" };
        let place = Sandbox::new();
        let done = place.run_with(&[(variable, bad)], &["serve"]).code(2);
        assert!(done.err.contains(word), "{variable}: {done:?}");
        let list = key.starts_with("allowed-") || key.ends_with("-scope") || key == "token";
        let section = if ["tokens", "log"].contains(&key) {
            ""
        } else {
            "[serve]\n"
        };
        let value = if list {
            format!("['{bad}']")
        } else {
            format!("'{bad}'")
        };
        place.write("propusk.toml", format!("{section}{key} = {value}\n"));
        let done = place.run(&["serve"]).code(2);
        let line = format!("line {}", 1 + section.lines().count());
        assert!(
            done.err.contains(word) || done.err.contains(&line),
            "{key}: {done:?}"
        );
        assert_eq!(place.files().len(), 1, "{key}");
    }
}

#[test]
fn the_log() {
    let place = Sandbox::new();
    place.write("off.toml", "log = 'off'\n[serve]\ntoken = ['t=a']\n");
    let off = ["--config", "off.toml"];
    for (env, flags, warns) in [
        (&[][..], &off[..], false),
        (&[("PROPUSK_LOG", "warn")], &off, true),
        (&[("PROPUSK_LOG", "off")], &["--token", "t=a"], false),
        (
            &[("PROPUSK_LOG", "off")],
            &["--token", "t=a", "--log", "info"],
            true,
        ),
        (&[], &["--token", "t=a"], true),
    ] {
        let mut server = place.serve_with(env, flags);
        let said = server.err();
        assert_eq!(said.contains("WARN"), warns, "{env:?} {flags:?}: {said}");
        // It is no terminal: no colours.
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
}

#[test]
fn which_file_is_read_is_said() {
    let place = Sandbox::new();
    place.write("propusk.toml", "tokens = 'here.db'\n");
    let done = place.run(&["token", "issue", "--subject", "a"]).code(0);
    assert!(done.err.contains("reading propusk.toml"), "{done:?}");
    assert!(place.path("here.db").is_file());
    // One that is named takes its place.
    place.write("other.toml", "tokens = 'other.db'\n");
    let args = ["token", "issue", "--subject", "a", "--config", "other.toml"];
    let done = place.run(&args).code(0);
    assert!(!done.err.contains("reading"), "{done:?}");
    assert!(place.path("other.db").is_file());
}

#[test]
fn hosts_and_origins() {
    let place = Sandbox::new();
    let host = ["--allowed-host", "mcp.internal"];
    let origin = ["--allowed-origin", "https://app.example"];
    let own = "127.0.0.1";
    #[rustfmt::skip]
    let table: &[(Words<'_>, Env<'_>, &str, &str, u16)] = &[
        // Through the Host and Origin check, and to the question for a token.
        (&[], &[], own, "", 401),
        (&[], &[], "localhost", "", 401),
        (&[], &[], "mcp.internal", "", 421),
        (&host, &[], "mcp.internal", "", 401),
        (&host, &[], own, "", 401),
        (&[], &[("PROPUSK_ALLOWED_HOST", "a.example mcp.internal")], "mcp.internal", "", 401),
        (&[], &[], own, "https://app.example", 403),
        (&origin, &[], own, "https://app.example", 401),
        (&origin, &[], own, "https://app.example.evil", 403),
        (&[], &[("PROPUSK_ALLOWED_ORIGIN", "https://app.example")], own, "https://app.example", 401),
    ];
    for (flags, env, host, origin, status) in table {
        let server = place.serve_with(env, &[&["--token", "t=a"], *flags].concat());
        let origin = match *origin {
            "" => String::new(),
            origin => format!("Origin: {origin}\r\n"),
        };
        let request =
            format!("POST /mcp HTTP/1.1\r\nHost: {host}\r\n{origin}Content-Length: 0\r\n\r\n");
        assert_eq!(
            status_of(&server, &request),
            *status,
            "{flags:?} {env:?} {request:?}"
        );
    }
}

fn status_of(server: &Server, request: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.1 ").expect("HTTP");
    status.parse().expect("a status")
}

/// Otherwise whoever opens connections and sends nothing keeps everybody else out.
#[test]
fn connections_have_a_most() {
    for (key, most) in [("address-connections", 2), ("connections", 2)] {
        let place = Sandbox::new();
        let config = format!("[serve]\ntoken = ['{ALICE}=alice:echo']\n[limits]\n{key} = {most}\n");
        place.write("propusk.toml", config);
        let server = place.serve(&[]);
        let rest = server.url.strip_prefix("http://").expect("http");
        let (address, _) = rest.split_once('/').expect("a path");
        let open = || TcpStream::connect(address).expect("a connection");
        let held: Vec<_> = (0..most).map(|_| open()).collect();
        let mut more = open();
        more.set_read_timeout(Some(PATIENCE)).expect("set");
        // Closed, perhaps with a reset.
        let read = more.read(&mut [0]);
        assert!(!matches!(&read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock));
        assert_eq!(read.unwrap_or(0), 0, "{key}");
        drop(held);
        until("a place", PATIENCE, || {
            let done = place.call(ALICE, &server.url, &["echo", "message=x"]);
            (done.code == 0).then_some(())
        });
    }
}
