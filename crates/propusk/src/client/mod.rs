//! The client: a URL and a bearer token in, a session out.

mod error;
mod http;
mod session;

use std::time::Duration;

use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt,
    model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};

pub use error::{ClientError, ErrorKind};
pub use session::Session;

/// How long a server may take to say which protocol it speaks. rmcp itself gives the newer one
/// 10 s before it tries the older.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

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
#[derive(Debug, Clone)]
#[must_use = "a client does nothing until it is connected"]
pub struct Client {
    url: String,
    token: Option<http::Secret>,
    era: Era,
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
            token: None,
            era: Era::Auto,
        }
    }

    /// Sends this token with every request. A pasted `Bearer ` in front of it is taken off.
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.token = Some(http::Secret::new(token.into()));
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
        let token = self.token.as_ref().map(http::Secret::parse).transpose()?;
        let url = http::usable_url(&self.url, token.is_some())?;
        let config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
        let http = http::client(&url, token.as_ref())?;
        let transport = StreamableHttpClientTransport::with_client(http, config);
        let connecting = handler.serve_with_lifecycle(transport, self.era.lifecycle());
        let service = tokio::time::timeout(HANDSHAKE_TIMEOUT, connecting)
            .await
            .map_err(|elapsed| ClientError::caused(ErrorKind::Transport, elapsed))??;
        Ok(Session::new(service))
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
