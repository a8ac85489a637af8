//! Limits by address, before a token is looked at.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use axum::{
    body::{Body, Bytes},
    http::{Request, Response},
};
use propusk::{
    AccessToken, AuthLayer, AuthSettings, BearerToken, Server, Unavailable,
    audit::RemoteAddress,
    layer::{AuthBody, AuthService, RequestBody},
    rules::AddressLimits,
};
use tower_layer::Layer;
use tower_service::Service;

use crate::support::{Watch, call};

/// What is behind the layer.
#[derive(Clone)]
struct Behind;

impl Service<Request<RequestBody<Body>>> for Behind {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<RequestBody<Body>>) -> Self::Future {
        ready(Ok(Response::new(Body::from("behind"))))
    }
}

struct Protected {
    service: AuthService<Behind>,
    now: Arc<AtomicU64>,
    verified: Arc<AtomicUsize>,
    watch: Watch,
}

impl Protected {
    fn with(limits: &AddressLimits) -> Self {
        let now = Arc::new(AtomicU64::new(1_000_000));
        let verified = Arc::new(AtomicUsize::new(0));
        let seconds = Arc::clone(&now);
        let clock =
            move || SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::SeqCst));
        let count = Arc::clone(&verified);
        let verifier = move |token: BearerToken| {
            count.fetch_add(1, Ordering::SeqCst);
            let known = token.expose_secret() == "alice";
            ready(Ok::<_, Unavailable>(
                known.then(|| AccessToken::new("alice")),
            ))
        };
        let settings = AuthSettings::new("http://127.0.0.1/mcp").expect("a URL");
        let watch = Watch::default();
        let layer = AuthLayer::with_clock(settings, verifier, clock)
            .audit(watch.clone())
            .address_limits(limits);
        Self {
            service: layer.layer(Behind),
            now,
            verified,
            watch,
        }
    }

    async fn get(&self, from: impl Into<IpAddr>, token: &str) -> Response<AuthBody<Body>> {
        let request = Request::get("/mcp")
            .header("host", "127.0.0.1")
            .header("authorization", format!("Bearer {token}"))
            .extension(RemoteAddress((from.into(), 5_000).into()));
        let request = request.body(Body::from(Bytes::new())).expect("a request");
        let mut service = self.service.clone();
        let Ok(response) = service.call(request).await;
        response
    }

    async fn status(&self, from: impl Into<IpAddr>, token: &str) -> u16 {
        self.get(from, token).await.status().as_u16()
    }
}

fn rate(text: &str) -> AddressLimits {
    let limits = AddressLimits::new();
    limits.set_rate(Some(text.parse().expect("a rate")));
    limits
}

#[tokio::test]
async fn an_address_is_limited_before_anybody_looks_at_its_token() {
    let site = Protected::with(&rate("2/m"));
    let one = Ipv4Addr::new(192, 0, 2, 1);
    assert_eq!(site.status(one, "alice").await, 200);
    assert_eq!(site.status(one, "wrong").await, 401);
    site.watch.take();
    let refused = site.get(one, "alice").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "30");
    assert!(!refused.headers().contains_key("www-authenticate"));
    assert_eq!(
        site.verified.load(Ordering::SeqCst),
        2,
        "no verifier was asked"
    );
    let seen = site.watch.only();
    assert_eq!(seen.reason, "limited");
    assert!(seen.debug.contains("192.0.2.1: 2/m"), "{}", seen.debug);
    assert_eq!(site.status(Ipv4Addr::new(192, 0, 2, 2), "alice").await, 200);
    site.now.fetch_add(30, Ordering::SeqCst);
    assert_eq!(site.status(one, "alice").await, 200);
    assert_eq!(site.status(one, "alice").await, 429);
}

#[tokio::test]
async fn one_ipv6_client_is_one_address() {
    let site = Protected::with(&rate("2/m"));
    let of = |host: u16| Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host);
    for host in 0..100 {
        let expected = if host < 2 { 200 } else { 429 };
        assert_eq!(site.status(of(host), "alice").await, expected, "{host}");
    }
    let neighbour = Ipv6Addr::new(0x2001, 0xdb8, 0, 2, 0, 0, 0, 1);
    assert_eq!(site.status(neighbour, "alice").await, 200);
}

/// Many addresses of others take nothing from one.
#[tokio::test]
async fn ten_thousand_addresses_harm_nobody_else() {
    let site = Protected::with(&rate("10/m"));
    let one = Ipv4Addr::new(192, 0, 2, 1);
    let mut allowed = 0;
    for n in 0..10_000_u32 {
        let other = Ipv4Addr::from_bits(0x0a00_0000 + n);
        assert_eq!(site.status(other, "wrong").await, 401, "{other}");
        if n % 500 == 0 && site.status(one, "alice").await == 200 {
            allowed += 1;
        }
    }
    assert_eq!(allowed, 10, "as many as it may, and no more");
}

