//! Which MCP server, and which issuer: what may stand in the place of either.

use url::Url;

use super::answer::quoted;
use crate::{
    ResourceUrl,
    client::{ProtectedServer, TokenError, TokenErrorKind},
};

/// The URL of the server: https, or on this machine.
pub(in crate::client) fn server_url(server: &ProtectedServer) -> Result<Url, TokenError> {
    let misconfigured = |error: crate::InvalidResourceUrl| {
        TokenError::new(TokenErrorKind::Misconfigured, error.to_string())
    };
    let resource = ResourceUrl::parse_server(server.url()).map_err(misconfigured)?;
    if resource.scheme() == "http" && !resource.is_loopback() {
        return Err(TokenError::new(
            TokenErrorKind::Unsafe,
            "a token is sent to another machine over https only; this URL begins with http://",
        ));
    }
    Url::parse(server.url()).map_err(|error| {
        TokenError::new(
            TokenErrorKind::Misconfigured,
            format!("the server's URL: {error}"),
        )
    })
}

pub(in crate::client) fn issuer_url(text: &str) -> Result<Url, TokenError> {
    Url::parse(text).map_err(|error| {
        TokenError::new(
            TokenErrorKind::Misconfigured,
            format!("the issuer is no URL: {error}"),
        )
    })
}

pub(in crate::client) fn not_the_wanted_issuer(wanted: &str, named: &str) -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        format!(
            "the server names the authorization server {} and not {}, which was asked for; nothing \
             was sent there",
            quoted(named, 100),
            quoted(wanted, 100)
        ),
    )
}
