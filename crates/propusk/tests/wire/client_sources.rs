//! Where a client's tokens come from: a closure, and sources that do what they should not.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use propusk::{
    BearerToken, Client,
    client::{
        Era, ErrorKind, OutgoingToken, ProtectedServer, Reaction, RefusedRequest, TokenError,
        TokenErrorKind, TokenProvider, TokenSource,
    },
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Fate, MOUNTS, Meddler, Site, obliging, soon, status};

/// A closure that gives these tokens one after another, the last one for ever.
fn provider(tokens: &'static [&'static str]) -> (TokenProvider, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let provider = TokenProvider::new(move || {
        let index = count.fetch_add(1, Ordering::SeqCst).min(tokens.len() - 1);
        async move { Ok(tokens[index]) }
    });
    (provider, asked)
}

#[tokio::test]
async fn a_closure_is_asked_once_and_again_when_its_token_is_refused() {
    for mount in MOUNTS {
        for era in [Era::Auto, Era::Modern, Era::Legacy] {
            let site = Site::plain(mount).await;
            let (provider, asked) = provider(&["alice", "alice-refreshed"]);
            let client = Client::new(site.url()).era(era).tokens(provider);
            let session = soon(client.connect()).await.expect("admitted");
            for _ in 0..3 {
                let reply = soon(session.call_tool("scopes", json!({})))
                    .await
                    .expect("answered");
                assert_eq!(reply.content[0].as_text().expect("a text").text, "mcp");
            }
            assert_eq!(asked.load(Ordering::SeqCst), 1);
            site.revoke("alice");
            // A hundred at the same time find out, and one of them asks.
            let session = Arc::new(session);
            let mut calls = JoinSet::new();
            for _ in 0..100 {
                let session = Arc::clone(&session);
                calls.spawn(async move { session.call_tool("scopes", json!({})).await });
            }
            for reply in soon(calls.join_all()).await {
                let reply = reply.expect("answered");
                assert_eq!(
                    reply.content[0].as_text().expect("a text").text,
                    "mcp notes:write"
                );
            }
            assert_eq!(asked.load(Ordering::SeqCst), 2, "{mount:?} {era:?}");
        }
    }
}

#[tokio::test]
async fn a_token_that_has_ended_is_asked_for_again() {
    let site = Site::plain(MOUNTS[0]).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let provider = TokenProvider::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok(OutgoingToken::parse("alice")?.with_expires_at(Some(SystemTime::now()))) }
    });
    let client = Client::new(site.url()).era(Era::Modern).tokens(provider);
    let session = soon(client.connect()).await.expect("admitted");
    let before = asked.load(Ordering::SeqCst);
    for calls in 1..=3 {
        soon(session.call_tool("whoami", json!({})))
            .await
            .expect("answered");
        assert_eq!(asked.load(Ordering::SeqCst), before + calls);
    }
}

#[tokio::test]
async fn the_error_of_a_closure_is_shown_and_not_tried_again() {
    let site = Site::plain(MOUNTS[0]).await;
    let meddler = Meddler::new(site.address, |_, _| Fate::Pass).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let provider = TokenProvider::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { Err::<String, _>("the vault is sealed".into()) }
    });
    let error = soon(Client::new(meddler.url()).tokens(provider).connect()).await;
    let error = error.expect_err("no token");
    assert_eq!(
        error.kind(),
        &ErrorKind::NoToken(TokenErrorKind::Unavailable)
    );
    assert_eq!(
        error.to_string(),
        "no token could be obtained: the vault is sealed"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(meddler.seen().len(), 0, "nothing was sent");
    // What is no token is said so, and not shown.
    let provider = TokenProvider::new(|| async { Ok("two words") });
    let error = soon(Client::new(meddler.url()).tokens(provider).connect()).await;
    let error = error.expect_err("no token");
    assert!(
        !format!("{error} {error:?}").contains("two words"),
        "{error:?}"
    );
    assert_eq!(meddler.seen().len(), 0, "nothing was sent");
}

/// A source that has always something else to say.
#[derive(Clone, Default)]
struct Insistent {
    /// Gives another token each time, or the same.
    fresh: bool,
    declines: bool,
    given: Arc<AtomicUsize>,
    refusals: Arc<Mutex<Vec<String>>>,
}

impl Insistent {
    fn refusals(&self) -> usize {
        self.refusals.lock().unwrap().len()
    }
}

impl TokenSource for Insistent {
    async fn token(&self, _: &ProtectedServer) -> Result<Option<OutgoingToken>, TokenError> {
        let text = format!("token-{}", self.given.load(Ordering::SeqCst));
        let token = BearerToken::parse(&text).expect("a token");
        Ok(Some(OutgoingToken::new(token)))
    }

