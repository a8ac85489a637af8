//! The gate as a client of its own (RFC 6749 §4.4), whoever is calling.

use std::fmt;

use http::HeaderMap;
use propusk::{
    AccessToken, Scope, ScopeSet,
    client::{self, IssuedToken, ProtectedServer, TokenEndpoint, TokenErrorKind},
};

use super::{CredentialsError, CredentialsErrorKind, UpstreamCredentials, grant, kept::Kept};

/// A token for the gate itself, the same for all callers. The upstream sees who is calling only where
/// it gets a [`CallerAssertion`](super::CallerAssertion) beside it.
pub struct ClientCredentials {
    way: Way,
    kept: Kept<()>,
}

enum Way {
    Named {
        endpoint: Box<TokenEndpoint>,
        resource: Option<String>,
        scopes: ScopeSet,
    },
    Discovered {
        source: Box<client::ClientCredentials>,
        server: ProtectedServer,
    },
}

impl ClientCredentials {
    /// Asks at this endpoint.
    #[must_use]
    pub fn at(endpoint: TokenEndpoint) -> Self {
        Self::new(Way::Named {
            endpoint: Box::new(endpoint),
            resource: None,
            scopes: ScopeSet::default(),
        })
    }

    /// Asks where the metadata of the upstream (RFC 9728) say, for what they say. Name the issuer of
    /// a secret with [`client::ClientCredentials::for_issuer`].
    #[must_use]
    pub fn discovered(source: client::ClientCredentials, upstream: ProtectedServer) -> Self {
        Self::new(Way::Discovered {
            source: Box::new(source),
            server: upstream,
        })
    }

    fn new(way: Way) -> Self {
        let kept = Kept::new();
        Self { way, kept }
    }

    /// Names the upstream to the endpoint (`resource`, RFC 8707).
    #[must_use]
    pub fn resource(mut self, url: impl Into<String>) -> Self {
        if let Way::Named { resource, .. } = &mut self.way {
            *resource = Some(url.into());
        }
        self
    }

    /// Asks for these scopes.
    #[must_use]
    pub fn scopes(mut self, wanted: ScopeSet) -> Self {
        if let Way::Named { scopes, .. } = &mut self.way {
            *scopes = wanted;
        }
        self
    }

    async fn ask(&self) -> Result<IssuedToken, CredentialsError> {
        match &self.way {
            Way::Named {
                endpoint,
                resource,
                scopes,
            } => {
                let scopes: Vec<_> = scopes.iter().map(Scope::as_str).collect();
                let scopes = scopes.join(" ");
                let mut parameters = vec![("grant_type", "client_credentials")];
                if let Some(resource) = resource {
                    parameters.push(("resource", resource));
                }
                if !scopes.is_empty() {
                    parameters.push(("scope", &scopes));
                }
                let issued = endpoint.ask(&parameters).await;
                issued.map_err(|refused| grant::about_the_gate(&refused))
            }
            Way::Discovered { source, server } => {
                let login = source.sign_in(server, None, None).await.map_err(|error| {
                    let kind = match error.kind() {
                        TokenErrorKind::Unavailable => CredentialsErrorKind::Unavailable,
                        _ => CredentialsErrorKind::Misconfigured,
                    };
                    CredentialsError::new(kind, error.to_string())
                })?;
                let mut issued = IssuedToken::new(login.access_token().clone());
                issued.expires_at = login.expires_at();
                Ok(issued)
            }
        }
    }
}

impl UpstreamCredentials for ClientCredentials {
    async fn headers(&self, _: Option<&AccessToken>) -> Result<HeaderMap, CredentialsError> {
        self.kept.headers(&(), None, || self.ask()).await
    }

    async fn refused(&self, _: Option<&AccessToken>, headers: &HeaderMap) -> bool {
        self.kept.forget(&(), headers)
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ClientCredentials");
        match &self.way {
            Way::Named { endpoint, .. } => shown.field("endpoint", endpoint),
            Way::Discovered { source, .. } => shown.field("source", source),
        };
        shown.finish_non_exhaustive()
    }
}
