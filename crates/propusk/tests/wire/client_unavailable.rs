//! A server that cannot answer now is waited for, within limits; what it may have done already is
//! not asked for again.

use std::time::Duration;

use propusk::{
    Client,
    client::{ClientError, Era, ErrorKind, HttpSettings, Session},
};
use serde_json::json;

use crate::support::{Fate, MOUNTS, Meddler, Site, answer, obliging, soon, status};

type Connected = Session<rmcp::model::ClientConfig>;

async fn connected(meddler: &Meddler, settings: HttpSettings) -> Connected {
    let client = Client::new(meddler.url()).era(Era::Modern).bearer("alice");
    soon(client.http(settings).connect())
        .await
        .expect("obliged")
}

async fn call(session: &Connected) -> Result<(), ClientError> {
    soon(session.call_tool("a", json!({}))).await.map(drop)
}

/// A server that answers calls of `a` like this as often, and then obliges.
async fn failing(times: usize, fate: impl Fn() -> Fate + Send + Sync + 'static) -> Meddler {
    let site = Site::plain(MOUNTS[0]).await;
    let left = std::sync::Mutex::new(times);
    Meddler::new(site.address, move |_, seen| {
        let mut left = left.lock().unwrap();
        if seen.calls("a") && *left > 0 {
            *left -= 1;
            fate()
        } else {
            obliging(seen, &[])
        }
    })
    .await
}

#[tokio::test]
async fn rfc9110_10_2_3_retry_after_is_kept_to() {
    let date = "Fri, 31 Dec 1999 23:59:59 GMT";
    for (line, retry_after) in [
        ("503 Service Unavailable", Some("0")),
        ("503 Service Unavailable", Some("1")),
        ("503 Service Unavailable", Some(date)),
        ("503 Service Unavailable", None),
        ("503 Service Unavailable", Some("soon")),
        ("429 Too Many Requests", Some("0")),
    ] {
        let meddler = failing(1, move || match retry_after {
            Some(text) => status(line, &[("Retry-After", text)]),
            None => status(line, &[]),
        })
        .await;
        let session = connected(&meddler, HttpSettings::default()).await;
        let answered = call(&session).await;
        assert!(answered.is_ok(), "{line} {retry_after:?}: {answered:?}");
        assert_eq!(meddler.calls("a"), 2);
    }
}

/// rmcp reads the body of such an answer and forgets the header; our own server sends both.
#[tokio::test]
async fn a_503_with_a_json_rpc_error_is_a_503() {
    let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"cannot tell now"}}"#;
    let busy = |after: &'static str| {
        move || {
            let headers = [("Retry-After", after)];
            answer(
                "503 Service Unavailable",
                &headers,
                "application/json",
                body,
            )
        }
    };
    let meddler = failing(1, busy("0")).await;
    let session = connected(&meddler, HttpSettings::default()).await;
    call(&session).await.expect("after a moment");
    let meddler = failing(1, busy("3600")).await;
    let session = connected(&meddler, HttpSettings::default()).await;
    let error = call(&session).await.expect_err("too long");
    let expected = ErrorKind::Unavailable {
        status: 503,
        retry_after: Some(Duration::from_secs(3600)),
    };
    assert_eq!(error.kind(), &expected);
    assert_eq!(
        error.to_string(),
        "the server cannot answer now (503); it asks to wait 3600 s"
    );
    assert_eq!(meddler.calls("a"), 1);
}

#[tokio::test]
async fn waiting_has_its_limits() {
    let default = HttpSettings::default;
    let off = || default().retry_unavailable(0, Duration::ZERO);
    let once = || default().retry_unavailable(1, Duration::from_secs(30));
    for (settings, retry_after, expected) in [
        (default(), Some("0"), 4),
        (default(), None, 2),
        (default(), Some("31"), 1),
        (default(), Some("99999999999999999999999"), 1),
        (once(), Some("0"), 2),
        (off(), Some("0"), 1),
        (off(), None, 1),
    ] {
        let meddler = failing(usize::MAX, move || match retry_after {
            Some(text) => status("503 No", &[("Retry-After", text)]),
            None => status("503 No", &[]),
        })
        .await;
        let session = connected(&meddler, settings).await;
        let error = call(&session).await.expect_err("never");
        assert!(error.is_unavailable(), "{error:?}");
        assert_eq!(meddler.calls("a"), expected, "{retry_after:?}");
    }
}

#[tokio::test]
async fn a_request_that_may_have_been_processed_is_not_sent_again() {
    let fates: [fn() -> Fate; 5] = [
        || Fate::Break,
        || status("500 Internal Server Error", &[("Retry-After", "0")]),
        || status("502 Bad Gateway", &[]),
        || status("504 Gateway Timeout", &[]),
        // The answer breaks off.
        || {
            Fate::Answer(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
                    .to_vec(),
            )
        },
    ];
    for (index, fate) in fates.into_iter().enumerate() {
        let meddler = failing(1, fate).await;
        let session = connected(&meddler, HttpSettings::default()).await;
        let error = call(&session).await.expect_err("no answer");
        assert!(error.is_unavailable(), "{index}: {error:?}");
        assert_eq!(meddler.calls("a"), 1, "{index}");
    }
}

#[tokio::test]
async fn a_server_that_is_busy_while_connecting_is_waited_for() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for era in [Era::Auto, Era::Modern, Era::Legacy] {
            let meddler = Meddler::new(site.address, |count, _| match count {
                0 => status("503 Service Unavailable", &[("Retry-After", "0")]),
                _ => Fate::Pass,
            })
            .await;
            let client = Client::new(meddler.url()).era(era).bearer("alice");
            soon(client.connect()).await.expect("after a moment");
        }
    }
}

/// The whole of it: our own server while the identity provider is down.
#[tokio::test]
async fn an_outage_of_the_verifier_is_no_refusal() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let client = Client::new(site.url()).era(Era::Modern).bearer("alice");
        let off = HttpSettings::default().retry_unavailable(0, Duration::ZERO);
        let session = soon(client.http(off).connect()).await.expect("admitted");
        site.verifier_works(false);
        let error = soon(session.call_tool("whoami", json!({}))).await;
        let expected = ErrorKind::Unavailable {
            status: 503,
            retry_after: Some(Duration::from_secs(7)),
        };
        assert_eq!(error.expect_err("an outage").kind(), &expected, "{mount:?}");
        site.verifier_works(true);
        soon(session.call_tool("whoami", json!({})))
            .await
            .expect("over");
    }
}
