//! `GET {endpoint}/caller` tells a caller who it is, by the rules of the endpoint itself.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use propusk::{AccessToken, Admission, AuthLayer, AuthSettings, FixedTokens, ScopePolicy, server};
use serde_json::json;
use tokio::{net::TcpListener, sync::oneshot};

use crate::support::{Mount, Reply, Request, Site, Wire, called, encoded};

const OFTEN: Duration = Duration::from_millis(20);

async fn site(settings: impl FnOnce(AuthSettings) -> AuthSettings) -> Site {
    Site::start(Mount::Server, |own| settings(own).stream_recheck(OFTEN)).await
}

fn ask() -> Request {
    Request::new("GET /mcp/caller")
}

fn ask_for_events() -> Request {
    ask().header("Accept", "text/event-stream")
}

/// Opens the stream and reads its event.
async fn listen(address: SocketAddr, token: &str) -> (Wire, serde_json::Value) {
    let mut wire = Wire::connect(address).await;
    wire.send(&ask_for_events().bearer(token).bytes()).await;
    let head = wire.head().await;
    assert_eq!(head.status, 200, "{head:?}");
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("cache-control"), Some("no-store"));
    let event = wire.chunk().await.expect("an event");
    let event = String::from_utf8(event).expect("UTF-8");
    let data = event
        .strip_prefix("event: caller\ndata: ")
        .and_then(|rest| rest.strip_suffix("\n\n"))
        .unwrap_or_else(|| panic!("another event: {event:?}"));
    (wire, serde_json::from_str(data).expect("JSON"))
}

/// Waits for the proper end.
async fn ends(wire: &mut Wire) {
    while let Some(comment) = wire.chunk().await {
        assert_eq!(comment, b":\n\n");
    }
}

fn told(reply: &Reply) -> serde_json::Value {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{reply:?}");
    reply.json()
}

#[tokio::test]
async fn a_caller_is_told_who_it_is_here() {
    let site = site(|settings| settings).await;
    let alice = json!({
        "anonymous": false, "subject": "alice", "issuer": "https://a", "client_id": "app",
        "scopes": ["mcp", "notes:write"], "audience": [], "expires_at": null,
    });
    let reply = site.send(&ask().bearer("alice-refreshed")).await;
    assert_eq!(told(&reply), alice);
    let keys = reply.text();
    assert!(
        keys.starts_with(r#"{"anonymous":false,"subject":"alice","#),
        "{keys}"
    );
    let bob = told(&site.send(&ask().bearer("bob")).await);
    assert_eq!(
        (&bob["issuer"], &bob["client_id"]),
        (&json!(null), &json!(null))
    );
    let later = SystemTime::now() + Duration::from_secs(100);
    let later = later.duration_since(UNIX_EPOCH).expect("after 1970");
    let timed = format!("until-{}", later.as_millis());
    let timed = told(&site.send(&ask().bearer(&timed)).await);
    assert_eq!(timed["expires_at"], later.as_secs());
    let (_, event) = listen(site.address, "alice-refreshed").await;
    assert_eq!(event, alice);
}

/// A JWT is signed and not sealed: its bearer can read it anyway.
#[tokio::test]
async fn claims_are_told_where_the_token_itself_shows_them() {
    let jwt = format!(
        "e30.{}.c2ln",
        encoded(json!({"sub": "alice", "role": "boss"}).to_string())
    );
    let known = AccessToken::new("alice")
        .with_claim("role", "boss")
        .with_claim("email", "alice@example.com");
    let tokens = FixedTokens::new()
        .with(&jwt, known.clone())
        .with("opaque", known);
    let gate = Gate::start(|settings| settings, tokens).await;
    let shown = gate.told(&jwt).await;
    assert_eq!(shown["claims"], json!({"role": "boss"}));
    assert_eq!(gate.told("opaque").await.get("claims"), None);
}

#[tokio::test]
async fn whom_the_endpoint_refuses_this_path_refuses_alike() {
    let site = site(|settings| settings.require_scopes("mcp").unwrap()).await;
    for (token, status) in [
        (None, 401),
        (Some("unknown"), 401),
        (Some("expired"), 401),
        (Some("foreign"), 401),
        (Some("a b"), 400),
        (Some("poor"), 403),
        (Some("outage"), 503),
    ] {
        for ask in [ask(), ask_for_events()] {
            let with_token = |request: Request| match token {
                Some(token) => request.bearer(token),
                None => request,
            };
            let own = site.send(&with_token(ask.clone())).await.without_date();
            let endpoint = with_token(ask.line("GET /mcp"));
            let endpoint = site.send(&endpoint).await.without_date();
            assert_eq!(own.status, status, "{token:?}");
            assert_eq!(own, endpoint, "{token:?}");
        }
    }
}

#[tokio::test]
async fn an_anonymous_caller_is_told_that_it_is_one() {
    for admission in [Admission::Optional, Admission::Permissive] {
        let site = site(|settings| settings.admission(admission)).await;
        // Nothing of it can change, so that nothing is held open for it.
        for ask in [ask(), ask_for_events()] {
            assert_eq!(told(&site.send(&ask).await), json!({"anonymous": true}));
        }
    }
}

#[tokio::test]
async fn other_methods_are_refused_and_other_paths_are_not_there() {
    let site = site(|settings| settings).await;
    let rpc = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"] {
        let request = ask().line(&format!("{method} /mcp/caller")).bearer("alice");
        let request = match method {
            "POST" => request
                .header("Content-Type", "application/json")
                .body(&rpc),
            _ => request,
        };
        let mut wire = Wire::connect(site.address).await;
        wire.send(&request.bytes()).await;
        let reply = wire.head().await;
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.header("allow"), Some("GET"), "{method}");
        // Its body asks for nothing here.
        assert_eq!(site.watch.only().operation, "caller", "{method}");
        let without_token = request.without("Authorization");
        let mut wire = Wire::connect(site.address).await;
        wire.send(&without_token.bytes()).await;
        assert_eq!(wire.head().await.status, 401, "{method}");
        site.watch.take();
    }
    for path in [
        "/mcp/caller/",
        "/mcp/caller/x",
        "/mcp//caller",
        "/caller",
        "/mcp/Caller",
    ] {
        let reply = site
            .send(&ask().line(&format!("GET {path}")).bearer("alice"))
            .await;
        assert_eq!(reply.status, 404, "{path}");
    }
}

