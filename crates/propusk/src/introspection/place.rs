//! Where the introspection endpoint is: given, or in the metadata of the issuer.

use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use url::Url;

use super::{Failure, InvalidIntrospection};
use crate::{IssuerUrl, ResourceUrl, discovery::discover, fetch::Fetcher};

/// For so long after a failure the metadata is not asked for again.
const COOL_DOWN: Duration = Duration::from_secs(5);

/// Where tokens are introspected.
pub(super) enum Place {
    Given(Url),
    Discovered(Discovered),
}

/// Found when it is needed first, so that the server starts while the issuer is down.
pub(super) struct Discovered {
    issuer: IssuerUrl,
    /// Whoever holds it looks while the others wait for the same answer.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    found: Option<Url>,
    failed_at: Option<SystemTime>,
}

impl Place {
    pub(super) fn of(issuer: IssuerUrl) -> Self {
        Self::Discovered(Discovered {
            issuer,
            state: Mutex::default(),
        })
    }

    /// The URL that was given.
    pub(super) fn given(&self) -> Option<&str> {
        match self {
            Self::Given(url) => Some(url.as_str()),
            Self::Discovered(_) => None,
        }
    }

    /// The host, for a human.
    pub(super) fn host(&self) -> &str {
        let url = match self {
            Self::Given(url) => url,
            Self::Discovered(discovered) => discovered.issuer.url(),
        };
        url.host_str().unwrap_or_default()
    }

    pub(super) async fn find(&self, fetcher: &Fetcher, now: SystemTime) -> Result<Url, Failure> {
        match self {
            Self::Given(url) => Ok(url.clone()),
            Self::Discovered(discovered) => discovered.find(fetcher, now).await,
        }
    }

    /// Looks again next time: the endpoint is not where the metadata said.
    pub(super) async fn forget(&self) {
        if let Self::Discovered(discovered) = self {
            discovered.state.lock().await.found = None;
        }
    }
}

impl Discovered {
    async fn find(&self, fetcher: &Fetcher, now: SystemTime) -> Result<Url, Failure> {
        let mut state = self.state.lock().await;
        if let Some(url) = &state.found {
            return Ok(url.clone());
        }
        let since = state.failed_at.and_then(|at| now.duration_since(at).ok());
        if since.is_some_and(|since| since < COOL_DOWN) {
            return Err(Failure::NotFoundBefore);
        }
        // Also for those who give up waiting for the answer.
        state.failed_at = Some(now);
        let url = discover(fetcher, &self.issuer).await?.introspection_url()?;
        if !is_confidential(&url) {
            return Err(Failure::Insecure(url.origin().ascii_serialization()));
        }
        // Also what may not be asked at all is refused here, so that it is looked for again.
        let _ = fetcher.post(&url)?;
        state.failed_at = None;
        state.found = Some(url.clone());
        Ok(url)
    }
}

/// The URL of an endpoint that was given, if tokens may be sent there.
pub(super) fn parse_endpoint(text: &str) -> Result<Url, InvalidIntrospection> {
    ResourceUrl::parse_server(text).map_err(InvalidIntrospection::Endpoint)?;
    let url = Url::parse(text).ok().filter(is_confidential);
    url.ok_or(InvalidIntrospection::Insecure)
}

/// Whether nobody on the way can read along: https, or this very machine.
fn is_confidential(url: &Url) -> bool {
    let is_loopback = || ResourceUrl::parse_server(url.as_str()).is_ok_and(|url| url.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_tokens_may_be_sent() {
        for (text, fine) in [
            ("https://login.example/introspect", true),
            ("https://login.example/introspect?tenant=1", true),
            ("http://127.0.0.1:9000/introspect", true),
            ("http://[::1]:9000/introspect", true),
            ("http://localhost/introspect", true),
            ("http://login.example/introspect", false),
            ("http://10.0.0.1/introspect", false),
            ("https://me:hunter2@login.example/introspect", false),
            ("https://login.example/introspect#x", false),
            ("ftp://localhost/", false),
            ("/introspect", false),
            ("", false),
        ] {
            assert_eq!(parse_endpoint(text).is_ok(), fine, "{text}");
        }
    }
}
