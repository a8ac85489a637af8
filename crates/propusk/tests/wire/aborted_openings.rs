//! A client that goes away while it opens a session of 2025-11-25 leaves no session behind.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http_body_util::Full;
use propusk::{
    AccessToken, AuthLayer, AuthSettings, FixedTokens, ScopePolicy, SessionLimits, server::close_in,
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use tokio::{io::AsyncWriteExt, net::TcpStream, runtime::Handle};
use tower_layer::Layer as _;
use tower_service::Service as _;

use crate::secrets::Log;
use crate::support::{MOUNTS, Site, Tools, called, initialize, legacy, soon};

/// The very moment of the leak: rmcp has opened the session and answered, and the connection dies
/// before anybody has taken the answer.
#[tokio::test]
async fn an_opening_that_is_dropped_at_any_moment_leaves_nothing() {
    crate::secrets::listen();
    let log = Log::default();
    let lines = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(log.clone());
    let _kept = tracing::subscriber::set_default(lines.finish());
    let settings = AuthSettings::new("http://127.0.0.1/mcp").expect("a URL");
    let tokens = FixedTokens::new().with("alice", AccessToken::new("alice"));
    let manager = Arc::new(LocalSessionManager::default());
    let auth = AuthLayer::new(settings, tokens).on_session_end(close_in(Arc::clone(&manager)));
    let mut service = auth.layer(StreamableHttpService::new(
        || Ok(Tools::default()),
        Arc::clone(&manager),
        StreamableHttpServerConfig::default(),
    ));
    let mut answered = 0;
    for polls in 0..12 {
        let request = http::Request::post("/mcp")
            .header("Host", "127.0.0.1")
            .header("Authorization", "Bearer alice")
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream");
        let wire = initialize().bytes();
        let body = wire.split(|byte| *byte == b'\n').next_back().expect("one");
        let request = request.body(Full::from(body.to_vec())).expect("a request");
        let mut call = pin!(service.call(request));
        for _ in 0..polls {
            let done = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_ready())).await;
            if done {
                answered += 1;
                break;
            }
            // Everything that runs behind goes as far as it can.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        }
    }
    assert!((1..11).contains(&answered), "{answered}: before and after");
    soon(async {
        while manager.sessions.read().await.len() != auth.open_sessions() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(auth.open_sessions(), answered, "only those that were told");
    let log = log.text();
    assert!(log.contains("create new session"), "{log}");
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
}

/// The same over sockets, at moments that chance chooses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_die_while_they_open_leak_nothing() {
    const OPENINGS: u64 = 600;
    const LIMIT: usize = 8;
    for mount in MOUNTS {
        let limits = SessionLimits::default().per_principal(LIMIT);
        let site = Arc::new(Site::start(mount, |settings| settings.sessions(limits)).await);
        let request = Arc::new(initialize().bearer("alice").bytes());
        let mut openers = Vec::new();
        for lane in 0..4 {
            let (site, request) = (Arc::clone(&site), Arc::clone(&request));
            openers.push(tokio::spawn(async move {
                for n in 0..OPENINGS / 4 {
                    let mut wire = TcpStream::connect(site.address).await.expect("it listens");
                    wire.write_all(&request).await.expect("written");
                    // From at once to long after the answer.
                    let pause = Duration::from_micros((n * 4 + lane) * 37 % 2_000);
                    if n % 3 > 0 {
                        tokio::time::sleep(pause).await;
                    }
                    if n % 2 == 0 {
                        // A reset rather than a proper end.
                        wire.set_zero_linger().expect("it can");
                    }
                }
            }));
        }
        for opener in openers {
            opener.await.expect("no panic");
        }
        // Each session in rmcp is two tasks at least.
        soon(async {
            while Handle::current().metrics().num_alive_tasks() > 8 * LIMIT {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        if let Some(layer) = site.layer() {
            soon(async {
                while site.rmcp_sessions().await != layer.open_sessions() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
            .await;
            assert!(layer.open_sessions() <= LIMIT);
        }
        let session = site.open(&[("Authorization", "Bearer alice")]).await;
        let session = session.expect("the server lives on");
        let reply = site.send(&legacy(&session, "whoami").bearer("alice")).await;
        assert_eq!(called(&reply), "alice", "{mount:?}");
    }
}

/// A service that never answers, and tells when a call of it is dropped.
#[derive(Clone)]
struct Never(Arc<AtomicUsize>);

struct Call(Arc<AtomicUsize>);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl<B: Send + 'static> tower_service::Service<http::Request<B>> for Never {
    type Response = http::Response<Full<bytes::Bytes>>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<B>) -> Self::Future {
        let call = Call(Arc::clone(&self.0));
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(call);
            Ok(http::Response::default())
        })
    }
}

/// Otherwise whoever hangs up at once has each of his calls served for a minute.
#[tokio::test]
async fn only_what_may_open_a_session_outlives_its_client() {
    let policy = ScopePolicy::new().tool("x", "y").expect("scopes");
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}"#;
    for (reads, body, outlives) in [
        (true, initialize, true),
        (true, call, false),
        // Nobody knows what it asks for.
        (false, call, true),
    ] {
        let settings = AuthSettings::new("http://127.0.0.1/mcp").expect("a URL");
        let settings = match reads {
            true => settings.policy(policy.clone()),
            false => settings,
        };
        let tokens = FixedTokens::new().with("alice", AccessToken::new("alice"));
        let ended = Arc::new(AtomicUsize::new(0));
        let mut service = AuthLayer::new(settings, tokens).layer(Never(Arc::clone(&ended)));
        let request = http::Request::post("/mcp")
            .header("Host", "127.0.0.1")
            .header("Authorization", "Bearer alice")
            .header("Content-Type", "application/json")
            .body(Full::from(body))
            .expect("a request");
        let mut answer = Box::pin(service.call(request));
        for _ in 0..10 {
            poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx).is_ready())).await;
        }
        assert_eq!(ended.load(Ordering::SeqCst), 0, "{reads} {body}");
        drop(answer);
        let now = ended.load(Ordering::SeqCst);
        assert_eq!(now, usize::from(!outlives), "{reads} {body}");
    }
}
