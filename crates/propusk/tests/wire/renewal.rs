//! Settings and verifier are exchanged while sessions, streams and used proofs stay.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use propusk::{
    AccessToken, Admission, AuthSettings, BearerToken, FixedTokens, ScopePolicy, Unavailable,
    server::mount,
};
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{
    Holder, Mount, Site, Tools, Wire, call, called, in_session, initialize, legacy, modern, soon,
};

const ALICE: [(&str, &str); 1] = [("Authorization", "Bearer alice")];

fn settings(site: &Site) -> AuthSettings {
    let settings = AuthSettings::new(&site.url()).expect("a URL");
    settings.stream_recheck(Duration::from_millis(20))
}

fn tokens() -> FixedTokens {
    let alice = AccessToken::new("alice").with_issuer("https://a");
    let alice = alice.with_client_id("app").with_scope_claim("mcp");
    FixedTokens::new()
        .with("alice", alice)
        .with("carol", AccessToken::new("carol").with_scope_claim("new"))
}

async fn stream(site: &Site, session: &str, token: Option<&str>) -> Wire {
    let mut wire = Wire::connect(site.address).await;
    let get = legacy(session, "").line("GET /mcp");
    let get = match token {
        Some(token) => get.bearer(token),
        None => get,
    };
    wire.send(&get.bytes()).await;
    let head = wire.head().await;
    assert_eq!(head.status, 200, "{head:?}");
    wire
}

async fn to_the_end(wire: &mut Wire) {
    soon(async { while wire.chunk().await.is_some() {} }).await;
}

#[tokio::test]
async fn the_next_request_is_decided_by_what_is_new_and_the_session_is_the_same() {
    let site = Site::plain(Mount::Layer).await;
    let session = site.open(&ALICE).await.expect("a session");
    let mut wire = Wire::connect(site.address).await;
    let asks = |token: &str| legacy(&session, "whoami").bearer(token);
    wire.send(&asks("alice").bytes()).await;
    assert_eq!(called(&wire.reply().await), "alice");
    let layer = site.layer().expect("a layer");
    layer.renew(settings(&site), tokens());
    // The same connection, the same session.
    wire.send(&asks("alice").bytes()).await;
    assert_eq!(called(&wire.reply().await), "alice");
    assert_eq!(layer.open_sessions(), 1);
    assert_eq!(site.send(&call("whoami").bearer("bob")).await.status, 401);
    assert_eq!(
        called(&site.send(&call("whoami").bearer("carol")).await),
        "carol"
    );
    let narrow = settings(&site).require_scopes("new").expect("a scope");
    layer.renew(narrow, tokens());
    wire.send(&asks("alice").bytes()).await;
    assert_eq!(wire.reply().await.status, 403);
    assert_eq!(
        called(&site.send(&call("whoami").bearer("carol")).await),
        "carol"
    );
}

#[tokio::test]
async fn an_open_stream_is_looked_at_by_the_new_settings() {
    let site = Site::plain(Mount::Layer).await;
    let session = site.open(&ALICE).await.expect("a session");
    let mut open = stream(&site, &session, Some("alice")).await;
    let layer = site.layer().expect("a layer");
    // It was opened with an interval of a second, and goes on.
    layer.renew(settings(&site), tokens());
    let notified = site.send(&legacy(&session, "notify").bearer("alice")).await;
    assert_eq!(called(&notified), "notified");
    soon(async {
        while !String::from_utf8_lossy(&open.chunk().await.expect("it is open"))
            .contains("list_changed")
        {}
    })
    .await;
    let narrow = settings(&site).require_scopes("new").expect("a scope");
    layer.renew(narrow, tokens());
    to_the_end(&mut open).await;
    assert_eq!((layer.open_streams(), layer.open_sessions()), (0, 1));
}

#[tokio::test]
async fn a_stream_ends_whose_token_the_new_verifier_does_not_know() {
    let site = Site::plain(Mount::Layer).await;
    let session = site.open(&ALICE).await.expect("a session");
    let mut open = stream(&site, &session, Some("alice")).await;
    let layer = site.layer().expect("a layer");
    layer.renew(settings(&site), FixedTokens::new());
    to_the_end(&mut open).await;
}

#[tokio::test]
async fn a_stream_of_nobody_ends_where_nobody_is_admitted_any_more() {
    let site = Site::start(Mount::Layer, |s| s.admission(Admission::Optional)).await;
    let session = site.open(&[]).await.expect("a session");
    let mut open = stream(&site, &session, None).await;
    let layer = site.layer().expect("a layer");
    layer.renew(settings(&site).admission(Admission::Optional), tokens());
    assert_eq!(
        called(&site.send(&legacy(&session, "notify")).await),
        "notified"
    );
    soon(async {
        while !String::from_utf8_lossy(&open.chunk().await.expect("it is open"))
            .contains("list_changed")
        {}
    })
    .await;
    layer.renew(settings(&site), tokens());
    to_the_end(&mut open).await;
}

