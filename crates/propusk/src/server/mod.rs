//! The paved path for a new server: an rmcp handler, authorization around it, and the HTTP server
//! below, with the defaults that it should have.

mod caller;
mod drain;
mod forwarded;
mod guard;
mod legacy_tasks;
mod listen;
mod mcp;
mod metrics;
mod mount;
mod proxies;
mod refusal;
mod scopes;
mod sessions;
mod site;
mod state;
mod tls;

use std::{io, sync::Arc, time::Duration};

use rmcp::ServerHandler;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio_util::sync::CancellationToken;

pub use caller::{Caller, RequestCaller};
pub use drain::signal as shutdown_signal;
pub use guard::{Guard, Offered};
pub use legacy_tasks::OWN_TASKS;
pub use metrics::serve_metrics;
pub use mount::{MountedService, mount};
pub use propusk_macros::tool_router;
pub use proxies::{AddressRange, ForwardedHeader, InvalidAddressRange, TrustedProxies};
pub use scopes::{Declaration, any_of, declared_scopes, missing_scopes, scopes};
pub use sessions::close_in;
use site::SharedPages;
pub use site::{Mount, Pages, Site, SiteRoutes};
pub use state::{Bound, NotValid, Sealed, StateSealer};
pub use tls::{ClientCertificates, InvalidTls, PemDefect, Tls, TlsIdentity};

use crate::{
    AuthLayer, AuthSettings, TokenVerifier,
    audit::AuditSink,
    metrics::Metrics,
    rules::{AddressLimits, Rules},
};

/// An MCP server with token authorization.
///
/// ```no_run
/// # use propusk::{AccessToken, AuthSettings, FixedTokens, Server, tool_router};
/// # use rmcp::tool;
/// struct Demo;
///
/// #[tool_router(server_handler)]
/// impl Demo {
///     #[tool(description = "Who is calling")]
///     async fn whoami(&self, caller: AccessToken) -> String {
///         caller.subject().to_owned()
///     }
/// }
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let tokens = FixedTokens::new().with("secret-token-123", AccessToken::new("alice"));
/// Server::new(Demo)
///     .auth(AuthSettings::new("http://127.0.0.1:8000/mcp")?, tokens)
///     .serve("127.0.0.1:8000")
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// One handler serves all callers; who is calling is an argument of the tool. The MCP endpoint is
/// the path of the resource URL. Beside it there are the metadata of RFC 9728, `/healthz` (the
/// process lives), `/readyz` (it accepts work), and `/caller` below the endpoint's path, which tells
/// callers who they are (see [`Mount`]).
///
/// `A` tells whether [`Server::auth`] has been called; a server without cannot be served.
pub struct Server<H, A = Unprotected> {
    handler: Arc<H>,
    auth: A,
    options: Options,
}

/// A server that has not been told how to authorize.
#[derive(Debug)]
pub struct Unprotected(());

#[derive(Debug, Clone)]
struct Options {
    max_body_bytes: usize,
    drain: Duration,
    legacy_sessions: bool,
    shown_metrics: Option<Metrics>,
    pages: Option<SharedPages>,
    sealer: Option<StateSealer>,
    state_lifetime: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_body_bytes: 4 * 1024 * 1024,
            drain: Duration::from_secs(10),
            legacy_sessions: true,
            shown_metrics: None,
            pages: None,
            sealer: None,
            state_lifetime: None,
        }
    }
}

impl Options {
    /// What clients keep for this handler belongs to their callers.
    fn bind<H>(&self, handler: H) -> io::Result<Bound<H>> {
        let sealer = match &self.sealer {
            Some(sealer) => sealer.clone(),
            None => StateSealer::new()?,
        };
        let bound = Bound::new(handler, sealer);
        Ok(match self.state_lifetime {
            Some(lifetime) => bound.lifetime(lifetime),
            None => bound,
        })
    }
}

impl<H: ServerHandler> Server<H> {
    /// A server with this rmcp handler.
    #[must_use]
    pub fn new(handler: H) -> Self {
        Self {
            handler: Arc::new(handler),
            auth: Unprotected(()),
            options: Options::default(),
        }
    }

    /// Sets how it authorizes, and by which verifier.
    #[must_use]
    pub fn auth(
        self,
        settings: AuthSettings,
        verifier: impl TokenVerifier,
    ) -> Server<H, Protected> {
        let layer = AuthLayer::new(settings.clone(), verifier);
        let auth = Protected { layer, settings };
        Server {
            handler: self.handler,
            auth,
            options: self.options,
        }
    }
}

/// A server that knows how to authorize.
#[derive(Debug)]
pub struct Protected {
    layer: AuthLayer,
    settings: AuthSettings,
}

impl<H, A> Server<H, A> {
    /// Sets the largest request body in bytes (4 MiB by default); a larger one gets 413.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.options.max_body_bytes = bytes;
        self
    }

    /// Sets how long calls in flight may take to finish after a shutdown was asked for (10 s by
    /// default).
    #[must_use]
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.options.drain = timeout;
        self
    }

    /// Turns the sessions of 2025-11-25 off (they are on by default). Without them every request
    /// stands for itself in both eras, which is what several replicas need; such clients then get
    /// no notifications outside of a call.
    #[must_use]
    pub fn legacy_sessions(mut self, on: bool) -> Self {
        self.options.legacy_sessions = on;
        self
    }

    /// Shows these numbers at `/metrics`, beside the MCP endpoint, to everybody who reaches the
    /// server: no token is asked for, `Host` and `Origin` are checked. For a listener of their own
    /// see [`serve_metrics`].
    #[must_use]
    pub fn show_metrics(mut self, metrics: &Metrics) -> Self {
        self.options.shown_metrics = Some(metrics.clone());
        self
    }
}