#[tokio::test]
async fn a_clock_that_jumps_locks_nobody_out() {
    let site = Protected::with(&rate("2/m"));
    let one = Ipv4Addr::new(192, 0, 2, 1);
    for (seconds, expected) in [
        (10_000_000, [200, 200, 429]),
        // Back by a year: as if nothing had flowed in.
        (1_000_000, [429, 429, 429]),
        (1_000_030, [200, 429, 429]),
        (20_000_000, [200, 200, 429]),
        (0, [429, 429, 429]),
        (60, [200, 200, 429]),
    ] {
        site.now.store(seconds, Ordering::SeqCst);
        for (index, expected) in expected.into_iter().enumerate() {
            assert_eq!(
                site.status(one, "alice").await,
                expected,
                "{seconds} {index}"
            );
        }
    }
}

#[tokio::test]
async fn requests_under_way_are_counted_until_their_answer_has_ended() {
    let limits = AddressLimits::new();
    limits.set_concurrency(Some(2));
    let site = Protected::with(&limits);
    let (one, other) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
    let first = site.get(one, "alice").await;
    // The answer to a refusal counts too, as long as it is not sent.
    let second = site.get(one, "wrong").await;
    assert_eq!(
        (first.status().as_u16(), second.status().as_u16()),
        (200, 401)
    );
    let third = site.get(one, "alice").await;
    assert_eq!(third.status(), 429);
    assert_eq!(third.headers()["retry-after"], "1");
    assert_eq!(site.status(other, "alice").await, 200);
    let body = axum::body::to_bytes(Body::new(first.into_body()), 100).await;
    assert_eq!(body.expect("a body"), "behind");
    assert_eq!(site.status(one, "alice").await, 200);
    // As many as one likes from now on.
    limits.set_concurrency(None);
    let more = [site.get(one, "alice").await, site.get(one, "alice").await];
    assert!(more.iter().all(|reply| reply.status() == 200));
    drop(second);
}

#[tokio::test]
async fn what_is_used_up_stays_used_up_when_limits_are_set_again() {
    let limits = rate("1/m");
    let (site, another) = (Protected::with(&limits), Protected::with(&limits));
    let one = Ipv4Addr::new(192, 0, 2, 1);
    assert_eq!(site.status(one, "alice").await, 200);
    limits.set_rate(Some("1/m".parse().expect("a rate")));
    assert_eq!(another.status(one, "alice").await, 429, "they are shared");
    limits.set_rate(Some("2/m".parse().expect("a rate")));
    assert_eq!(site.status(one, "alice").await, 200);
    limits.set_rate(None);
    for _ in 0..5 {
        assert_eq!(site.status(one, "alice").await, 200);
    }
}

/// Over a real socket, where the server itself knows the address.
#[tokio::test]
async fn a_server_limits_the_peers_of_its_connections() {
    use crate::support::{Scoped, Wire, token_of};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
    let verifier =
        |token: BearerToken| ready(Ok::<_, Unavailable>(token_of(token.expose_secret())));
    let server = Server::new(crate::support::Library::new())
        .auth(settings, verifier)
        .address_limits(&rate("3/h"));
    tokio::spawn(server.serve_on(listener, std::future::pending()));
    let _: fn(&Scoped) -> String = Scoped::url;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let mut wire = Wire::connect(address).await;
        wire.send(&call("plain").bearer("ok").bytes()).await;
        let reply = wire.reply().await;
        if reply.status == 429 {
            assert!(reply.header("retry-after").is_some());
            assert_eq!(
                reply.header("content-type"),
                Some("text/plain; charset=utf-8")
            );
        }
        statuses.push(reply.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

/// Connections that one address has too many of are closed, and those of before go on.
#[tokio::test]
async fn connections_of_one_address_are_limited() {
    use crate::support::Wire;
    use propusk::{
        rules::ConnectionLimits,
        server::{Mount, Site},
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    let health = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
    let verifier = |_: BearerToken| ready(Ok::<_, Unavailable>(None));
    let layer = AuthLayer::new(settings, verifier);
    let site = Site::new()
        .connection_limits(ConnectionLimits::new().of_each_address(2).in_all(100))
        .mount(Mount::new(&layer, Nowhere));
    tokio::spawn(site.serve_on(listener, std::future::pending()));
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut wire = Wire::connect(address).await;
        wire.send(health).await;
        assert_eq!(wire.reply().await.status, 200);
        open.push(wire);
    }
    let mut third = Wire::connect(address).await;
    third.send(health).await;
    assert_eq!(third.rest().await, b"", "closed without a word");
    for wire in &mut open {
        wire.send(health).await;
        assert_eq!(wire.reply().await.status, 200);
    }
    open.pop();
    // As soon as the server has noticed that one is gone.
    crate::support::soon(async {
        loop {
            let mut wire = Wire::connect(address).await;
            if wire.takes(health).await && !wire.rest_or_reply().await.is_empty() {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A service over hyper's own bodies.
#[derive(Clone)]
struct Nowhere;

impl Service<Request<RequestBody<hyper::body::Incoming>>> for Nowhere {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<RequestBody<hyper::body::Incoming>>) -> Self::Future {
        ready(Ok(Response::default()))
    }
}
