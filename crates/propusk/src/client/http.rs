//! What goes over the wire besides the protocol: the URL, the header, the connection.

use std::{fmt, time::Duration};

use reqwest::{
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
    redirect,
};
use zeroize::Zeroizing;

use super::ClientError;
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

/// How long a connection may take to come about. Calls themselves may take as long as they need.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Checks a server's URL: `http(s)`, and `https` where a token goes to another machine.
pub(super) fn usable_url(text: &str, with_token: bool) -> Result<ResourceUrl, ClientError> {
    let url = ResourceUrl::parse_server(text)?;
    if with_token && url.scheme() == "http" && !url.is_loopback() {
        return Err(ClientError::new(ErrorKind::InsecureUrl));
    }
    Ok(url)
}

pub(super) fn client(
    url: &ResourceUrl,
    token: Option<&BearerToken>,
) -> Result<reqwest::Client, ClientError> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, authorization(token)?);
    }
    let mut client = reqwest::Client::builder();
    if url.is_loopback() {
        // A proxy of the environment would get the token in the clear.
        client = client.no_proxy();
    }
    client
        .default_headers(headers)
        .connect_timeout(CONNECT_TIMEOUT)
        // A redirect would carry the token, or lose it, without anybody having decided so.
        .redirect(redirect::Policy::none())
        // rmcp's own setting: a connection whose last answer was not read to its end stalls.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| ClientError::caused(ErrorKind::Transport, error))
}

fn authorization(token: &BearerToken) -> Result<HeaderValue, ClientError> {
    let text = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|error| ClientError::caused(ErrorKind::InvalidToken, error))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outgoing_header_is_marked_sensitive() {
        let token = Secret::new("Bearer hunter2".to_owned());
        assert_eq!(format!("{token:?}"), "[redacted]");
        let value = authorization(&token.parse().expect("a token")).expect("a header");
        assert!(value.is_sensitive());
        assert_eq!(value.to_str().expect("ASCII"), "Bearer hunter2");
        assert_eq!(format!("{value:?}"), "Sensitive");
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
