//! Tokens that are bound to a key of the client (DPoP, RFC 9449), against our own server and against
//! ones that misbehave.

use std::{collections::HashSet, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use propusk::{
    AuthSettings, Client, DpopPolicy,
    client::{
        ClientError, DpopKey, Era, ErrorKind, OutgoingToken, Sent, TokenErrorKind, TokenProvider,
    },
};
use serde_json::{Value, json};

use crate::support::{Fate, MOUNTS, Meddler, Mount, Seen, Site, obliging, soon, status};

const ERAS: [Era; 3] = [Era::Auto, Era::Modern, Era::Legacy];

fn key() -> DpopKey {
    DpopKey::generate().expect("a key")
}

/// A token of `alice` that is bound to this key.
fn bound(key: &DpopKey) -> String {
    format!("bound.alice.{}", key.thumbprint())
}

async fn site(mount: Mount, nonces: bool) -> Site {
    let settings = |settings: AuthSettings| settings.dpop(DpopPolicy::Required).dpop_nonces(nonces);
    let site = Site::start(mount, settings).await;
    if mount == Mount::Layer {
        // Its clock stands still elsewhere, and proofs are made now.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        site.seconds_pass(now.expect("after 1970").as_secs() - site.seconds());
    }
    site
}

async fn whoami(client: Client) -> Result<String, ClientError> {
    soon(async {
        let session = client.connect().await?;
        let reply = session.call_tool("whoami", json!({})).await?;
        session.list_tools().await?;
        session.close().await;
        Ok(reply.content[0].as_text().expect("a text").text.clone())
    })
    .await
}

/// The claims of the proof of a request.
fn proof(seen: &Seen) -> Value {
    let proof = seen.header("dpop").expect("a proof");
    let claims = proof.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    serde_json::from_slice(&claims).expect("JSON")
}

fn lacks_nonce(nonce: &str) -> Fate {
    let challenge = r#"DPoP error="use_dpop_nonce", algs="ES256""#;
    status(
        "401 Unauthorized",
        &[("WWW-Authenticate", challenge), ("DPoP-Nonce", nonce)],
    )
}

#[tokio::test]
async fn rfc9449_7_1_a_bound_token_goes_out_with_a_proof() {
    for mount in MOUNTS {
        for nonces in [false, true] {
            let site = site(mount, nonces).await;
            for era in ERAS {
                let key = key();
                let token = bound(&key);
                let client = Client::new(site.url()).era(era).dpop(key).bearer(token);
                let answer = whoami(client).await;
                assert_eq!(
                    answer.expect("admitted"),
                    "alice",
                    "{mount:?} {nonces} {era:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_request_has_a_proof_of_its_own() {
    let site = site(Mount::Server, false).await;
    for era in [Era::Modern, Era::Legacy] {
        let meddler = Meddler::new(site.address, |_, _| Fate::Pass).await;
        let key = key();
        let token = bound(&key);
        // The URL that the server knows is that of the site; the proof says the one that is used.
        let client = Client::new(meddler.url()).era(era).dpop(key).bearer(&token);
        let error = whoami(client)
            .await
            .expect_err("another URL than the server's own");
        assert!(error.is_unauthenticated(), "{era:?}: {error:?}");
        let seen = meddler.seen();
        let first = &seen[0];
        assert_eq!(
            first.header("authorization"),
            Some(&*format!("DPoP {token}"))
        );
        assert_eq!(proof(first)["htm"], first.method());
        assert_eq!(proof(first)["htu"], meddler.url());
        let ids: HashSet<String> = seen
            .iter()
            .map(|seen| proof(seen)["jti"].to_string())
            .collect();
        assert_eq!(ids.len(), seen.len());
    }
}

/// A nonce may come with a refusal and with any other answer; the newest one counts.
#[tokio::test]
async fn rfc9449_8_2_nonces_are_remembered_and_replaced() {
    let site = Site::plain(Mount::Server).await;
    let meddler = Meddler::new(site.address, |count, seen| match count {
        0 => lacks_nonce("one"),
        2 => obliging(seen, &[("DPoP-Nonce", "two")]),
        4 => lacks_nonce("three"),
        _ => obliging(seen, &[]),
    })
    .await;
    let key = key();
    let client = Client::new(meddler.url())
        .era(Era::Modern)
        .dpop(key.clone());
    let session = soon(client.bearer(bound(&key)).connect())
        .await
        .expect("obliged");
    for _ in 0..4 {
        soon(session.call_tool("a", json!({})))
            .await
            .expect("obliged");
    }
    let seen = meddler.seen();
    let nonces: Vec<_> = seen
        .iter()
        .map(|seen| proof(seen)["nonce"].clone())
        .collect();
    let expected = json!([null, "one", "one", "two", "two", "three", "three"]);
    assert_eq!(Value::from(nonces), expected);
}

#[tokio::test]
async fn with_a_nonce_known_no_request_is_sent_twice() {
    let site = site(Mount::Server, true).await;
    let key = key();
    let client = Client::new(site.url())
        .era(Era::Modern)
        .dpop(key.clone())
        .bearer(bound(&key));
    let session = soon(client.clone().connect()).await.expect("admitted");
    let first = key.nonce(&site.url()).expect("it has been told");
    for _ in 0..5 {
        soon(session.call_tool("whoami", json!({})))
            .await
            .expect("answered");
    }
    // One to discover, five calls: the first try without a nonce was no verification.
    assert_eq!(site.verified(), 6);
    assert_eq!(key.nonce(&site.url()), Some(first));
    // Another connection with the same key knows it too.
    soon(client.connect()).await.expect("admitted");
    assert_eq!(site.verified(), 7);
}

#[tokio::test]
async fn a_server_that_always_wants_another_nonce_is_left() {
    let site = Site::plain(Mount::Server).await;
    for (fresh, expected) in [(true, 3), (false, 2)] {
        let meddler = Meddler::new(site.address, move |count, _| {
            lacks_nonce(&if fresh {
                format!("n{count}")
            } else {
                "same".to_owned()
            })
        })
        .await;
        let key = key();
        let client = Client::new(meddler.url())
            .dpop(key.clone())
            .bearer(bound(&key));
        let error = soon(client.connect()).await.expect_err("never content");
        assert!(error.is_unauthenticated(), "{error:?}");
        let challenge = error.challenge().expect("a challenge");
        assert_eq!(challenge.error(), Some("use_dpop_nonce"));
        assert_eq!(meddler.seen().len(), expected, "{fresh}");
    }
}

#[tokio::test]
async fn a_nonce_that_is_none_is_not_sent_back() {
    let site = Site::plain(Mount::Server).await;
    let long = "x".repeat(2_000);
    for nonce in ["", "a b", "\"", &long] {
        let nonce = nonce.to_owned();
        let meddler = Meddler::new(site.address, move |_, _| lacks_nonce(&nonce)).await;
        let key = key();
        let client = Client::new(meddler.url())
            .dpop(key.clone())
            .bearer(bound(&key));
        let error = soon(client.connect()).await.expect_err("refused");
        assert!(error.is_unauthenticated(), "{error:?}");
        assert_eq!(meddler.seen().len(), 1);
        assert_eq!(key.nonce(&meddler.url()), None);
    }
}

#[tokio::test]
async fn the_key_of_somebody_else_does_not_do() {
    for mount in MOUNTS {
        let site = site(mount, true).await;
        let client = Client::new(site.url()).dpop(key()).bearer(bound(&key()));
        let error = whoami(client).await.expect_err("another key");
        assert!(error.is_unauthenticated(), "{mount:?}: {error:?}");
        let sent = Sent::Token {
            expires_at: None,
            bound: true,
        };
        assert_eq!(error.sent(), Some(sent));
        assert!(error.challenge().is_some_and(propusk::Challenge::is_dpop));
    }
}

/// A source decides for each token: by its own key, by the client's, or as a plain bearer token.
#[tokio::test]
async fn a_source_says_how_its_token_goes_out() {
    let site = Site::plain(Mount::Server).await;
    let (own, clients) = (key(), key());
    let with = |token: OutgoingToken| {
        TokenProvider::new(move || {
            let token = token.clone();
            async move { Ok(token) }
        })
    };
    let of = |text: &str| OutgoingToken::parse(text).expect("a token");
    let table = [
        (of("alice").bound_to_key(false), true),
        (of(&bound(&clients)), true),
        (of(&bound(&clients)).bound_to_key(true), true),
        (of(&bound(&own)).with_key(own.clone()), true),
        (of(&bound(&clients)).with_key(own.clone()), false),
        (of(&bound(&clients)).bound_to_key(false), false),
    ];
    for (token, expected) in table {
        let shown = format!("{token:?}");
        let client = Client::new(site.url())
            .dpop(clients.clone())
            .tokens(with(token));
        let answer = whoami(client).await;
        assert_eq!(answer.is_ok(), expected, "{shown}: {answer:?}");
    }
}

#[tokio::test]
async fn a_bound_token_without_its_key_is_not_sent() {
    let site = Site::plain(Mount::Server).await;
    let meddler = Meddler::new(site.address, |_, _| Fate::Pass).await;
    let source =
        TokenProvider::new(|| async { Ok(OutgoingToken::parse("alice")?.bound_to_key(true)) });
    let connected = soon(Client::new(meddler.url()).tokens(source).connect()).await;
    let error = connected.expect_err("no key");
    let misconfigured = ErrorKind::NoToken(TokenErrorKind::Misconfigured);
    assert_eq!(error.kind(), &misconfigured);
    assert!(error.to_string().contains("Client::dpop"), "{error}");
    assert_eq!(meddler.seen().len(), 0);
}
