//! Where an upstream is.

use std::{fmt, str::FromStr};

use http::{HeaderValue, Uri};
use url::{Host, Url};

/// The URL of an MCP server behind the gate: http or https, without a user name. Its operator names
/// it, so that it may be anywhere, also inside a network.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamUrl {
    uri: Uri,
    host: HeaderValue,
    text: String,
    is_clear: bool,
}

/// Why a text is no URL of an upstream. It never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUpstreamUrl {
    /// It is no URL, or not of http or https.
    #[error("the upstream is not a URL that begins with http:// or https://")]
    NotHttp,
    /// A user name or a password stands in it.
    #[error(
        "the upstream's URL contains a user name or a password; set up credentials instead, which \
         no log shows"
    )]
    UserInfo,
    /// A fragment stands in it.
    #[error("the upstream's URL has a fragment (#...), which no server gets to see")]
    Fragment,
}

impl UpstreamUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`InvalidUpstreamUrl`].
    pub fn parse(text: &str) -> Result<Self, InvalidUpstreamUrl> {
        let url = Url::parse(text).map_err(|_| InvalidUpstreamUrl::NotHttp)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(InvalidUpstreamUrl::NotHttp);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidUpstreamUrl::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(InvalidUpstreamUrl::Fragment);
        }
        let uri: Uri = url
            .as_str()
            .parse()
            .map_err(|_| InvalidUpstreamUrl::NotHttp)?;
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let host = HeaderValue::from_str(host).map_err(|_| InvalidUpstreamUrl::NotHttp)?;
        let is_clear = url.scheme() == "http" && !url.host().as_ref().is_some_and(is_loopback);
        let text = url.into();
        Ok(Self {
            uri,
            host,
            text,
            is_clear,
        })
    }

    /// The URL as it is asked.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether everybody on the way can read what is sent there: http, and another machine.
    #[must_use]
    pub fn is_in_the_clear(&self) -> bool {
        self.is_clear
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The value of `Host`: the client's own says nothing to the upstream.
    pub(super) fn host(&self) -> &HeaderValue {
        &self.host
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        // RFC 6761 §6.3.
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

impl FromStr for UpstreamUrl {
    type Err = InvalidUpstreamUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUpstreamUrl> {
        Self::parse(text)
    }
}

/// Without the query, in which keys are sometimes kept.
impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UpstreamUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_url_of_http_without_secrets() {
        for (text, expected) in [
            ("http://127.0.0.1:9000/mcp", Ok("http://127.0.0.1:9000/mcp")),
            ("http://[::1]:9000/mcp", Ok("http://[::1]:9000/mcp")),
            ("https://notes.example", Ok("https://notes.example/")),
            ("http://notes/mcp?key=hunter2", Ok("http://notes/mcp")),
            ("http://me@notes/mcp", Err(InvalidUpstreamUrl::UserInfo)),
            ("http://me:pw@notes/mcp", Err(InvalidUpstreamUrl::UserInfo)),
            ("http://notes/mcp#x", Err(InvalidUpstreamUrl::Fragment)),
            ("ftp://notes/mcp", Err(InvalidUpstreamUrl::NotHttp)),
            ("notes:9000/mcp", Err(InvalidUpstreamUrl::NotHttp)),
            ("/mcp", Err(InvalidUpstreamUrl::NotHttp)),
        ] {
            let shown = UpstreamUrl::parse(text).map(|url| url.to_string());
            assert_eq!(shown, expected.map(str::to_owned), "{text}");
        }
        for (text, expected) in [
            ("http://notes/mcp", true),
            ("http://10.0.0.1/mcp", true),
            ("http://localhost.example/mcp", true),
            ("https://notes/mcp", false),
            ("http://127.0.0.9:1/", false),
            ("http://[::1]:1/", false),
            ("http://LOCALHOST:1/", false),
        ] {
            let url = UpstreamUrl::parse(text).expect("a URL");
            assert_eq!(url.is_in_the_clear(), expected, "{text}");
        }
        let url = UpstreamUrl::parse("http://notes/mcp?key=hunter2").expect("a URL");
        assert!(!format!("{url:?}").contains("hunter2"));
        assert_eq!(url.uri().query(), Some("key=hunter2"));
        assert_eq!(url.host(), "notes");
    }
}
