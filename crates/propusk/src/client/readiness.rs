//! Whether a server accepts work: the question that a health check asks.

use std::time::Duration;

use reqwest::redirect::Policy;
use url::Url;

use super::http_settings::is_loopback;

/// What a health check waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the server at this URL whether it accepts work, which is `/readyz` of its origin, whatever
/// path the URL has. Nothing secret is sent. On this machine no certificate is checked, since it is
/// made out for the name that others use.
///
/// # Errors
/// It does not, or cannot be asked within five seconds.
pub async fn ready(url: &str) -> Result<(), NotReady> {
    let mut url = Url::parse(url).map_err(|_| NotReady::Url)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(NotReady::Url);
    }
    url.set_path("/readyz");
    url.set_query(None);
    url.set_fragment(None);
    let builder = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(Policy::none());
    let builder = match is_loopback(&url) {
        true => builder.no_proxy().tls_danger_accept_invalid_certs(true),
        false => builder,
    };
    let unreachable = |error: reqwest::Error| NotReady::Unreachable(innermost(&error));
    let client = builder.build().map_err(unreachable)?;
    let answer = client.get(url).send().await.map_err(unreachable)?;
    match answer.status().as_u16() {
        200 => Ok(()),
        status => Err(NotReady::Answered(status)),
    }
}

/// Why a server does not accept work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotReady {
    /// What was given is no URL of a server.
    #[error("is not the URL of a server, such as http://127.0.0.1:8000")]
    Url,
    /// There is no answer, and why.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// It answers with this status: 503 while it shuts down.
    #[error("it answers with HTTP {0}")]
    Answered(u16),
}

/// What the operating system said, without the layers above it.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
