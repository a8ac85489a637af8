//! What the library's client makes of a server's answers.

use propusk::{
    Client,
    client::{ClientError, Era, ErrorKind},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{MOUNTS, Proxy, Site, canned, soon};

const ERAS: [Era; 3] = [Era::Auto, Era::Modern, Era::Legacy];

async fn whoami(client: Client) -> Result<String, ClientError> {
    soon(async {
        let session = client.connect().await?;
        let reply = session.call_tool("whoami", json!({})).await?;
        session.close().await;
        Ok(reply.content[0].as_text().expect("a text").text.clone())
    })
    .await
}

#[tokio::test]
async fn every_era_calls_a_tool() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for era in ERAS {
            let client = Client::new(site.url()).bearer("alice").era(era);
            assert_eq!(
                whoami(client).await.expect("admitted"),
                "alice",
                "{mount:?} {era:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_of_the_older_era_is_spoken_to_in_it() {
    let site = Site::plain(MOUNTS[0]).await;
    let proxy = Proxy::older(site.address).await;
    for (era, expected) in [(Era::Auto, true), (Era::Legacy, true), (Era::Modern, false)] {
        let client = Client::new(proxy.url()).bearer("alice").era(era);
        assert_eq!(whoami(client).await.is_ok(), expected, "{era:?}");
    }
}

#[tokio::test]
async fn without_a_valid_token_the_error_says_so_and_has_the_challenge() {
    for mount in MOUNTS {
        let settings = |settings: propusk::AuthSettings| {
            let settings = settings.authorization_server("https://login.example");
            settings.require_scopes("mcp").unwrap()
        };
        let site = Site::start(mount, settings).await;
        for era in ERAS {
            for (token, code) in [(None, None), (Some("unknown"), Some("invalid_token"))] {
                let client = Client::new(site.url()).era(era);
                let client = match token {
                    Some(token) => client.bearer(token),
                    None => client,
                };
                let error = whoami(client).await.expect_err("refused");
                let case = format!("{mount:?} {era:?} {token:?}: {error:?}");
                assert!(error.is_unauthenticated(), "{case}");
                assert!(!error.is_forbidden() && !error.is_unavailable(), "{case}");
                let challenge = error.challenge().expect(&case);
                assert_eq!(challenge.error(), code, "{case}");
                assert_eq!(challenge.parameter("scope"), Some("mcp"), "{case}");
                let metadata = site.metadata_url();
                assert_eq!(
                    challenge.parameter("resource_metadata"),
                    Some(&*metadata),
                    "{case}"
                );
            }
        }
    }
}

#[tokio::test]
async fn without_the_scope_the_error_names_it() {
    for mount in MOUNTS {
        let site = Site::start(mount, |s| s.require_scopes("mcp").unwrap()).await;
        for era in ERAS {
            let client = Client::new(site.url()).bearer("poor").era(era);
            let error = whoami(client).await.expect_err("refused");
            let case = format!("{mount:?} {era:?}: {error:?}");
            assert!(
                error.is_forbidden() && !error.is_unauthenticated(),
                "{case}"
            );
            let challenge = error.challenge().expect(&case);
            assert_eq!(challenge.parameter("scope"), Some("mcp"), "{case}");
            assert!(error.to_string().contains("It needs: mcp."), "{error}");
        }
    }
}

/// A tool that finds out by itself: whether the answer had begun or not, the error says the same.
#[tokio::test]
async fn a_refusal_out_of_a_tool_is_a_typed_error() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for era in ERAS {
            let client = Client::new(site.url()).bearer("alice").era(era);
            let session = client.connect().await.expect("admitted");
            let refused = soon(session.call_tool("refuse", Value::Null)).await;
            let error = refused.expect_err("refused");
            let case = format!("{mount:?} {era:?}: {error:?}");
            assert!(error.is_forbidden(), "{case}");
            let challenge = error.challenge().expect(&case);
            assert_eq!(challenge.error(), Some("insufficient_scope"), "{case}");
            assert_eq!(challenge.parameter("scope"), Some("x:y"), "{case}");
            assert!(error.to_string().contains("It needs: x:y."), "{case}");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_in_mid_session_is_told_as_such() {
    for mount in MOUNTS {
        for era in ERAS {
            let site = Site::plain(mount).await;
            let session = Client::new(site.url())
                .bearer("alice")
                .era(era)
                .connect()
                .await;
            let session = session.expect("admitted");
            soon(session.call_tool("whoami", Value::Null))
                .await
                .expect("answered");
            site.revoke("alice");
            let error = soon(session.call_tool("whoami", Value::Null))
                .await
                .expect_err("revoked");
            assert!(error.is_unauthenticated(), "{mount:?} {era:?}: {error:?}");
            assert_eq!(
                error.challenge().and_then(|c| c.error()),
                Some("invalid_token")
            );
        }
    }
}

#[tokio::test]
async fn nobody_there_and_no_mcp_server_there() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let nobody = gone.local_addr().expect("bound");
    drop(gone);
    let page = canned("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<html").await;
    let noise = canned("SSH-2.0-OpenSSH_9.6\r\n").await;
    for address in [nobody, page, noise] {
        for era in ERAS {
            let client = Client::new(format!("http://{address}/mcp"))
                .bearer("alice")
                .era(era);
            let error = whoami(client).await.expect_err("no MCP server");
            assert_eq!(error.kind(), &ErrorKind::Transport, "{era:?}: {error:?}");
            assert!(
                !error.is_unauthenticated() && !error.is_forbidden(),
                "{error:?}"
            );
        }
    }
}

#[tokio::test]
async fn arguments_are_an_object() {
    let site = Site::plain(MOUNTS[0]).await;
    let session = Client::new(site.url())
        .bearer("alice")
        .connect()
        .await
        .expect("admitted");
    let error = session
        .call_tool("whoami", json!([1]))
        .await
        .expect_err("an array");
    assert_eq!(error.kind(), &ErrorKind::InvalidArguments);
    let error = session
        .call_tool("no-such-tool", json!({}))
        .await
        .expect_err("unknown");
    assert!(matches!(error.kind(), ErrorKind::Rpc(_)), "{error:?}");
    assert_eq!(session.list_tools().await.expect("listed").len(), 9);
}
