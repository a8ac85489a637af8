//! A stream ends with its token, and its client goes on with the next one.

use std::time::{Duration, SystemTime};

use propusk::ScopePolicy;
use serde_json::json;

use crate::support::{
    Keeping, MOUNTS, Mount, Request, Site, Wire, call, called, legacy, modern, soon,
};

const ALICE: [(&str, &str); 1] = [("Authorization", "Bearer alice")];
const BOB: [(&str, &str); 1] = [("Authorization", "Bearer bob")];

/// How often the tests have tokens verified again.
const OFTEN: Duration = Duration::from_millis(20);

async fn site(mount: Mount) -> Site {
    Site::start(mount, |settings| settings.stream_recheck(OFTEN)).await
}

/// The stream of a session, opened.
async fn stream(site: &Site, session: &str, token: &str) -> Wire {
    let mut wire = Wire::connect(site.address).await;
    let get = legacy(session, "").line("GET /mcp").bearer(token);
    wire.send(&get.bytes()).await;
    let head = wire.head().await;
    assert_eq!(head.status, 200, "{head:?}");
    wire
}

/// Reads events until one contains this text.
async fn until(wire: &mut Wire, text: &str) -> String {
    soon(async {
        loop {
            let chunk = wire.chunk().await;
            let chunk = chunk.unwrap_or_else(|| panic!("the stream ended before {text}"));
            let chunk = String::from_utf8_lossy(&chunk).into_owned();
            if chunk.contains(text) {
                return chunk;
            }
        }
    })
    .await
}

/// Reads to the proper end; a connection that just breaks panics in there, and pings do not keep
/// this going for ever.
async fn to_the_end(wire: &mut Wire) -> String {
    let mut all = String::new();
    soon(async {
        while let Some(chunk) = wire.chunk().await {
            all.push_str(&String::from_utf8_lossy(&chunk));
        }
    })
    .await;
    all
}

/// Waits until the verifier has been asked about this token a few times more.
async fn asked_again(site: &Site, token: &str) {
    let before = site.verified_of(token);
    soon(async {
        while site.verified_of(token) < before + 4 {
            tokio::time::sleep(OFTEN / 4).await;
        }
    })
    .await;
}

fn until_millis(left: Duration) -> String {
    let end = SystemTime::now() + left;
    let since = end
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    format!("until-{}", since.as_millis())
}

#[tokio::test]
async fn a_revoked_token_takes_its_streams_with_it_and_no_others() {
    for mount in MOUNTS {
        let site = site(mount).await;
        let (hers, his) = (
            site.open(&ALICE).await.expect("open"),
            site.open(&BOB).await.expect("open"),
        );
        let mut of_alice = [
            stream(&site, &hers, "alice").await,
            stream(&site, &hers, "alice").await,
        ];
        let mut refreshed = stream(&site, &hers, "alice-refreshed").await;
        let mut of_bob = stream(&site, &his, "bob").await;
        site.revoke("alice");
        for wire in &mut of_alice {
            to_the_end(wire).await;
        }
        asked_again(&site, "bob").await;
        asked_again(&site, "alice-refreshed").await;
        if let Some(layer) = site.layer() {
            assert_eq!(layer.open_streams(), 2, "those of the other tokens");
        }
        for (token, wire) in [("alice-refreshed", &mut refreshed), ("bob", &mut of_bob)] {
            site.revoke(token);
            to_the_end(wire).await;
        }
        if let Some(layer) = site.layer() {
            assert_eq!((layer.open_streams(), layer.open_sessions()), (0, 2));
        }
    }
}

/// The newer era: an answer of several messages, and a subscription.
#[tokio::test]
async fn a_subscription_ends_with_its_token_and_its_handler_stops() {
    for mount in MOUNTS {
        let keeping = Keeping::default();
        let settings = |settings: propusk::AuthSettings| settings.stream_recheck(OFTEN);
        let site = Site::start_handler(mount, keeping.clone(), settings, |server| server).await;
        let mut wire = listen(&site, "alice", "memo://a").await;
        keeping.came.wait().await;
        site.revoke("alice");
        let rest = to_the_end(&mut wire).await;
        assert!(
            !rest.contains("result"),
            "{mount:?}: cut, not completed: {rest}"
        );
        keeping.went.wait().await;
        let again = site.send(&subscription("memo://a").bearer("alice")).await;
        assert_eq!(again.status, 401, "{mount:?}");
    }
}

fn subscription(uri: &str) -> Request {
    let wanted = json!({"resourceSubscriptions": [uri], "toolsListChanged": true});
    modern("subscriptions/listen", json!({"notifications": wanted}))
}

async fn listen(site: &Site, token: &str, uri: &str) -> Wire {
    let mut wire = Wire::connect(site.address).await;
    wire.send(&subscription(uri).bearer(token).bytes()).await;
    let head = wire.head().await;
    assert_eq!(head.status, 200, "{head:?}");
    until(&mut wire, "acknowledged").await;
    wire
}

