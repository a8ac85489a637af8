//! How a client reaches the network.

use std::time::Duration;

/// Time limits, proxy and certificates of a client. They hold for the MCP server and for the
/// authorization servers that it names.
#[derive(Debug, Clone)]
#[must_use]
pub struct HttpSettings {
    pub(super) connect_timeout: Duration,
}

impl HttpSettings {
    /// How long a connection may take to come about (default: 10 s).
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
        }
    }
}
