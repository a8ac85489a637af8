//! What the library's client sends: its token, once, to whom it should, and to nobody else.

use propusk::{
    Client,
    client::{Era, ErrorKind},
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{MOUNTS, Proxy, Site, canned, soon};

/// Checks that the head of a request carries one header `Authorization: Bearer alice`.
fn check(head: &str) {
    let credentials: Vec<_> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        .map(|(_, value)| value)
        .collect();
    assert_eq!(credentials, [" Bearer alice"], "{head}");
    let target = head.lines().next().expect("a request line");
    assert!(!target.contains("alice"), "never in the URL: {target}");
}

#[tokio::test]
async fn a_pasted_header_is_sent_as_one_bearer_on_every_request() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for pasted in ["alice", "Bearer alice", " bearer  alice\n"] {
            for (era, last) in [(Era::Modern, "POST"), (Era::Legacy, "DELETE")] {
                let mut proxy = Proxy::new(site.address).await;
                let client = Client::new(proxy.url()).bearer(pasted).era(era);
                let session = client.connect().await.expect("admitted");
                session
                    .call_tool("whoami", json!({}))
                    .await
                    .expect("answered");
                let mut methods = Vec::new();
                // The stream of notifications of the older era opens when it pleases.
                let wanted: &[&str] = if era == Era::Legacy {
                    &["POST", "GET"]
                } else {
                    &["POST"]
                };
                while !wanted
                    .iter()
                    .all(|method| methods.iter().any(|own| own == method))
                {
                    methods.push(method(&proxy.head().await));
                }
                let closed = tokio::spawn(session.close());
                while last == "DELETE" && methods.last().is_none_or(|own| own != last) {
                    methods.push(method(&proxy.head().await));
                }
                soon(closed).await.expect("closed");
            }
        }
    }
}

fn method(head: &str) -> String {
    check(head);
    head.split(' ').next().expect("a method").to_owned()
}

/// `0.0.0.0` is no loopback address, and yet leads to this machine: a connection would show.
#[tokio::test]
async fn a_token_does_not_go_over_plain_http_to_another_machine() {
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a free port");
    let url = format!(
        "http://0.0.0.0:{}/mcp",
        listener.local_addr().expect("bound").port()
    );
    for era in [Era::Auto, Era::Modern, Era::Legacy] {
        let error = Client::new(&url).bearer("alice").era(era).connect().await;
        assert_eq!(
            error.expect_err("http").kind(),
            &ErrorKind::InsecureUrl,
            "{era:?}"
        );
    }
    let listener = listener.into_std().expect("a listener");
    listener.set_nonblocking(true).expect("it is one already");
    let nobody = listener.accept().expect_err("nobody has connected");
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let elsewhere = listener.local_addr().expect("bound");
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{elsewhere}/mcp\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let from = canned(answer.leak()).await;
    for era in [Era::Auto, Era::Modern, Era::Legacy] {
        let client = Client::new(format!("http://{from}/mcp"))
            .bearer("alice")
            .era(era);
        soon(client.connect()).await.expect_err("no answer there");
    }
    let listener = listener.into_std().expect("a listener");
    let nobody = listener.accept().expect_err("nobody has connected");
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_anything_is() {
    for (url, token, expected) in [
        ("127.0.0.1:8000/mcp", "alice", ErrorKind::InvalidUrl),
        ("ftp://127.0.0.1/mcp", "alice", ErrorKind::InvalidUrl),
        ("http://me:pw@127.0.0.1/mcp", "alice", ErrorKind::InvalidUrl),
        ("http://192.0.2.1/mcp", "alice", ErrorKind::InsecureUrl),
        (
            "http://localhost.evil.example/mcp",
            "alice",
            ErrorKind::InsecureUrl,
        ),
        ("http://127.0.0.1:1/mcp", "", ErrorKind::InvalidToken),
        (
            "http://127.0.0.1:1/mcp",
            "two words",
            ErrorKind::InvalidToken,
        ),
        (
            "http://127.0.0.1:1/mcp",
            "a\r\nX-Injected: 1",
            ErrorKind::InvalidToken,
        ),
    ] {
        let error = Client::new(url)
            .bearer(token)
            .connect()
            .await
            .expect_err(url);
        assert_eq!(error.kind(), &expected, "{url} {token:?}: {error:?}");
    }
}