/// The token is still good; what one of its streams is for, it no longer covers.
#[tokio::test]
async fn a_stream_ends_when_its_token_loses_the_scope_of_its_operation() {
    for mount in MOUNTS {
        let keeping = Keeping::default();
        let settings = |settings: propusk::AuthSettings| {
            let policy = ScopePolicy::new().resource("memo://locked", "notes:write");
            let settings = settings.policy(policy.expect("scopes"));
            settings.stream_recheck(OFTEN)
        };
        let site = Site::start_handler(mount, keeping.clone(), settings, |server| server).await;
        let mut locked = listen(&site, "alice-refreshed", "memo://locked").await;
        let mut free = listen(&site, "alice-refreshed", "memo://free").await;
        asked_again(&site, "alice-refreshed").await;
        if let Some(layer) = site.layer() {
            assert_eq!(layer.open_streams(), 2, "nothing has changed");
        }
        site.narrow();
        to_the_end(&mut locked).await;
        asked_again(&site, "alice-refreshed").await;
        if let Some(layer) = site.layer() {
            assert_eq!(layer.open_streams(), 1, "the other one needs no such scope");
        }
        site.revoke("alice-refreshed");
        to_the_end(&mut free).await;
    }
}

#[tokio::test]
async fn what_one_listens_to_reaches_nobody_else() {
    for mount in MOUNTS {
        let keeping = Keeping::default();
        let site = Site::start_handler(mount, keeping.clone(), |s| s, |server| server).await;
        let mut of_alice = listen(&site, "alice", "memo://a").await;
        keeping.came.wait().await;
        let mut of_bob = listen(&site, "bob", "memo://b").await;
        keeping.came.wait().await;
        // Both have the same JSON-RPC id; each notification goes through the sink of one listener.
        let sinks = keeping.listeners.lock().unwrap().clone();
        let sink_of = |who: &str| {
            sinks
                .iter()
                .find(|(caller, _)| caller == who)
                .expect("listens")
                .1
                .clone()
        };
        for (who, uri) in [("alice", "memo://a"), ("bob", "memo://b")] {
            sink_of(who)
                .notify_resource_updated(uri)
                .await
                .expect("accepted");
            sink_of(who)
                .notify_tool_list_changed()
                .await
                .expect("accepted");
        }
        for (wire, own, foreign) in [
            (&mut of_alice, "memo://a", "memo://b"),
            (&mut of_bob, "memo://b", "memo://a"),
        ] {
            let first = until(wire, "notifications/resources/updated").await;
            assert!(
                first.contains(own) && !first.contains(foreign),
                "{mount:?}: {first}"
            );
            let second = until(wire, "notifications/").await;
            assert!(second.contains("tools/list_changed"), "{mount:?}: {second}");
        }
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    // Nobody asks the verifier in time: the expiry is known.
    let day = Duration::from_secs(24 * 60 * 60);
    let site = Site::start(Mount::Server, |settings| settings.stream_recheck(day)).await;
    let token = until_millis(Duration::from_millis(1_500));
    let headers = [("Authorization", &*format!("Bearer {token}"))];
    let session = site.open(&headers).await.expect("a session");
    // One that lives longer is there first, so that the watch must be told of the sooner end.
    let _long = stream(&site, &session, "alice").await;
    let mut short = stream(&site, &session, &token).await;
    to_the_end(&mut short).await;
    let reply = site.send(&legacy(&session, "whoami").bearer(&token)).await;
    assert_eq!(reply.status, 401, "it ended no sooner than the token");
    let reply = site.send(&legacy(&session, "whoami").bearer("alice")).await;
    assert_eq!(called(&reply), "alice", "the session goes on");
}

#[tokio::test]
async fn the_expiry_is_told_by_the_layers_clock() {
    let site = site(Mount::Layer).await;
    let session = site.open(&ALICE).await.expect("a session");
    let mut wire = stream(&site, &session, "timed").await;
    asked_again(&site, "timed").await;
    let layer = site.layer().expect("this mount");
    assert_eq!(layer.open_streams(), 1);
    site.a_second_passes();
    to_the_end(&mut wire).await;
}

#[tokio::test]
async fn an_outage_of_the_verifier_ends_no_stream_before_its_token() {
    for mount in MOUNTS {
        let keeping = Keeping::default();
        let settings = |settings: propusk::AuthSettings| settings.stream_recheck(OFTEN);
        let site = Site::start_handler(mount, keeping.clone(), settings, |server| server).await;
        let mut wire = listen(&site, "alice", "memo://a").await;
        keeping.came.wait().await;
        site.verifier_works(false);
        asked_again(&site, "alice").await;
        let sink = keeping.listeners.lock().unwrap()[0].1.clone();
        sink.notify_tool_list_changed().await.expect("accepted");
        until(&mut wire, "tools/list_changed").await;
        site.verifier_works(true);
        asked_again(&site, "alice").await;
        sink.notify_tool_list_changed().await.expect("accepted");
        until(&mut wire, "tools/list_changed").await;
    }
    let site = site(Mount::Layer).await;
    let session = site.open(&ALICE).await.expect("a session");
    let mut wire = stream(&site, &session, "timed").await;
    site.verifier_works(false);
    asked_again(&site, "timed").await;
    site.a_second_passes();
    to_the_end(&mut wire).await;
}

/// The cost is that of the tokens, not of the streams.
#[tokio::test]
async fn a_token_is_verified_again_once_however_many_streams_hang_on_it() {
    for mount in MOUNTS {
        let site = site(mount).await;
        let (hers, his) = (
            site.open(&ALICE).await.expect("open"),
            site.open(&BOB).await.expect("open"),
        );
        let mut open = vec![stream(&site, &his, "bob").await];
        for _ in 0..20 {
            open.push(stream(&site, &hers, "alice").await);
        }
        let before = (site.verified_of("alice"), site.verified_of("bob"));
        soon(async {
            while site.verified_of("bob") < before.1 + 10 {
                tokio::time::sleep(OFTEN / 4).await;
            }
        })
        .await;
        let (alice, bob) = (
            site.verified_of("alice") - before.0,
            site.verified_of("bob") - before.1,
        );
        assert!(alice.abs_diff(bob) <= 2, "{mount:?}: {alice} and {bob}");
        drop(open);
    }
}

/// 2025-11-25: the stream of a call is cut, and the answer comes on the stream that resumes it.
#[tokio::test]
async fn a_call_that_was_cut_off_is_resumed_under_the_refreshed_token() {
    for mount in MOUNTS {
        let site = site(mount).await;
        let session = site.open(&ALICE).await.expect("a session");
        let mut cut = Wire::connect(site.address).await;
        cut.send(&legacy(&session, "slow").bearer("alice").bytes())
            .await;
        assert_eq!(cut.head().await.status, 200);
        let primed = until(&mut cut, "id:").await;
        let id = primed
            .lines()
            .find_map(|line| line.strip_prefix("id:"))
            .expect("an id")
            .trim()
            .to_owned();
        site.tools.entered.acquire().await.expect("open").forget();
        site.revoke("alice");
        assert!(!to_the_end(&mut cut).await.contains("done"), "{mount:?}");
        let resume = legacy(&session, "")
            .line("GET /mcp")
            .header("Last-Event-ID", &id);
        for (token, status) in [("alice", 401), ("bob", 404)] {
            let refused = site.send(&resume.clone().bearer(token)).await;
            assert_eq!(refused.status, status, "{mount:?} {token}");
        }
        let mut resumed = Wire::connect(site.address).await;
        resumed
            .send(&resume.bearer("alice-refreshed").bytes())
            .await;
        assert_eq!(resumed.head().await.status, 200, "{mount:?}");
        site.tools.released.add_permits(1);
        until(&mut resumed, "done").await;
    }
}

/// What came while nobody listened is replayed to the same principal.
#[tokio::test]
async fn the_stream_of_a_session_goes_on_under_the_refreshed_token() {
    for mount in MOUNTS {
        let site = site(mount).await;
        let session = site.open(&ALICE).await.expect("a session");
        let mut cut = stream(&site, &session, "alice").await;
        let notify = |token: &str| legacy(&session, "notify").bearer(token);
        assert_eq!(called(&site.send(&notify("alice")).await), "notified");
        let seen = until(&mut cut, "list_changed").await;
        let id = seen
            .lines()
            .find_map(|line| line.strip_prefix("id:"))
            .expect("an id")
            .trim()
            .to_owned();
        site.revoke("alice");
        to_the_end(&mut cut).await;
        assert_eq!(
            called(&site.send(&notify("alice-refreshed")).await),
            "notified"
        );
        let resume = legacy(&session, "")
            .line("GET /mcp")
            .header("Last-Event-ID", &id);
        let mut resumed = Wire::connect(site.address).await;
        resumed
            .send(&resume.bearer("alice-refreshed").bytes())
            .await;
        assert_eq!(resumed.head().await.status, 200, "{mount:?}");
        until(&mut resumed, "list_changed").await;
    }
}

/// An answer in one piece ends with what was asked for; it is no stream.
#[tokio::test]
async fn a_long_plain_answer_is_not_cut() {
    let site = site(Mount::Server).await;
    let session = site.open(&BOB).await.expect("a session");
    let _watched = stream(&site, &session, "bob").await;
    let mut wire = Wire::connect(site.address).await;
    wire.send(&call("slow").bearer("alice").bytes()).await;
    site.tools.entered.acquire().await.expect("open").forget();
    site.revoke("alice");
    asked_again(&site, "bob").await;
    site.tools.released.add_permits(1);
    assert_eq!(called(&wire.reply().await), "done");
}
