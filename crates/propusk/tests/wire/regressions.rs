//! Defects that these tests found, each with the test that found it.

use std::time::Duration;

use propusk::{
    Client, Server,
    client::{ClientError, Era, ErrorKind, HttpSettings},
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{MOUNTS, Mount, Site, Wire, call, called, canned, legacy, soon};

const ERAS: [Era; 3] = [Era::Auto, Era::Modern, Era::Legacy];

/// The caller wants to know, and not to wait.
fn at_once() -> HttpSettings {
    HttpSettings::default().retry_unavailable(0, Duration::ZERO)
}

async fn whoami(client: Client) -> Result<String, ClientError> {
    soon(async {
        let session = client.connect().await?;
        let reply = session.call_tool("whoami", json!({})).await?;
        session.close().await;
        Ok(reply.content[0].as_text().expect("a text").text.clone())
    })
    .await
}

/// RFC 9112 §3.2.2: where the target is absolute, the `Host` header is ignored; at the very least
/// the two must not differ.
#[tokio::test]
async fn an_absolute_target_on_a_foreign_host_is_refused() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for line in [
            "POST http://evil.example/mcp",
            "GET http://evil.example/mcp",
            "DELETE http://evil.example/mcp",
            "GET http://evil.example/.well-known/oauth-protected-resource",
        ] {
            let reply = site.send(&call("whoami").bearer("alice").line(line)).await;
            assert_eq!(reply.status, 421, "{mount:?} {line}: {reply:?}");
        }
        assert_eq!(site.verified(), 0, "{mount:?}");
    }
}

/// The scheme without a token is what a shell variable that is not set leaves over.
#[tokio::test]
async fn a_pasted_scheme_without_a_token_is_no_token() {
    for text in ["Bearer ", "Bearer", " bearer\n"] {
        let client = Client::new("http://127.0.0.1:1/mcp").bearer(text);
        let error = client.connect().await.expect_err("no token");
        assert_eq!(
            error.kind(),
            &ErrorKind::InvalidToken,
            "{text:?}: {error:?}"
        );
    }
}

/// What servers answer that have no JSON to say why.
#[tokio::test]
async fn a_server_that_cannot_answer_now_says_how_long() {
    let busy = canned("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let broken =
        canned("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    for (address, status, retry_after) in [
        (busy, 429, Some(Duration::from_secs(3))),
        (broken, 502, None),
    ] {
        for era in ERAS {
            let client = Client::new(format!("http://{address}/mcp"))
                .bearer("alice")
                .era(era)
                .http(at_once());
            let error = whoami(client).await.expect_err("unavailable");
            let expected = ErrorKind::Unavailable {
                status,
                retry_after,
            };
            assert_eq!(error.kind(), &expected, "{era:?}: {error:?}");
            assert!(error.is_unavailable(), "{error:?}");
        }
    }
}

#[tokio::test]
async fn an_outage_of_the_verifier_is_told_as_such() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for era in ERAS {
            let client = Client::new(site.url())
                .bearer("outage")
                .era(era)
                .http(at_once());
            let error = whoami(client).await.expect_err("unavailable");
            let retry_after = Some(Duration::from_secs(7));
            let expected = ErrorKind::Unavailable {
                status: 503,
                retry_after,
            };
            assert_eq!(error.kind(), &expected, "{mount:?} {era:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn an_outage_in_mid_session_is_told_as_such() {
    for mount in MOUNTS {
        for era in ERAS {
            let site = Site::plain(mount).await;
            let client = Client::new(site.url())
                .bearer("alice")
                .era(era)
                .http(at_once());
            let session = client.connect().await.expect("admitted");
            site.verifier_works(false);
            let error = soon(session.call_tool("whoami", json!({})))
                .await
                .expect_err("unavailable");
            let retry_after = Some(Duration::from_secs(7));
            let expected = ErrorKind::Unavailable {
                status: 503,
                retry_after,
            };
            assert_eq!(error.kind(), &expected, "{mount:?} {era:?}: {error:?}");
        }
    }
}

/// A page that is not there, in [`Era::Modern`] too.
#[tokio::test]
async fn a_404_of_some_web_server_is_no_json_rpc_error() {
    let missing =
        canned("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno").await;
    for era in ERAS {
        let client = Client::new(format!("http://{missing}/mcp"))
            .bearer("alice")
            .era(era);
        let error = whoami(client).await.expect_err("no MCP server");
        assert_eq!(error.kind(), &ErrorKind::Transport, "{era:?}: {error:?}");
    }
}

/// The proxy of the environment is another machine: what is for this one does not go there. (A
/// variable of the environment is the whole process's, hence a process for this.)
#[tokio::test]
async fn a_token_for_this_machine_does_not_go_to_a_proxy() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", proxy.local_addr().expect("bound"));
    let this = std::env::current_exe().expect("this test");
    let mut child = tokio::task::spawn_blocking(move || {
        let mut child = std::process::Command::new(this);
        child.args(["--exact", "client::every_era_calls_a_tool"]);
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            child.env(name, &url);
        }
        child.output().expect("it runs")
    });
    tokio::select! {
        _ = proxy.accept() => panic!("the proxy gets the token in the clear"),
        child = &mut child => assert!(child.expect("no panic").status.success()),
    }
}

/// Bytes that come after `serve_on` has returned make no tool run.
#[tokio::test]
async fn nothing_runs_after_the_end() {
    let options = |server: Server<_>| server.drain_timeout(Duration::ZERO);
    let mut site = Site::start_with(Mount::Server, |settings| settings, options).await;
    let bytes = call("slow").bearer("alice").bytes();
    let (begin, last) = bytes.split_at(bytes.len() - 1);
    let mut wire = Wire::connect(site.address).await;
    wire.send(begin).await;
    while site.verified() == 0 {
        tokio::task::yield_now().await;
    }
    site.stop();
    site.ended().await;
    wire.send(last).await;
    let answer = wire.rest().await;
    assert!(answer.is_empty(), "the connection has ended");
    assert_eq!(
        site.tools.entered.available_permits(),
        0,
        "no call has begun"
    );
}

/// The layer stands around a whole router, and a 404 of another route says nothing of the session.
#[tokio::test]
async fn a_route_that_is_not_there_does_not_end_a_session() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let alice = [("Authorization", "Bearer alice")];
        let session = site.open(&alice).await.expect("a session");
        let inside = legacy(&session, "whoami").bearer("alice");
        for line in ["GET /favicon.ico", "DELETE /favicon.ico"] {
            let reply = site.send(&inside.clone().line(line)).await;
            assert_eq!(reply.status, 404, "{mount:?} {line}");
        }
        assert_eq!(called(&site.send(&inside).await), "alice", "{mount:?}");
    }
}
