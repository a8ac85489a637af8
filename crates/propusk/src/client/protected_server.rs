//! The server that a token is for.

use std::fmt;

use super::HttpSettings;

/// The MCP server that a client talks to: what a [`TokenSource`](super::TokenSource) has to know of
/// it, and how the client reaches the network.
#[derive(Clone)]
pub struct ProtectedServer {
    url: String,
    http: HttpSettings,
}

impl ProtectedServer {
    /// The server at this URL, reached in this way. Whoever connects with a
    /// [`Client`](super::Client) has one made.
    #[must_use]
    pub fn new(url: impl Into<String>, http: HttpSettings) -> Self {
        Self {
            url: url.into(),
            http,
        }
    }

    /// Its URL as the caller gave it, byte for byte: what it is compared with is compared as text
    /// (RFC 9728 §3.3), and URL libraries add a slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Time limits, proxy and root certificates of this client.
    pub fn http(&self) -> &HttpSettings {
        &self.http
    }
}

impl fmt::Debug for ProtectedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProtectedServer").field(&self.url).finish()
    }
}