    async fn on_challenge(
        &self,
        _: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Reaction, TokenError> {
        let what = format!("{} {}", refused.status(), refused.operation());
        self.refusals.lock().unwrap().push(what);
        if self.declines {
            return Err(TokenError::new(
                TokenErrorKind::Declined,
                "the user said no",
            ));
        }
        if self.fresh {
            self.given.fetch_add(1, Ordering::SeqCst);
        }
        Ok(Reaction::Retry)
    }
}

/// A server that admits everybody, and refuses this tool with this status.
async fn refusing(tool: &'static str, line: &'static str) -> Meddler {
    let site = Site::plain(MOUNTS[0]).await;
    Meddler::new(site.address, move |_, seen| {
        if seen.calls(tool) {
            let challenge = r#"Bearer error="insufficient_scope", scope="more""#;
            status(line, &[("WWW-Authenticate", challenge)])
        } else {
            obliging(seen, &[])
        }
    })
    .await
}

#[tokio::test]
async fn a_source_that_has_nothing_new_is_not_believed() {
    for line in ["401 Unauthorized", "403 Forbidden"] {
        let meddler = refusing("a", line).await;
        let source = Insistent::default();
        let client = Client::new(meddler.url())
            .era(Era::Modern)
            .tokens(source.clone());
        let session = soon(client.connect()).await.expect("obliged");
        soon(session.call_tool("a", json!({})))
            .await
            .expect_err("refused");
        assert_eq!(meddler.calls("a"), 1, "{line}");
        assert_eq!(source.refusals(), 1, "{line}");
    }
}

#[tokio::test]
async fn rfc6750_3_1_a_401_is_tried_again_once() {
    let meddler = refusing("a", "401 Unauthorized").await;
    let source = Insistent {
        fresh: true,
        ..Insistent::default()
    };
    let client = Client::new(meddler.url())
        .era(Era::Modern)
        .tokens(source.clone());
    let session = soon(client.connect()).await.expect("obliged");
    let error = soon(session.call_tool("a", json!({})))
        .await
        .expect_err("refused");
    assert!(error.is_unauthenticated(), "{error:?}");
    assert_eq!(meddler.calls("a"), 2);
    assert_eq!(source.refusals(), 1);
    // Another token did not help a moment ago.
    soon(session.call_tool("a", json!({})))
        .await
        .expect_err("refused");
    assert_eq!((meddler.calls("a"), source.refusals()), (3, 1));
    // Where one is admitted, it may help again.
    soon(session.call_tool("b", json!({})))
        .await
        .expect("obliged");
    soon(session.call_tool("a", json!({})))
        .await
        .expect_err("refused");
    assert_eq!((meddler.calls("a"), source.refusals()), (5, 2));
}

#[tokio::test]
async fn an_endless_403_does_not_start_sign_ins_again_and_again() {
    let meddler = refusing("a", "403 Forbidden").await;
    let source = Insistent {
        fresh: true,
        ..Insistent::default()
    };
    let client = Client::new(meddler.url())
        .era(Era::Modern)
        .tokens(source.clone());
    let session = soon(client.connect()).await.expect("obliged");
    let error = soon(session.call_tool("a", json!({})))
        .await
        .expect_err("refused");
    assert!(error.is_forbidden(), "{error:?}");
    assert_eq!((meddler.calls("a"), source.refusals()), (3, 2));
    for calls in 4..8 {
        soon(session.call_tool("b", json!({})))
            .await
            .expect("obliged");
        soon(session.call_tool("a", json!({})))
            .await
            .expect_err("refused");
        assert_eq!((meddler.calls("a"), source.refusals()), (calls, 2));
    }
    let refusals = source.refusals.lock().unwrap().clone();
    assert_eq!(refusals, ["403 tools/call:a"; 2]);
}

#[tokio::test]
async fn a_user_who_said_no_is_not_asked_at_once_again() {
    let meddler = refusing("a", "403 Forbidden").await;
    let source = Insistent {
        declines: true,
        ..Insistent::default()
    };
    let client = Client::new(meddler.url())
        .era(Era::Modern)
        .tokens(source.clone());
    let session = soon(client.connect()).await.expect("obliged");
    let error = soon(session.call_tool("a", json!({})))
        .await
        .expect_err("declined");
    assert_eq!(error.kind(), &ErrorKind::NoToken(TokenErrorKind::Declined));
    assert_eq!(error.to_string(), "the user said no");
    let error = soon(session.call_tool("a", json!({})))
        .await
        .expect_err("refused");
    assert!(error.is_forbidden(), "{error:?}");
    assert_eq!(source.refusals(), 1);
}

/// While a client connects, rmcp's time limits run; the source has all the time it needs.
#[tokio::test]
async fn a_refusal_while_connecting_is_got_over_too() {
    for mount in MOUNTS {
        for era in [Era::Auto, Era::Modern, Era::Legacy] {
            let site = Site::plain(mount).await;
            let (provider, asked) = provider(&["unknown", "alice"]);
            let client = Client::new(site.url()).era(era).tokens(provider);
            let session = soon(client.connect()).await.expect("admitted");
            soon(session.call_tool("whoami", json!({})))
                .await
                .expect("answered");
            assert_eq!(asked.load(Ordering::SeqCst), 2, "{mount:?} {era:?}");
            let source = Insistent {
                fresh: true,
                ..Insistent::default()
            };
            let client = Client::new(site.url()).era(era).tokens(source.clone());
            let error = soon(client.connect()).await.expect_err("never a good one");
            assert!(error.is_unauthenticated(), "{error:?}");
            assert_eq!(source.refusals(), 1, "{mount:?} {era:?}");
        }
    }
}

#[tokio::test]
async fn no_source_sends_a_token_over_plain_http_to_another_machine() {
    let (provider, asked) = provider(&["alice"]);
    let client = Client::new("http://192.0.2.1/mcp").tokens(provider);
    let error = soon(client.connect()).await.expect_err("in the clear");
    assert_eq!(error.kind(), &ErrorKind::InsecureUrl);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
