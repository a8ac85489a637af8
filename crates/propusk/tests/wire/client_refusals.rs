//! What a client makes of refusals, whatever shape they come in.

use std::time::{Duration, SystemTime};

use propusk::{
    Client,
    client::{Era, OutgoingToken, Sent, TokenProvider},
};
use serde_json::json;

use crate::support::{Fate, MOUNTS, Meddler, Site, obliging, soon};

/// A refusal of this status with these headers, byte for byte.
fn refusal(line: &str, headers: &[&[u8]]) -> Fate {
    let mut answer =
        format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n").into_bytes();
    for header in headers {
        answer.extend_from_slice(b"WWW-Authenticate: ");
        answer.extend_from_slice(header);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"\r\n");
    Fate::Answer(answer)
}

type Row = (
    &'static [&'static [u8]],
    Option<&'static str>,
    Option<&'static str>,
);

/// The headers, the `error` that they say, and the `scope`.
const CHALLENGES: &[Row] = &[
    (&[], None, None),
    (&[b""], None, None),
    (
        &[b"Negotiate", b"Bearer error=\"e\", scope=\"a\""],
        Some("e"),
        Some("a"),
    ),
    (
        &[b"Basic realm=\"x\", Bearer error=\"e\", scope=\"a\""],
        Some("e"),
        Some("a"),
    ),
    (
        &[b"DPoP algs=\"ES256\"", b"bearer error=\"e\",scope=\"a\""],
        Some("e"),
        Some("a"),
    ),
    (
        &[b"Bearer realm=\"caf\xe9\", error=\"e\", scope=\"a\""],
        Some("e"),
        Some("a"),
    ),
    (
        &[
            b"Basic realm=\"\xff\xfe\"",
            b"Bearer error=\"e\", scope=\"a\"",
        ],
        Some("e"),
        Some("a"),
    ),
    (
        &[b"Bearer realm=\"\xd0\xba\", error=\"e\""],
        Some("e"),
        None,
    ),
    (&[b"DPoP error=\"e\""], Some("e"), None),
    (&[b"Basic realm=\"x\""], None, None),
];

#[tokio::test]
async fn rfc9110_11_6_1_challenges_are_found_wherever_they_are() {
    for (line, forbidden) in [("401 Unauthorized", false), ("403 Forbidden", true)] {
        for (headers, error, scope) in CHALLENGES {
            let site = Site::plain(MOUNTS[0]).await;
            let meddler = Meddler::new(site.address, move |_, seen| match seen.calls("a") {
                true => refusal(line, headers),
                false => obliging(seen, &[]),
            })
            .await;
            let client = Client::new(meddler.url()).era(Era::Modern).bearer("alice");
            let session = soon(client.connect()).await.expect("obliged");
            let refused = soon(session.call_tool("a", json!({}))).await;
            let refused = refused.expect_err("refused");
            let case = format!("{line} {headers:?}: {refused:?}");
            assert_eq!(refused.is_forbidden(), forbidden, "{case}");
            assert_eq!(refused.is_unauthenticated(), !forbidden, "{case}");
            let challenge = refused.challenge();
            assert_eq!(
                challenge.and_then(propusk::Challenge::error),
                *error,
                "{case}"
            );
            let scopes = challenge.and_then(|challenge| challenge.parameter("scope"));
            assert_eq!(scopes, *scope, "{case}");
            // While connecting it is no different.
            let meddler = Meddler::new(site.address, move |_, _| refusal(line, headers)).await;
            for era in [Era::Auto, Era::Modern, Era::Legacy] {
                let client = Client::new(meddler.url()).era(era).bearer("alice");
                let refused = soon(client.connect()).await.expect_err("refused");
                let case = format!("{line} {headers:?} {era:?}: {refused:?}");
                assert_eq!(refused.is_forbidden(), forbidden, "{case}");
                let found = refused.challenge().and_then(propusk::Challenge::error);
                assert_eq!(found, *error, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_tells_what_was_sent_and_not_the_token() {
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    let token = |expires_at| Sent::Token {
        expires_at,
        bound: false,
    };
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let client = || Client::new(site.url());
        let dated = TokenProvider::new(move || async move {
            Ok(OutgoingToken::parse("hunter2")?.with_expires_at(Some(end)))
        });
        for (client, expected) in [
            (client(), Sent::Nothing),
            (client().bearer("hunter2"), token(None)),
            (client().tokens(dated), token(Some(end))),
        ] {
            let error = soon(client.connect()).await.expect_err("refused");
            assert_eq!(error.sent(), Some(expected), "{mount:?}: {error:?}");
            assert!(
                !format!("{error} {error:?}").contains("hunter2"),
                "{error:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_taken() {
    let site = Site::plain(MOUNTS[0]).await;
    let meddler = Meddler::new(site.address, |_, seen| {
        let body = |text: String| match seen.header("mcp-name") {
            Some("json") => ("application/json", text),
            Some("event") => ("text/event-stream", format!("id: 1\ndata: {text}\n\n")),
            _ => ("application/json", "x".repeat(10)),
        };
        match seen.header("mcp-name") {
            Some("json" | "event") => {
                let text = json!({"jsonrpc": "2.0", "id": 1, "result": {
                    "content": [{"type": "text", "text": "x".repeat(20_000)}]
                }});
                let (media_type, body) = body(text.to_string());
                crate::support::answer("200 OK", &[], media_type, &body)
            }
            // Somebody who asks for the rest of a stream gets the same again.
            _ if seen.method() == "GET" => {
                let event = format!("id: 1\ndata: {}\n\n", "x".repeat(20_000));
                crate::support::answer("200 OK", &[], "text/event-stream", &event)
            }
            _ => obliging(seen, &[]),
        }
    })
    .await;
    let settings = propusk::client::HttpSettings::default().longest_answer(10_000);
    for tool in ["json", "event"] {
        let client = Client::new(meddler.url()).era(Era::Modern).bearer("alice");
        let session = soon(client.http(settings.clone()).connect())
            .await
            .expect("obliged");
        let error = soon(session.call_tool(tool, json!({}))).await;
        let error = error.expect_err("too large");
        assert!(
            !error.is_unauthenticated() && !error.is_forbidden(),
            "{error:?}"
        );
        assert_eq!(meddler.calls(tool), 1);
    }
    assert!(meddler.seen().len() < 8, "{:?}", meddler.seen());
}
