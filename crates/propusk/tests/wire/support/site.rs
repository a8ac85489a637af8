//! A protected server on a port of its own.

use std::{
    collections::{HashMap, HashSet},
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::serve::ListenerExt;
use propusk::{
    AccessToken, AuthLayer, AuthSettings, BearerToken, Confirmation, Server, Unavailable,
    metrics::Metrics,
    server::{Bound, StateSealer, close_in},
};
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{Reply, Request, Watch, Wire, tools::Tools};

/// How the authorization stands in front of rmcp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mount {
    /// `propusk::Server`.
    Server,
    /// `propusk::AuthLayer` around an axum router.
    Layer,
}

pub(crate) const MOUNTS: [Mount; 2] = [Mount::Server, Mount::Layer];

/// When `timed` expires, in seconds; the clock of [`Mount::Layer`] stands one second before it.
const EXPIRY: u64 = 1_000_000;

/// The verifier's state, for the test to look at and to change.
pub(crate) struct Verifier {
    calls: AtomicUsize,
    calls_of: Mutex<HashMap<String, usize>>,
    revoked: Mutex<HashSet<String>>,
    narrowed: AtomicBool,
    down: AtomicBool,
}

impl Verifier {
    fn verify(&self, token: &BearerToken) -> Result<Option<AccessToken>, Unavailable> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let text = token.expose_secret().to_owned();
        *self.calls_of.lock().unwrap().entry(text).or_default() += 1;
        let token = match self.down.load(Ordering::SeqCst) {
            true => "outage",
            false => token.expose_secret(),
        };
        if self.revoked.lock().unwrap().contains(token) {
            return Ok(None);
        }
        let alice = || {
            AccessToken::new("alice")
                .with_issuer("https://a")
                .with_client_id("app")
        };
        if let Some(bound) = token.strip_prefix("bound.") {
            return Ok(bound_token(bound));
        }
        let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(EXPIRY);
        Ok(Some(match token {
            "alice" | "alice-marker-7f3a" => alice().with_scope_claim("mcp"),
            "alice-refreshed" if self.narrowed.load(Ordering::SeqCst) => {
                alice().with_scope_claim("mcp")
            }
            "alice-refreshed" => alice().with_scope_claim("mcp notes:write"),
            "alice-elsewhere" => alice().with_client_id("other").with_scope_claim("mcp"),
            "alice-of-b" => alice().with_issuer("https://b").with_scope_claim("mcp"),
            "bob" => AccessToken::new("bob").with_scope_claim("mcp"),
            "poor" => AccessToken::new("poor"),
            "timed" => alice().with_scope_claim("mcp").with_expires_at(expiry),
            "expired" => alice().with_expires_at(SystemTime::UNIX_EPOCH),
            "by-certificate" => alice().with_confirmation(Confirmation::Unsupported),
            "foreign" => alice().with_audience("https://other.example/mcp"),
            "outage" | "outage-marker-7f3a" => {
                let cause = Unavailable::new("cannot log in to db.internal as root:hunter2");
                return Err(cause.with_retry_after(Duration::from_millis(6_001)));
            }
            other => match other.strip_prefix("until-").map(str::parse) {
                Some(Ok(millis)) => {
                    let end = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
                    alice().with_scope_claim("mcp").with_expires_at(end)
                }
                _ => return Ok(None),
            },
        }))
    }
}

/// `bound.SUBJECT.THUMBPRINT` is a token that is bound to that key; `~SCOPE` behind it is one more.
fn bound_token(text: &str) -> Option<AccessToken> {
    let (subject, rest) = text.split_once('.')?;
    let (thumbprint, scope) = rest.split_once('~').unwrap_or((rest, ""));
    let token = AccessToken::new(subject).with_scope_claim(&format!("mcp {scope}"));
    Some(token.with_confirmation(Confirmation::Jkt(thumbprint.to_owned())))
}

/// A running server.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) tools: Tools,
    /// Every decision.
    pub(crate) watch: Watch,
    /// The numbers; [`Mount::Server`] shows them at `/metrics`.
    pub(crate) metrics: Metrics,
    /// Of [`Mount::Layer`].
    layer: Option<AuthLayer>,
    manager: Arc<LocalSessionManager>,
    verifier: Arc<Verifier>,
    mount: Mount,
    now: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<io::Result<()>>,
}

impl Site {
    /// Starts a server with default settings.
    pub(crate) async fn plain(mount: Mount) -> Self {
        Self::start(mount, |settings| settings).await
    }

    pub(crate) async fn start(
        mount: Mount,
        settings: impl FnOnce(AuthSettings) -> AuthSettings,
    ) -> Self {
        Self::start_with(mount, settings, |server| server).await
    }

    /// Starts a server with these settings; `options` are for [`Mount::Server`] only.
    pub(crate) async fn start_with(
        mount: Mount,
        settings: impl FnOnce(AuthSettings) -> AuthSettings,
        options: impl FnOnce(Server<Tools>) -> Server<Tools>,
    ) -> Self {
        let tools = Tools::default();
        let mut site = Self::start_handler(mount, tools.clone(), settings, options).await;
        site.tools = tools;
        site
    }