/// No rule of a policy is about it: whoever may come in may know as whom.
#[tokio::test]
async fn a_default_that_closes_everything_leaves_it_open() {
    let closed = ScopePolicy::new().otherwise(propusk::Requirement::never());
    let site = site(|settings| settings.policy(closed.unwrap())).await;
    assert_eq!(
        told(&site.send(&ask().bearer("bob")).await)["subject"],
        "bob"
    );
    let _open = listen(site.address, "bob").await;
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked_and_no_other_does() {
    let site = site(|settings| settings).await;
    let (mut hers, _) = listen(site.address, "alice").await;
    let (mut his, _) = listen(site.address, "bob").await;
    site.revoke("alice");
    ends(&mut hers).await;
    let again = site.send(&ask_for_events().bearer("alice")).await;
    assert_eq!(again.status, 401);
    assert_eq!(
        told(&site.send(&ask().bearer("bob")).await)["subject"],
        "bob"
    );
    site.revoke("bob");
    ends(&mut his).await;
}

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    let now = Arc::new(AtomicU64::new(1_000));
    let clock = {
        let now = Arc::clone(&now);
        move || UNIX_EPOCH + Duration::from_secs(now.load(Ordering::SeqCst))
    };
    let end = UNIX_EPOCH + Duration::from_secs(1_010);
    let tokens = FixedTokens::new().with("timed", AccessToken::new("alice").with_expires_at(end));
    let settings = |settings: AuthSettings| settings.stream_recheck(OFTEN);
    let gate = Gate::with_clock(settings, tokens, clock).await;
    let (mut stream, event) = listen(gate.address, "timed").await;
    assert_eq!(event["expires_at"], 1_010);
    now.store(1_010, Ordering::SeqCst);
    ends(&mut stream).await;
    assert_eq!(gate.send(&ask().bearer("timed")).await.status, 401);
}

#[tokio::test]
async fn an_open_stream_does_not_hold_up_the_end_of_the_server() {
    let mut site = site(|settings| settings).await;
    let (mut stream, _) = listen(site.address, "alice").await;
    site.stop();
    ends(&mut stream).await;
    site.ended().await;
}

