//! What one listener serves: protected endpoints by their paths, and what is open beside them.

mod caller;
mod connection;
mod events;
mod mount;
mod routes;

use std::{future::Future, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use mount::Mount;
pub use routes::{Pages, SiteRoutes};

pub(super) use connection::{SiteConnection, text};
pub(super) use routes::SharedPages;

use super::{Tls, TrustedProxies, drain::Drain, listen};
use crate::{metrics::Metrics, rules::ConnectionLimits};

/// Several protected services on one listener, each under the path of its own resource URL.
///
/// [`Server`](crate::Server) is a site with one endpoint. Beside the endpoints there are the metadata
/// of RFC 9728 of each and who the caller is (see [`Mount`]), `/healthz` (the process lives), `/readyz` (it accepts work), the metrics
/// where they are shown, and [`Pages`].
///
/// ```no_run
/// # use propusk::{AuthLayer, AuthSettings, FixedTokens, server::{Mount, Site, mount, shutdown_signal}};
/// # use rmcp::{ServerHandler, transport::streamable_http_server::StreamableHttpServerConfig};
/// # async fn run(notes: impl ServerHandler, tokens: FixedTokens) -> std::io::Result<()> {
/// let site = Site::new();
/// let config = StreamableHttpServerConfig::default().with_cancellation_token(site.streams());
/// let settings = AuthSettings::new("http://127.0.0.1:8000/notes").expect("a URL");
/// let (auth, service) = mount(notes, settings, tokens, config)?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
/// site.mount(Mount::new(&auth, service))
///     .serve_on(listener, shutdown_signal()?)
///     .await;
/// # Ok(())
/// # }
/// ```
pub struct Site {
    routes: SiteRoutes,
    connections: ConnectionLimits,
    drain: Drain,
    tls: Option<Tls>,
}

impl Site {
    /// A site without endpoints.
    #[must_use]
    pub fn new() -> Self {
        Self {
            routes: SiteRoutes::default(),
            connections: ConnectionLimits::new(),
            drain: Drain::new(Duration::from_secs(10)),
            tls: None,
        }
    }

    /// Sets how long calls in flight may take to finish after a shutdown was asked for (10 s by
    /// default).
    #[must_use]
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain.set_timeout(timeout);
        self
    }

    /// Limits how many connections are kept open (any number by default).
    #[must_use]
    pub fn connection_limits(mut self, limits: ConnectionLimits) -> Self {
        self.connections = limits;
        self
    }

    /// Adds an endpoint. Of two under one path the first answers.
    #[must_use]
    pub fn mount(self, mount: Mount) -> Self {
        self.routes.add(mount);
        self
    }

    /// Sets what is answered without a token, beside the endpoints.
    #[must_use]
    pub fn pages(self, pages: impl Pages) -> Self {
        self.routes.show_pages(Some(pages));
        self
    }

    /// Shows these numbers at `/metrics`; see [`Server::show_metrics`](crate::Server::show_metrics).
    #[must_use]
    pub fn show_metrics(self, metrics: &Metrics) -> Self {
        self.routes.set_metrics(metrics);
        self
    }

    /// Speaks TLS with whoever connects. Keep a copy to exchange the certificate.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Believes these proxies about where a request comes from; see [`SiteRoutes::trust_proxies`].
    #[must_use]
    pub fn trust_proxies(self, proxies: TrustedProxies) -> Self {
        self.routes.trust_proxies(Some(proxies));
        self
    }

    /// Cancelled when streams are to end: calls have finished, or had their time.
    #[must_use]
    pub fn streams(&self) -> CancellationToken {
        self.drain.streams()
    }

    /// The endpoints, to be exchanged while the site runs.
    #[must_use]
    pub fn routes(&self) -> SiteRoutes {
        self.routes.clone()
    }

    /// Serves on a listener until `shutdown` completes, then stops accepting, lets calls in flight
    /// finish and ends open streams. Trouble with one connection ends that connection only.
    pub async fn serve_on(self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) {
        let connection = SiteConnection::new(self.routes, self.drain.clone());
        listen::run(
            listener,
            self.tls,
            connection,
            &self.connections,
            self.drain,
            shutdown,
        )
        .await;
    }
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site")
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
