//! The client: a URL and a bearer token in, a session out.

mod authorized;
mod bearer;
mod dpop;
mod error;
mod grants;
mod http;
mod http_settings;
mod logins;
mod oauth;
mod pages;
mod protected_server;
mod provider;
mod readiness;
mod session;
mod token_answer;
mod token_error;
mod token_source;

use std::{fmt, sync::Arc};

use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt,
    model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion},
    transport::StreamableHttpClientTransport,
};

use authorized::{Authorized, Failure};
use bearer::FixedBearer;
use token_source::DynTokenSource;

pub use dpop::{DpopKey, InvalidDpopKey};
pub use error::{ClientError, ErrorKind, Sent};
pub use grants::{
    ClientCredentials, EnterpriseIdp, EnterpriseManaged, IssuedToken, MachineClient, NotIssued,
    SelfSigned, TokenEndpoint, WorkloadIdentity,
};
pub use http_settings::{HttpSettings, InvalidHttpSettings};
#[cfg(all(feature = "keyring", target_os = "linux"))]
pub use logins::KeyringLogins;
pub use logins::{
    FileLogins, Login, LoginKey, LoginLock, LoginStore, LoginStoreError, LoginStoreErrorKind,
    Logins, Renewal, RenewalProcess, Revocation, StoredLogin,
};
pub use oauth::{
    AuthorizationCode, AuthorizationUrl, Browser, InteractiveLogin, Redirect, SystemBrowser,
    open_browser,
};
pub use protected_server::ProtectedServer;
pub use provider::TokenProvider;
pub use readiness::{NotReady, ready};
pub use session::Session;
pub use token_error::{TokenError, TokenErrorKind};
pub use token_source::{OutgoingToken, Reaction, RefusedRequest, TokenSource};

/// The target of log lines, at the level `info`, that tell a human what is being waited for.
const WAITING: &str = "propusk::waiting";

/// Connects to an MCP server with a bearer token.
///
/// ```no_run
/// # async fn run(token: &str) -> Result<(), propusk::client::ClientError> {
/// use propusk::Client;
/// use serde_json::json;
///
/// let session = Client::new("http://127.0.0.1:8000/mcp").bearer(token).connect().await?;
/// let reply = session.call_tool("echo", json!({ "message": "hello" })).await?;
/// # drop(reply);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a client does nothing until it is connected"]
pub struct Client {
    url: String,
    tokens: Tokens,
    key: Option<DpopKey>,
    era: Era,
    http: HttpSettings,
}

/// Where the tokens come from, as far as it is known before connecting.
#[derive(Clone)]
enum Tokens {
    None,
    Fixed(http::Secret),
    Source(Arc<dyn DynTokenSource>),
}

/// Which era of the protocol a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Era {
    /// 2026-07-28 where the server knows it, else 2025-11-25.
    #[default]
    Auto,
    /// 2026-07-28 only: every request stands for itself.
    Modern,
    /// 2025-11-25 only: `initialize` and a session.
    Legacy,
}

impl Client {
    /// A client for the server at this URL. Whether the URL is usable shows when connecting.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            tokens: Tokens::None,
            key: None,
            era: Era::Auto,
            http: HttpSettings::default(),
        }
    }

    /// Sends this token with every request. A pasted `Bearer ` in front of it is taken off.
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.tokens = Tokens::Fixed(http::Secret::new(token.into()));
        self
    }

    /// Takes the tokens from a source: one that obtains, keeps and refreshes them.
    pub fn tokens(mut self, source: impl TokenSource) -> Self {
        self.tokens = Tokens::Source(Arc::new(source));
        self
    }

    /// Proves with every request that this client has the key that its tokens are bound to (DPoP,
    /// RFC 9449): they go out under the scheme `DPoP`, each time with a fresh proof. A source may
    /// say otherwise of a token: see [`OutgoingToken::bound_to_key`].
    pub fn dpop(mut self, key: DpopKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets time limits, proxy and certificates.
    pub fn http(mut self, settings: HttpSettings) -> Self {
        self.http = settings;
        self
    }

    /// Sets the era of the protocol.
    pub fn era(mut self, era: Era) -> Self {
        self.era = era;
        self
    }

    /// Connects. The server's requests (elicitation, sampling) are refused; to answer them use
    /// [`Client::connect_with`].
    ///
    /// # Errors
    /// [`ClientError`]; where the server refuses, with its parsed challenge.
    pub async fn connect(self) -> Result<Session<ClientConfig>, ClientError> {
        let program = Implementation::new("propusk", env!("CARGO_PKG_VERSION"));
        self.connect_with(ClientConfig::new(ClientCapabilities::default(), program))
            .await
    }

    /// Connects with an rmcp handler of your own.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn connect_with<H: ClientHandler>(
        self,
        handler: H,
    ) -> Result<Session<H>, ClientError> {
        let source: Arc<dyn DynTokenSource> = match &self.tokens {
            Tokens::None => Arc::new(FixedBearer(None)),
            Tokens::Fixed(text) => Arc::new(FixedBearer(Some(text.parse()?))),
            Tokens::Source(source) => Arc::clone(source),
        };
        let url = http::usable_url(&self.url, !matches!(self.tokens, Tokens::None))?;
        let http = http::client(&url, &self.http)?;
        let server = ProtectedServer::new(self.url, self.http);
        let limit = server.http().handshake_timeout;
        let http = Authorized::new(http, server, source, self.key);
        let handler = Arc::new(handler);
        // A handshake has its limits, and to obtain a token has others.
        http.ask_for_token().await.map_err(Failure::from)?;
        let mut patience = http.patience();
        loop {
            let transport =
                StreamableHttpClientTransport::with_client(http.clone(), http.config(url.as_str()));
            let connecting =
                Arc::clone(&handler).serve_with_lifecycle(transport, self.era.lifecycle());
            let failed = match tokio::time::timeout(limit, connecting).await {
                Ok(Ok(service)) => {
                    http.connected();
                    return Ok(Session::new(service));
                }
                Ok(Err(error)) => ClientError::from(error),
                Err(_) => ClientError::from(Failure::Late(limit)),
            };
            let Some(setback) = http.take_setback() else {
                return Err(failed);
            };
            http.get_over(setback, &mut patience).await?;
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.url)
            .field("era", &self.era)
            .finish_non_exhaustive()
    }
}

impl Era {
    fn lifecycle(self) -> ClientLifecycleMode {
        let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
        match self {
            Self::Auto => ClientLifecycleMode::Auto {
                preferred_versions,
                legacy_version: Some(ProtocolVersion::V_2025_11_25),
            },
            Self::Modern => ClientLifecycleMode::Discover { preferred_versions },
            Self::Legacy => ClientLifecycleMode::Initialize,
        }
    }
}