#[tokio::test]
async fn pages_are_answered_as_at_the_endpoint() {
    const PAGE: &str = "https://app.example";
    let site = site(|settings| settings.allow_origin(PAGE).unwrap()).await;
    let own = format!("http://{}", site.address);
    for origin in [PAGE, &own] {
        for (request, status) in [(ask().bearer("alice"), 200), (ask(), 401)] {
            let reply = site.send(&request.header("Origin", origin)).await;
            assert_eq!(reply.status, status, "{origin}");
            let allowed = reply.header("access-control-allow-origin");
            assert_eq!(allowed, Some(origin), "{reply:?}");
        }
        let preflight = ask()
            .line("OPTIONS /mcp/caller")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Headers", "authorization");
        let reply = site.send(&preflight).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let headers = reply.header("access-control-allow-headers");
        assert_eq!(headers, Some("authorization"));
    }
    site.watch.take();
    let before = site.verified();
    for foreign in [
        ask().header("Origin", "https://evil.example"),
        ask_for_events().header("Origin", "null"),
    ] {
        let reply = site.send(&foreign.bearer("alice")).await;
        assert_eq!(reply.status, 403, "{reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), None);
        let seen = site.watch.only();
        assert_eq!((seen.allowed, &*seen.operation), (false, "caller"));
    }
    let rebound = ask().bearer("alice").set("Host", "evil.example");
    assert_eq!(site.send(&rebound).await.status, 421);
    assert_eq!(site.verified(), before, "no token was looked at");
}

#[tokio::test]
async fn the_audit_says_what_was_asked() {
    let site = site(|settings| settings.require_scopes("mcp").unwrap()).await;
    for (token, allowed, reason) in [
        ("alice", true, "authorized"),
        ("poor", false, "insufficient_scope"),
        ("unknown", false, "invalid_token"),
    ] {
        site.send(&ask().bearer(token)).await;
        let seen = site.watch.only();
        assert_eq!(seen.operation, "caller", "{token}");
        assert_eq!(seen.http_method.as_deref(), Some("GET"), "{token}");
        assert_eq!((seen.allowed, seen.reason), (allowed, reason), "{token}");
    }
    let call = crate::support::call("whoami").bearer("alice");
    assert_eq!(called(&site.send(&call).await), "alice");
    assert_eq!(site.watch.only().operation, "tools/call:whoami");
}

/// A gate in front of a server that is not rmcp's.
struct Gate {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    _stop: oneshot::Sender<()>,
}

impl Gate {
    async fn start(
        settings: impl FnOnce(AuthSettings) -> AuthSettings,
        tokens: FixedTokens,
    ) -> Self {
        Self::with_clock(settings, tokens, SystemTime::now).await
    }

    async fn with_clock(
        settings: impl FnOnce(AuthSettings) -> AuthSettings,
        tokens: FixedTokens,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let own = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
        let layer = AuthLayer::with_clock(settings(own), tokens, clock);
        let asked = Arc::new(AtomicUsize::new(0));
        let behind = {
            let asked = Arc::clone(&asked);
            axum::Router::new().fallback(async move || {
                asked.fetch_add(1, Ordering::SeqCst);
                "behind"
            })
        };
        let (stop, stopped) = oneshot::channel();
        let site = server::Site::new().mount(server::Mount::new(&layer, behind));
        tokio::spawn(site.serve_on(listener, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            asked,
            _stop: stop,
        }
    }

    async fn send(&self, request: &Request) -> Reply {
        let mut wire = Wire::connect(self.address).await;
        wire.send(&request.bytes()).await;
        wire.reply().await
    }

    async fn told(&self, token: &str) -> serde_json::Value {
        told(&self.send(&ask().bearer(token)).await)
    }
}

#[tokio::test]
async fn what_stands_behind_a_gate_is_not_asked() {
    let tokens = FixedTokens::new().with("alice", AccessToken::new("alice"));
    let gate = Gate::start(|settings| settings, tokens).await;
    assert_eq!(gate.told("alice").await["subject"], "alice");
    assert_eq!(gate.send(&ask()).await.status, 401);
    assert_eq!(gate.asked.load(Ordering::SeqCst), 0);
    let through = gate.send(&ask().line("GET /mcp").bearer("alice")).await;
    assert_eq!(through.text(), "behind");
    assert_eq!(gate.asked.load(Ordering::SeqCst), 1);
}
