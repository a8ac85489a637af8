//! What goes over the wire besides the protocol: the URL, the header, the connection.

use std::fmt;

use reqwest::redirect;
use url::Url;
use zeroize::Zeroizing;

use super::{ClientError, HttpSettings};
use crate::{BearerToken, ResourceUrl, client::ErrorKind};

/// The text that a caller gave as a token, before anybody looked at it.
#[derive(Clone)]
pub(super) struct Secret(Zeroizing<String>);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(super) fn parse(&self) -> Result<BearerToken, ClientError> {
        BearerToken::parse(&self.0).map_err(ClientError::from)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Checks a server's URL: `http(s)`, and `https` where a token goes to another machine.
pub(super) fn usable_url(text: &str, with_token: bool) -> Result<ResourceUrl, ClientError> {
    let url = ResourceUrl::parse_server(text)?;
    if with_token && url.scheme() == "http" && !url.is_loopback() {
        return Err(ClientError::new(ErrorKind::InsecureUrl));
    }
    Ok(url)
}

/// The HTTP client for one MCP server.
pub(super) fn client(
    url: &ResourceUrl,
    settings: &HttpSettings,
) -> Result<reqwest::Client, ClientError> {
    let server = Url::parse(url.as_str());
    let server = server.map_err(|error| ClientError::caused(ErrorKind::InvalidUrl, error))?;
    settings
        .builder(&server)
        // A redirect would carry the token, or lose it, without anybody having decided so.
        .redirect(redirect::Policy::none())
        // rmcp's own setting: a connection whose last answer was not read to its end stalls.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| ClientError::caused(ErrorKind::Transport, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_as_a_token_is_not_shown() {
        let token = Secret::new("Bearer hunter2".to_owned());
        assert_eq!(format!("{token:?}"), "[redacted]");
    }

    #[test]
    fn a_token_goes_over_https_or_stays_on_this_machine() {
        for (url, with_token, fine) in [
            ("http://127.0.0.1:8000/mcp", true, true),
            ("http://[::1]:8000/mcp", true, true),
            ("http://localhost:8000/mcp", true, true),
            ("https://mcp.example.com/mcp", true, true),
            ("http://mcp.example.com/mcp", true, false),
            ("http://mcp.example.com/mcp", false, true),
            ("mcp.example.com", false, false),
            ("file:///etc/passwd", false, false),
        ] {
            assert_eq!(
                usable_url(url, with_token).is_ok(),
                fine,
                "{url} {with_token}"
            );
        }
    }
}