/// Otherwise whoever can make the server read its configuration again could use a proof twice.
#[tokio::test]
async fn rfc9449_11_1_a_used_proof_stays_used() {
    let site = Site::plain(Mount::Layer).await;
    let alice = Holder::new(&site, "alice");
    let request = alice.prove(call("whoami"));
    assert_eq!(called(&site.send(&request).await), "alice");
    let confirmation = propusk::Confirmation::Jkt(alice.signer.thumbprint().to_owned());
    let bound = AccessToken::new("alice").with_confirmation(confirmation);
    let tokens = FixedTokens::new().with(&alice.token, bound);
    site.layer()
        .expect("a layer")
        .renew(settings(&site), tokens);
    assert_eq!(site.send(&request).await.status, 401);
    assert_eq!(
        called(&site.send(&alice.prove(call("whoami"))).await),
        "alice"
    );
}

#[tokio::test]
async fn pages_of_an_origin_that_is_new_may_call_and_read() {
    let site = Site::plain(Mount::Layer).await;
    let from = |origin: &str| call("whoami").bearer("alice").header("Origin", origin);
    assert_eq!(site.send(&from("https://page.example")).await.status, 403);
    let renewed = settings(&site).allow_origin("https://page.example");
    site.layer()
        .expect("a layer")
        .renew(renewed.expect("an origin"), tokens());
    let reply = site.send(&from("https://page.example")).await;
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("https://page.example")
    );
    assert_eq!(called(&reply), "alice");
}

/// The guard's own check, in sessions that rmcp opened before.
#[tokio::test]
async fn the_guard_of_an_open_session_decides_by_the_new_settings() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let settings = || AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
    let config = StreamableHttpServerConfig::default();
    let (layer, service) = mount(Tools::default(), settings(), tokens(), config).expect("a key");
    let app = axum::Router::new()
        .nest_service("/mcp", service)
        .layer(layer.clone());
    let served = tokio::spawn(async move { axum::serve(listener, app).await });
    let send = async |request: crate::support::Request| {
        let mut wire = Wire::connect(address).await;
        wire.send(&request.bytes()).await;
        wire.reply().await
    };
    let opened = send(initialize().bearer("alice")).await;
    let session = opened
        .header("mcp-session-id")
        .expect("a session")
        .to_owned();
    let lists = || in_session(&session, "tools/list", &json!({})).bearer("alice");
    assert!(send(lists()).await.text().contains("whoami"));
    let policy = ScopePolicy::new().tool("whoami", "new").expect("a scope");
    layer.renew(settings().policy(policy), tokens());
    let listed = send(lists()).await.text();
    assert!(
        !listed.contains("whoami") && listed.contains("echo"),
        "{listed}"
    );
    let refused = send(legacy(&session, "whoami").bearer("alice")).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let listed = send(modern("tools/list", json!({})).bearer("carol")).await;
    assert!(listed.text().contains("whoami"), "{listed:?}");
    served.abort();
}

/// Alice may under the one, carol under the other configuration, and mallory under none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_renewals_under_load_let_nobody_in_who_may_not() {
    let site = Site::plain(Mount::Layer).await;
    let of = |name: &'static str| {
        let settings = settings(&site).require_scopes(name).expect("a scope");
        let verifier = move |token: BearerToken| {
            let known = token.expose_secret() == name || token.expose_secret() == "mallory";
            let scope = if token.expose_secret() == "mallory" {
                "none"
            } else {
                name
            };
            let caller = AccessToken::new(token.expose_secret()).with_scope_claim(scope);
            std::future::ready(Ok::<_, Unavailable>(known.then_some(caller)))
        };
        (settings, verifier)
    };
    let layer = site.layer().expect("a layer");
    let (settings, verifier) = of("alice");
    layer.renew(settings, verifier);
    let done = AtomicBool::new(false);
    // Answered as each of them is to be, so far.
    let seen = [(); 3].map(|()| AtomicUsize::new(0));
    let load = async |token: &'static str, seen: &AtomicUsize| {
        let mut wire = Wire::connect(site.address).await;
        while !done.load(Ordering::SeqCst) {
            wire.send(&call("whoami").bearer(token).bytes()).await;
            let reply = wire.reply().await;
            match reply.status {
                // Accepted, and then its stream ended with its token, by the configuration that came.
                200 if token != "mallory" && !reply.text().contains("data:") => continue,
                200 if token != "mallory" && called(&reply) == token => {}
                // Known to the verifier, and without the scope.
                403 if token == "mallory" => {}
                401 if token != "mallory" => continue,
                _ => panic!("{token}: {reply:?}"),
            }
            seen.fetch_add(1, Ordering::SeqCst);
        }
    };
    let renewals = async {
        let some = |seen: &AtomicUsize| seen.load(Ordering::SeqCst) > 0;
        let mut renewed = 0;
        while renewed < 100 || !seen.iter().all(some) {
            let own = ["carol", "alice"][renewed % 2];
            let (settings, verifier) = of(own);
            layer.renew(settings, verifier);
            renewed += 1;
            // What is asked after the exchange is decided by what is new.
            assert_eq!(called(&site.send(&call("whoami").bearer(own)).await), own);
        }
        done.store(true, Ordering::SeqCst);
    };
    let [alice, carol, mallory] = &seen;
    let loads = async {
        tokio::join!(
            load("alice", alice),
            load("carol", carol),
            load("mallory", mallory)
        )
    };
    soon(async { tokio::join!(loads, renewals) }).await;
}
