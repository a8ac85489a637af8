//! A real identity provider: `oidc-provider` from the npm registry, in a Node process of its own.
//!
//! Everything that this module hands out comes from the provider itself over HTTP, but what
//! [`IdentityProvider::sign`] makes. Faults stand in front of the provider and are there only when a
//! test asks for them. `interop/idp/README.md` describes the process.

mod client;
mod control;
mod dpop;
mod endpoint;
mod fault;
mod indicator;
mod installed;
mod options;
mod process;
mod request;
mod sign_in;
mod tokens;

pub use self::{
    client::{ClientKey, Credentials},
    control::{Counts, Signed},
    dpop::Proof,
    endpoint::Endpoint,
    fault::Fault,
    indicator::Indicator,
    options::Options,
    request::Answer,
    sign_in::SignIn,
    tokens::Tokens,
};

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use self::{client::Clients, process::Process};

/// A running (or stopped) identity provider. It ends when this value is dropped, and also when the
/// test process dies.
///
/// Requests that the methods here make are counted as everybody else's.
pub struct IdentityProvider {
    options: Options,
    /// Keys, secrets and tokens for the next start; gone with this value.
    home: TempDir,
    issuer: String,
    clients: Clients,
    http: reqwest::Client,
    /// None where it is stopped.
    process: Option<Process>,
    /// While it is stopped: the port, bound, with nothing listening there.
    port: Option<TcpSocket>,
}

impl IdentityProvider {
    /// Starts a provider on a free loopback port and waits until it answers.
    ///
    /// # Errors
    /// Node or the provider is not installed (the error says what to run), or it does not start.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let home = TempDir::with_prefix("propusk-idp-").context("a folder for the provider")?;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A provider that was stopped and started must not meet connections of before.
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(60))
            .no_proxy()
            .build()?;
        let process = Process::start(&options, home.path(), 0).await?;
        let clients = Clients::of(&http, process.control()).await?;
        Ok(Self {
            options,
            home,
            issuer: process.issuer().to_owned(),
            clients,
            http,
            process: Some(process),
            port: None,
        })
    }

    /// The issuer identifier, as in the metadata and in `iss`: `http://127.0.0.1:<port>` and the
    /// path of [`Options::issuer_path`].
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The URL of an endpoint.
    #[must_use]
    pub fn url(&self, endpoint: Endpoint) -> String {
        endpoint.url(&self.issuer)
    }

    /// How a client authenticates: `machine`, `machine-post`, `machine-jwt`, `resource-server`,
    /// `resource-server-post`, `resource-server-jwt`, `gate`, `gate-jwt`, `operator` or `native`.
    ///
    /// # Errors
    /// There is no such client.
    pub fn client(&self, id: &str) -> anyhow::Result<&Credentials> {
        self.clients.find(id)
    }

    /// Ends the provider. Connections to its port are refused from now on, and the port stays ours.
    /// Keys, clients and tokens are there again after [`Self::start_again`].
    ///
    /// # Errors
    /// It was stopped before, or did not end in order.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let process = self.process.take();
        process.context(STOPPED)?.end().await?;
        let port = TcpSocket::new_v4()?;
        // Connections of before may still be closing on it.
        port.set_reuseaddr(true)?;
        port.bind(self.address()?).context("keeping the port")?;
        self.port = Some(port);
        Ok(())
    }

    /// Starts the provider again: same port, same issuer, same keys, clients and tokens.
    ///
    /// # Errors
    /// It runs already, or does not start.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        ensure!(self.process.is_none(), "the identity provider runs already");
        self.port = None;
        let port = self.address()?.port();
        self.process = Some(Process::start(&self.options, self.home.path(), port).await?);
        Ok(())
    }

    fn address(&self) -> anyhow::Result<SocketAddr> {
        let url = url::Url::parse(&self.issuer)?;
        let port = url.port().context("the issuer has a port")?;
        Ok(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    fn running(&self) -> anyhow::Result<&Process> {
        self.process.as_ref().context(STOPPED)
    }
}

const STOPPED: &str = "the identity provider is stopped";
