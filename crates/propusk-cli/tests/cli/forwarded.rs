//! Behind a reverse proxy: who is believed about where a request comes from, and what is not a matter
//! of belief.

use std::fs;

use crate::{
    support::{ALICE, FIXED, Sandbox, Server},
    web::{Answer, ask_at},
};

/// Two requests of each address, and the audit log.
fn limited(place: &Sandbox, proxies: &str) -> Server {
    let config = format!("[limits]\naddress = '2/h burst 2'\n[proxies]\n{proxies}\n");
    place.write("propusk.toml", config);
    place.run(&[&["check-config"], FIXED].concat()).code(0);
    place.serve(&[FIXED, &["--audit", "audit.jsonl"]].concat())
}

fn get(server: &Server, headers: &[(&str, &str)]) -> Answer {
    ask_at(server.address(), "GET /mcp", headers)
}

/// The addresses in the audit log, without ports.
fn remotes(place: &Sandbox) -> Vec<String> {
    let text = fs::read_to_string(place.path("audit.jsonl")).expect("an audit log");
    let remote = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let remote = line["remote"].as_str().expect("an address");
        let address = remote
            .rsplit_once(':')
            .map_or(remote, |(address, _)| address);
        address.to_owned()
    };
    text.lines().map(remote).collect()
}

#[test]
fn the_limit_of_an_address_is_that_of_the_client_whom_a_trusted_proxy_names() {
    for (proxies, name, one, another) in [
        (
            "trusted = ['127.0.0.0/8']",
            "X-Forwarded-For",
            "203.0.113.1",
            "203.0.113.2",
        ),
        (
            "trusted = ['127.0.0.1', '10.0.0.0/8']\nheader = 'x-forwarded-for'",
            "X-Forwarded-For",
            // What stands left of a stranger is its own invention, and what a proxy wrote is believed.
            "198.51.100.9, 203.0.113.1, 10.1.2.3",
            "198.51.100.9, 203.0.113.2",
        ),
        (
            "trusted = ['127.0.0.0/8']\nheader = 'forwarded'",
            "Forwarded",
            "for=203.0.113.1;proto=https;host=evil.example",
            "For=\"203.0.113.2:4711\"",
        ),
    ] {
        let place = Sandbox::new();
        let server = limited(&place, proxies);
        let of = |client: &str| get(&server, &[(name, client)]).status;
        assert_eq!((of(one), of(one), of(one)), (401, 401, 429), "{proxies}");
        assert_eq!((of(another), of(another)), (401, 401), "{proxies}");
        let limited = get(&server, &[(name, another)]);
        assert!(limited.header("retry-after").is_some(), "{limited:?}");
        // Whoever the proxy says nothing of is the proxy itself.
        assert_eq!(get(&server, &[]).status, 401);
        server.stop().code(0);
        let seen = remotes(&place);
        for client in ["203.0.113.1", "203.0.113.2", "127.0.0.1"] {
            assert!(seen.iter().any(|own| own == client), "{proxies}: {seen:?}");
        }
        assert!(!seen.iter().any(|own| own == "198.51.100.9"), "{seen:?}");
    }
}

#[test]
fn from_anybody_else_and_in_the_other_header_it_is_not_read() {
    for (proxies, name, said) in [
        ("trusted = ['10.0.0.0/8']", "X-Forwarded-For", ""),
        (
            "trusted = ['10.0.0.0/8']\nheader = 'forwarded'",
            "Forwarded",
            "for=",
        ),
        ("trusted = ['127.0.0.1']", "Forwarded", "for="),
        (
            "trusted = ['127.0.0.1']\nheader = 'forwarded'",
            "X-Forwarded-For",
            "",
        ),
        ("", "X-Forwarded-For", ""),
    ] {
        let place = Sandbox::new();
        let server = limited(&place, proxies);
        // Somebody who would like to be somebody else each time.
        let statuses: Vec<_> = (1..=3)
            .map(|n| get(&server, &[(name, &format!("{said}203.0.113.{n}"))]).status)
            .collect();
        assert_eq!(statuses, [401, 401, 429], "{proxies} {name}");
        server.stop().code(0);
        assert!(remotes(&place).iter().all(|own| own == "127.0.0.1"));
    }
}

/// A proxy that is trusted is believed about addresses, and about nothing else.
#[test]
fn no_header_changes_the_url_of_the_server() {
    let place = Sandbox::new();
    place.write(
        "propusk.toml",
        "[serve]\nresource = 'https://mcp.example.com/mcp'\nissuer = ['https://login.example.com']\n\
         [proxies]\ntrusted = ['127.0.0.0/8']\n",
    );
    let mut server = place.serve(&[]);
    assert_eq!(server.url, "https://mcp.example.com/mcp");
    let said = server.err();
    let bound = said.lines().find_map(|line| line.strip_prefix("bound to "));
    let address = bound.expect("an address").to_owned();
    let forged = [
        ("Host", "mcp.example.com"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "81"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Original-URL", "/evil"),
        ("Forwarded", "for=203.0.113.1;host=evil.example;proto=http"),
    ];
    let refused = ask_at(&address, "GET /mcp", &forged);
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate").expect("a challenge");
    let metadata = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";
    assert!(challenge.contains(metadata), "{challenge}");
    let path = "GET /.well-known/oauth-protected-resource/mcp";
    let document = ask_at(&address, path, &forged);
    assert_eq!(document.status, 200);
    let document: serde_json::Value = serde_json::from_slice(&document.body).expect("JSON");
    assert_eq!(document["resource"], "https://mcp.example.com/mcp");
    assert!(!document.to_string().contains("evil"), "{document}");
    // And the host of a page that rebinds is refused, whatever a header says it was.
    let rebound = [
        ("Host", "evil.example"),
        ("X-Forwarded-Host", "mcp.example.com"),
        ("Authorization", &format!("Bearer {ALICE}")),
    ];
    assert_eq!(ask_at(&address, "GET /mcp", &rebound).status, 421);
}
