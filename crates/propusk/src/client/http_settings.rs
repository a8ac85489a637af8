//! How a client reaches the network.

use std::{fmt, time::Duration};

use reqwest::{Certificate, ClientBuilder, Proxy};
use url::Url;
use zeroize::Zeroizing;

/// Time limits, proxy and certificates of a client. They hold for the MCP server and for the
/// authorization servers that it names.
///
/// ```
/// use std::time::Duration;
/// use propusk::client::HttpSettings;
///
/// # fn settings() -> Result<HttpSettings, propusk::client::InvalidHttpSettings> {
/// let settings = HttpSettings::default()
///     .connect_timeout(Duration::from_secs(5))
///     .answer_timeout(Duration::from_secs(60))
///     .proxy("http://proxy.example.com:3128")?;
/// # Ok(settings)
/// # }
/// # settings().unwrap();
/// ```
#[derive(Clone)]
#[must_use]
pub struct HttpSettings {
    pub(super) connect_timeout: Duration,
    pub(super) handshake_timeout: Duration,
    pub(super) answer_timeout: Option<Duration>,
    pub(super) most_waits: usize,
    pub(super) longest_wait: Duration,
    pub(super) longest_answer: Option<usize>,
    proxy: ProxyChoice,
    roots: Vec<Certificate>,
}

#[derive(Clone)]
enum ProxyChoice {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    Environment,
    None,
    /// Its URL may hold a password.
    Explicit(Zeroizing<String>),
}

/// Why a setting is not usable. It never contains a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHttpSettings {
    /// The proxy is not a URL of `http` or `https`.
    #[error("a proxy is a URL that begins with http:// or https://, such as http://proxy:3128")]
    Proxy,
    /// There is no certificate in the text.
    #[error("there is no certificate in PEM (-----BEGIN CERTIFICATE-----) in the text")]
    Certificate,
}

impl HttpSettings {
    /// How long a connection may take to come about, with TLS (default: 10 s).
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long the server may take to say which protocol it speaks (default: 30 s). The time in
    /// which a token is obtained does not count.
    pub fn handshake_timeout(mut self, limit: Duration) -> Self {
        self.handshake_timeout = limit;
        self
    }

    /// How long the server may take to answer one request (default: no limit, since a tool may work
    /// for as long as it needs). Once an answer streams events, it may take its time.
    pub fn answer_timeout(mut self, limit: Duration) -> Self {
        self.answer_timeout = Some(limit);
        self
    }

    /// How often a request waits for a server that says it cannot answer now (503, 429), and for how
    /// long in all (default: 3 times within 30 s). `Retry-After` says how long each time; where a
    /// server asks for more than is left, or does not say it twice, the caller gets the error at
    /// once. Zero turns it off.
    pub fn retry_unavailable(mut self, most: usize, within: Duration) -> Self {
        self.most_waits = most;
        self.longest_wait = within;
        self
    }

    /// The largest JSON answer, and the largest event of a stream, in bytes (default: 16 MiB each).
    pub fn longest_answer(mut self, bytes: usize) -> Self {
        self.longest_answer = Some(bytes);
        self
    }

    /// Goes through this proxy, in the place of the one that the environment names. For `https`
    /// through a tunnel (`CONNECT`), so that the proxy sees no token. What goes to this machine
    /// unencrypted never leaves it: it uses no proxy but one on this machine.
    ///
    /// # Errors
    /// [`InvalidHttpSettings::Proxy`].
    pub fn proxy(mut self, url: impl Into<String>) -> Result<Self, InvalidHttpSettings> {
        let url = Zeroizing::new(url.into());
        let parsed = Url::parse(&url).map_err(|_| InvalidHttpSettings::Proxy)?;
        let usable = matches!(parsed.scheme(), "http" | "https") && parsed.has_host();
        if !usable || Proxy::all(&**url).is_err() {
            return Err(InvalidHttpSettings::Proxy);
        }
        self.proxy = ProxyChoice::Explicit(url);
        Ok(self)
    }