impl<H, A> Server<H, A> {
    /// Sets what is answered without a token beside the MCP endpoint: a page for browsers. `Host` and
    /// `Origin` are checked.
    #[must_use]
    pub fn pages(mut self, pages: impl Pages) -> Self {
        self.options.pages = Some(SharedPages(Arc::new(pages)));
        self
    }
}

impl<H> Server<H, Protected> {
    /// Tells this sink of every decision; see [`AuthLayer::audit`].
    #[must_use]
    pub fn audit(mut self, sink: impl AuditSink) -> Self {
        self.auth.layer = self.auth.layer.audit(sink);
        self
    }

    /// Sets how long the body of a request may take to come; see [`AuthLayer::body_time_limit`].
    #[must_use]
    pub fn body_time_limit(mut self, limit: Duration) -> Self {
        self.auth.layer = self.auth.layer.body_time_limit(limit);
        self
    }

    /// Limits how much each address may ask for; see [`AuthLayer::address_limits`].
    #[must_use]
    pub fn address_limits(mut self, limits: &AddressLimits) -> Self {
        self.auth.layer = self.auth.layer.address_limits(limits);
        self
    }

    /// Has rules beyond scopes asked; see [`AuthLayer::rules`].
    #[must_use]
    pub fn rules(mut self, rules: impl Rules) -> Self {
        self.auth.layer = self.auth.layer.rules(rules);
        self
    }

    /// Changes the layer around the handler: its rules and limits, for example.
    #[must_use]
    pub fn layered(mut self, change: impl FnOnce(AuthLayer) -> AuthLayer) -> Self {
        self.auth.layer = change(self.auth.layer);
        self
    }

    /// Counts decisions, verifications and sessions; see [`AuthLayer::metrics`].
    #[must_use]
    pub fn metrics(mut self, metrics: &Metrics) -> Self {
        self.auth.layer = self.auth.layer.metrics(metrics);
        self
    }
}

impl<H, A> Server<H, A> {
    /// Sets what seals the request states, cursors and task ids that clients keep (see [`Bound`]).
    /// By default the key is random, so that they are good for this process only; several replicas
    /// share one: `StateSealer::with_key(&key, &[])`.
    #[must_use]
    pub fn state_sealer(mut self, sealer: StateSealer) -> Self {
        self.options.sealer = Some(sealer);
        self
    }

    /// Sets for how long a request state or a cursor is good (an hour by default).
    #[must_use]
    pub fn state_lifetime(mut self, lifetime: Duration) -> Self {
        self.options.state_lifetime = Some(lifetime);
        self
    }
}

impl<H: ServerHandler> Server<H, Protected> {
    /// Binds the address and serves until SIGINT or SIGTERM, then drains.
    ///
    /// # Errors
    /// The address cannot be bound, or the signals cannot be listened to.
    pub async fn serve(self, address: impl ToSocketAddrs) -> io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        tracing::info!(address = %listener.local_addr()?, "listening");
        let signal = drain::signal()?;
        self.serve_on(listener, signal).await
    }

    /// Serves on a listener until `shutdown` completes, then stops accepting, lets calls in flight
    /// finish and ends open streams.
    ///
    /// # Errors
    /// The operating system gives no random bytes for a key. Trouble with one connection ends that
    /// connection only.
    pub async fn serve_on(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        let mut site = Site::new().drain_timeout(self.options.drain);
        if let Some(metrics) = &self.options.shown_metrics {
            site = site.show_metrics(metrics);
        }
        if let Some(pages) = &self.options.pages {
            site = site.pages(pages.clone());
        }
        let (_, mount) = self.endpoint(site.streams())?;
        site.mount(mount).serve_on(listener, shutdown).await;
        Ok(())
    }

    /// This server as one endpoint of a [`Site`], and the layer around it, which can be
    /// [renewed](AuthLayer::renew) while it serves. `streams` are the [site's](Site::streams), as is
    /// what concerns the listener ([`drain_timeout`](Server::drain_timeout),
    /// [`show_metrics`](Server::show_metrics), [`pages`](Server::pages)).
    ///
    /// # Errors
    /// The operating system gives no random bytes for a key.
    pub fn endpoint(self, streams: CancellationToken) -> io::Result<(AuthLayer, Mount)> {
        let Self {
            handler,
            auth,
            options,
        } = self;
        let manager = sessions::session_manager(auth.settings.session_limits());
        let guard = Guard::around(handler, auth.settings);
        let layer = auth
            .layer
            .declared_by(guard.clone())
            .max_body_bytes(options.max_body_bytes)
            .on_session_end(close_in(Arc::clone(&manager)));
        // Outside of the guard, so that its cursors are sealed too.
        let handler = options.bind(guard)?;
        let mcp = mcp::McpService::new(handler, manager, &options, streams);
        let mount = Mount::new(&layer, mcp);
        Ok((layer, mount))
    }
}

impl<H, A: std::fmt::Debug> std::fmt::Debug for Server<H, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("auth", &self.auth)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
