//! The page for browsers.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::support::{ALICE, FIXED, Sandbox, Server};

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// With names in lower case.
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        let mut headers = lines.filter_map(|line| line.split_once(": "));
        headers.find_map(|(own, value)| (own == name).then_some(value))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn ask(server: &Server, line: &str, headers: &[(&str, &str)]) -> Answer {
    ask_at(server.address(), line, headers)
}

/// Asks with a `Host` that the server knows, unless there is one among the headers.
pub(crate) fn ask_at(address: &str, line: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request.push_str(&format!("Host: {address}\r\n"));
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .write_all(format!("{request}\r\n").as_bytes())
        .expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no head: {answer:?}"));
    let head = String::from_utf8_lossy(&answer[..end]);
    let lower = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
        None => line.to_owned(),
    };
    Answer {
        status: head[9..12].parse().expect("a status"),
        head: head.lines().map(lower).collect::<Vec<_>>().join("\n"),
        body: answer[end + 4..].to_vec(),
    }
}

#[test]
fn a_browser_gets_the_page_under_its_policy() {
    let place = Sandbox::new();
    let mut server = place.serve(FIXED);
    let said = server.err();
    let note = format!("a page for your browser: http://{}/\n", server.address());
    assert!(said.contains(&note), "{said}");
    let index = ask(&server, "GET /", &[]);
    assert_eq!(index.status, 200, "{index:?}");
    assert_eq!(
        index.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = index.header("content-security-policy").expect("a policy");
    assert_eq!(policy, propusk_web::CONTENT_SECURITY_POLICY);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-cache"),
    ] {
        assert_eq!(index.header(name), Some(value), "{name}");
    }
    let back = ask(&server, "GET /callback?code=c&state=s", &[]);
    assert_eq!(back.body, index.body);
    assert_eq!(back.header("cache-control"), Some("no-store"));
    // What it is made of is there, as the browser will ask for it.
    for path in ["/assets/app.js", "/assets/app.css"] {
        assert!(index.text().contains(path), "{}", index.text());
        let plain = ask(&server, &format!("GET {path}"), &[]);
        let gzip = ask(
            &server,
            &format!("GET {path}"),
            &[("Accept-Encoding", "gzip, br")],
        );
        assert_eq!((plain.status, gzip.status), (200, 200), "{path}");
        assert_eq!(plain.header("content-security-policy"), Some(policy));
        assert_eq!(gzip.header("content-encoding"), Some("gzip"), "{path}");
        assert_eq!(gzip.body[..2], [0x1f, 0x8b], "{path}");
        let etag = gzip.header("etag").expect("an ETag");
        let known = [("Accept-Encoding", "gzip"), ("If-None-Match", etag)];
        let again = ask(&server, &format!("GET {path}"), &known);
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        let head = ask(&server, &format!("HEAD {path}"), &[]);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(
            head.header("content-length"),
            plain.header("content-length")
        );
    }
    assert!(!said.contains(ALICE));
}

#[test]
fn the_page_learns_where_the_server_is() {
    let place = Sandbox::new();
    let public = "https://mcp.example.com/team/notes";
    for (flags, url) in [(&[][..], None), (&["--resource", public][..], Some(public))] {
        let mut server = place.serve(&[FIXED, flags].concat());
        let about = match url {
            None => ask(&server, "GET /propusk.json", &[]),
            Some(_) => {
                let said = server.err();
                let (_, bound) = said.split_once("bound to ").expect("a note");
                let bound = bound.lines().next().expect("an address");
                ask_at(bound, "GET /propusk.json", &[("Host", "mcp.example.com")])
            }
        };
        let about: serde_json::Value = serde_json::from_slice(&about.body).expect("JSON");
        let url = url.unwrap_or(&server.url);
        assert_eq!(about["servers"][0]["url"], url);
        assert_eq!(about["servers"][0]["caller"], format!("{url}/caller"));
        assert_eq!(about["servers"].as_array().map(Vec::len), Some(1));
        assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    }
}

/// The page is a page of the server's own origin, and whoever opens it under another name of this
/// machine is as well off.
#[test]
fn the_page_may_ask_the_server_and_no_other_page_may() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    let own = format!("http://{}", server.address());
    let local = own.replace("127.0.0.1", "localhost");
    let alice = format!("Bearer {ALICE}");
    for (origin, status) in [
        (&*own, 200),
        (&*local, 200),
        ("http://127.0.0.1:1", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ] {
        let headers = [("Origin", origin), ("Authorization", &*alice)];
        let caller = ask(&server, "GET /mcp/caller", &headers);
        assert_eq!(caller.status, status, "{origin}: {caller:?}");
        let page = ask(&server, "GET /", &[("Origin", origin)]);
        assert_eq!(page.status, status, "{origin}: {page:?}");
        assert_eq!(page.header("access-control-allow-origin"), None);
    }
}

#[test]
fn the_page_opens_nothing() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    // A name that an attacker lets point here (DNS rebinding).
    for path in [
        "/",
        "/callback",
        "/assets/app.js",
        "/propusk.json",
        "/mcp/caller",
    ] {
        let answer = ask(&server, &format!("GET {path}"), &[("Host", "evil.example")]);
        assert_eq!(answer.status, 421, "{path}: {answer:?}");
    }
    for path in [
        "/../",
        "/../Cargo.toml",
        "/assets/",
        "/assets/../index.html",
        "/assets/%2e%2e/",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2fetc/passwd",
        "/assets\\..\\app.js",
        "//assets/app.js",
        "/index.html",
        "/assets/app.js/",
        "/assets/app.js%00",
        "/propusk.db",
        "/propusk.toml",
    ] {
        let answer = ask(&server, &format!("GET {path}"), &[]);
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = ask(&server, &format!("{method} /"), &[]);
        assert_eq!(answer.status, 404, "{method}: {answer:?}");
    }
    // A page beside it opens no door of the endpoint itself.
    assert_eq!(ask(&server, "GET /mcp", &[]).status, 401);
    assert_eq!(ask(&server, "GET /mcp/caller", &[]).status, 401);
}

#[test]
fn without_the_page_there_is_none() {
    let place = Sandbox::new();
    place.write("propusk.toml", "[serve]\nno-web = true\n");
    place.write("with.toml", "[serve]\nno-web = false\n");
    let with = ["--config", "with.toml"];
    for (env, flags, there) in [
        (&[][..], &[][..], false),
        (&[], &with[..], true),
        (&[], &["--config", "with.toml", "--no-web"], false),
        (&[("PROPUSK_NO_WEB", "1")], &with, false),
        (&[("PROPUSK_NO_WEB", "0")], &with, true),
        // The endpoint itself is where the page would be.
        (
            &[],
            &["--config", "with.toml", "--resource", "http://127.0.0.1/"],
            false,
        ),
    ] {
        let mut server = place.serve_with(env, &[FIXED, flags].concat());
        let at_root = flags.contains(&"--resource");
        let case = format!("{env:?} {flags:?}");
        assert_eq!(
            server.err().contains("a page for your browser"),
            there,
            "{case}"
        );
        if !at_root {
            let expected = if there { 200 } else { 404 };
            for path in ["/", "/callback", "/assets/app.js", "/propusk.json"] {
                let answer = ask(&server, &format!("GET {path}"), &[]);
                assert_eq!(answer.status, expected, "{case} {path}");
            }
        }
    }
}