    /// Uses no proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::None;
        self
    }

    /// Trusts the authorities of these certificates too, beside those that the operating system
    /// trusts.
    ///
    /// # Errors
    /// [`InvalidHttpSettings::Certificate`].
    pub fn add_root_certificate_pem(mut self, pem: &str) -> Result<Self, InvalidHttpSettings> {
        let found = Certificate::from_pem_bundle(pem.as_bytes());
        let found = found.map_err(|_| InvalidHttpSettings::Certificate)?;
        if found.is_empty() {
            return Err(InvalidHttpSettings::Certificate);
        }
        self.roots.extend(found);
        Ok(self)
    }

    /// An HTTP client for requests to one server; redirects, pools and other limits are the
    /// caller's.
    pub(super) fn builder(&self, server: &Url) -> ClientBuilder {
        let builder = ClientBuilder::new().connect_timeout(self.connect_timeout);
        let builder = match self.roots.is_empty() {
            true => builder,
            false => builder.tls_certs_merge(self.roots.iter().cloned()),
        };
        let builder = match &self.proxy {
            ProxyChoice::None => return builder.no_proxy(),
            ProxyChoice::Environment if is_loopback(server) => return builder.no_proxy(),
            ProxyChoice::Environment => return builder,
            ProxyChoice::Explicit(url) => (builder.no_proxy(), url),
        };
        let (builder, url) = builder;
        let in_the_clear = server.scheme() == "http" && is_loopback(server);
        let away = !Url::parse(url).is_ok_and(|proxy| is_loopback(&proxy));
        match Proxy::all(&***url) {
            Ok(proxy) if !(in_the_clear && away) => builder.proxy(proxy),
            _ => builder,
        }
    }
}

/// Whether what goes there stays on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            // rmcp itself gives the newer protocol 10 s before it tries the older.
            handshake_timeout: Duration::from_secs(30),
            answer_timeout: None,
            most_waits: 3,
            longest_wait: Duration::from_secs(30),
            longest_answer: None,
            proxy: ProxyChoice::Environment,
            roots: Vec::new(),
        }
    }
}

impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxy = match &self.proxy {
            ProxyChoice::Environment => "environment",
            ProxyChoice::None => "none",
            ProxyChoice::Explicit(_) => "explicit",
        };
        f.debug_struct("HttpSettings")
            .field("connect_timeout", &self.connect_timeout)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("answer_timeout", &self.answer_timeout)
            .field("most_waits", &self.most_waits)
            .field("longest_wait", &self.longest_wait)
            .field("longest_answer", &self.longest_answer)
            .field("proxy", &proxy)
            .field("roots", &self.roots.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_proxy_and_no_certificate_is_said_at_once() {
        let settings = HttpSettings::default;
        for (url, good) in [
            ("http://proxy:3128", true),
            ("https://me:hunter2@proxy.example:8443", true),
            ("http://[::1]:3128/", true),
            ("proxy:3128", false),
            ("socks5://proxy:1080", false),
            ("http://", false),
            ("file:///x", false),
            ("", false),
        ] {
            let set = settings().proxy(url);
            assert_eq!(set.is_ok(), good, "{url}");
            assert!(!format!("{set:?}").contains("hunter2"));
        }
        for bad in [
            "",
            "hunter2",
            "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
        ] {
            let set = settings().add_root_certificate_pem(bad);
            assert_eq!(set.expect_err(bad), InvalidHttpSettings::Certificate);
        }
    }

    #[test]
    fn loopback_is_what_stays_on_this_machine() {
        for (url, expected) in [
            ("http://127.0.0.1:1/", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]/", true),
            ("http://localhost/", true),
            ("http://LOCALHOST./", true),
            ("http://a.localhost/", true),
            ("http://localhost.example/", false),
            ("http://0.0.0.0/", false),
            ("http://192.168.0.1/", false),
            ("https://mcp.example.com/", false),
        ] {
            let url = Url::parse(url).expect("a URL");
            assert_eq!(is_loopback(&url), expected, "{url}");
        }
    }
}