    /// Starts a server around this handler.
    pub(crate) async fn start_handler<H: ServerHandler + Clone>(
        mount: Mount,
        handler: H,
        settings: impl FnOnce(AuthSettings) -> AuthSettings,
        options: impl FnOnce(Server<H>) -> Server<H>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let settings =
            settings(AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL"));
        let verifier = Arc::new(Verifier {
            calls: AtomicUsize::new(0),
            calls_of: Mutex::default(),
            revoked: Mutex::default(),
            narrowed: AtomicBool::new(false),
            down: AtomicBool::new(false),
        });
        let check = {
            let verifier = Arc::clone(&verifier);
            move |token: BearerToken| std::future::ready(verifier.verify(&token))
        };
        let manager = Arc::new(LocalSessionManager::default());
        let mut layer = None;
        let (watch, metrics) = (Watch::default(), Metrics::new());
        let now = Arc::new(AtomicU64::new(EXPIRY - 1));
        let (stop, stopped) = oneshot::channel();
        let stopped = async move {
            // A dropped site stops too.
            let _ = stopped.await;
        };
        let served = match mount {
            Mount::Server => {
                let server = options(Server::new(handler))
                    .show_metrics(&metrics)
                    .auth(settings, check)
                    .audit(watch.clone())
                    .metrics(&metrics);
                tokio::spawn(server.serve_on(listener, stopped))
            }
            Mount::Layer => {
                let seconds = Arc::clone(&now);
                let clock = move || {
                    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::SeqCst))
                };
                let auth = AuthLayer::with_clock(settings, check, clock)
                    .on_session_end(close_in(Arc::clone(&manager)))
                    .audit(watch.clone())
                    .metrics(&metrics);
                layer = Some(auth.clone());
                tokio::spawn(serve_layer(listener, handler, auth, Arc::clone(&manager)))
            }
        };
        Self {
            address,
            tools: Tools::default(),
            watch,
            metrics,
            layer,
            manager,
            verifier,
            mount,
            now,
            stop: Some(stop),
            served,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Where the metadata of this server is.
    pub(crate) fn metadata_url(&self) -> String {
        format!(
            "http://{}/.well-known/oauth-protected-resource/mcp",
            self.address
        )
    }

    /// Sends one request over a connection of its own.
    pub(crate) async fn send(&self, request: &Request) -> Reply {
        let mut wire = Wire::connect(self.address).await;
        wire.send(&request.bytes()).await;
        wire.reply().await
    }

    /// How often the verifier has been asked.
    pub(crate) fn verified(&self) -> usize {
        self.verifier.calls.load(Ordering::SeqCst)
    }

    /// How often the verifier has been asked about this token.
    pub(crate) fn verified_of(&self, token: &str) -> usize {
        let calls = self.verifier.calls_of.lock().unwrap();
        calls.get(token).copied().unwrap_or_default()
    }

    /// The layer of [`Mount::Layer`].
    pub(crate) fn layer(&self) -> Option<&AuthLayer> {
        self.layer.as_ref()
    }

    /// How many sessions rmcp holds behind [`Mount::Layer`].
    pub(crate) async fn rmcp_sessions(&self) -> usize {
        self.manager.sessions.read().await.len()
    }

    /// From now on the verifier does not accept this token.
    pub(crate) fn revoke(&self, token: &str) {
        self.verifier
            .revoked
            .lock()
            .unwrap()
            .insert(token.to_owned());
    }

    /// From now on `alice-refreshed` no longer has `notes:write`.
    pub(crate) fn narrow(&self) {
        self.verifier.narrowed.store(true, Ordering::SeqCst);
    }

    /// Says whether the verifier can tell from now on.
    pub(crate) fn verifier_works(&self, works: bool) {
        self.verifier.down.store(!works, Ordering::SeqCst);
    }

    /// Moves the clock of [`Mount::Layer`] on.
    pub(crate) fn a_second_passes(&self) {
        self.seconds_pass(1);
    }

    /// Moves the clock of [`Mount::Layer`] on.
    pub(crate) fn seconds_pass(&self, seconds: u64) {
        assert_eq!(self.mount, Mount::Layer, "the only clock that can be moved");
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The time of the server's clock, in seconds since 1970.
    pub(crate) fn seconds(&self) -> u64 {
        match self.mount {
            Mount::Layer => self.now.load(Ordering::SeqCst),
            Mount::Server => SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .expect("after 1970")
                .as_secs(),
        }
    }

    /// Asks the server to end.
    pub(crate) fn stop(&mut self) {
        self.stop.take().expect("once").send(()).expect("it runs");
    }

    /// Whether `serve_on` has returned.
    pub(crate) fn has_ended(&self) -> bool {
        self.served.is_finished()
    }

    /// Waits for `serve_on` to return.
    pub(crate) async fn ended(&mut self) {
        super::soon(&mut self.served)
            .await
            .expect("no panic")
            .expect("no error");
    }
}

/// A handler that declares nothing, mounted by hand: a layer and no guard.
async fn serve_layer<H: ServerHandler + Clone>(
    listener: TcpListener,
    handler: H,
    auth: AuthLayer,
    manager: Arc<LocalSessionManager>,
) -> io::Result<()> {
    let sealer = StateSealer::new()?;
    let mcp = StreamableHttpService::new(
        move || Ok(Bound::new(handler.clone(), sealer.clone())),
        manager,
        // Its own list knows this machine only; the layer has judged by the settings.
        StreamableHttpServerConfig::default().disable_allowed_hosts(),
    );
    let app = axum::Router::new().nest_service("/mcp", mcp).layer(auth);
    // Or every call inside a session waits for a delayed acknowledgement.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await
}
