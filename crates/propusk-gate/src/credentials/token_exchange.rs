//! A token for the caller at the upstream, for the caller's own here (RFC 8693).

use std::fmt;

use http::HeaderMap;
use propusk::{AccessToken, ScopeSet, client::TokenEndpoint};

use super::{
    CredentialsError, UpstreamCredentials,
    exchange::{ACCESS_TOKEN, Exchange},
    per_caller::PerCaller,
};

/// Exchanges the token of each caller for one that is good at the upstream. The caller's token is
/// shown to the token endpoint, which its operator names, and to nobody else.
///
/// The token that comes back is kept for this principal and this token until near its end, and no
/// longer than the caller's own is valid. Anonymous callers get none (401); a caller whose token the
/// endpoint does not accept is forbidden (403).
pub struct TokenExchange {
    endpoint: TokenEndpoint,
    resource: Option<String>,
    audience: Option<String>,
    scopes: ScopeSet,
    subject_token_type: String,
    kept: PerCaller,
}

impl TokenExchange {
    /// Exchanges at this endpoint.
    #[must_use]
    pub fn at(endpoint: TokenEndpoint) -> Self {
        Self {
            endpoint,
            resource: None,
            audience: None,
            scopes: ScopeSet::default(),
            subject_token_type: ACCESS_TOKEN.to_owned(),
            kept: PerCaller::new(),
        }
    }

    /// Names the upstream by its URL (`resource`, RFC 8693 §2.1).
    #[must_use]
    pub fn resource(mut self, url: impl Into<String>) -> Self {
        self.resource = Some(url.into());
        self
    }

    /// Names the upstream by the name that it has at the endpoint (`audience`, RFC 8693 §2.1).
    #[must_use]
    pub fn audience(mut self, name: impl Into<String>) -> Self {
        self.audience = Some(name.into());
        self
    }

    /// Asks for these scopes; without them for what the endpoint gives.
    #[must_use]
    pub fn scopes(mut self, wanted: ScopeSet) -> Self {
        self.scopes = wanted;
        self
    }

    /// Says what callers' tokens are (RFC 8693 §3); access tokens by default.
    #[must_use]
    pub fn subject_token_type(mut self, uri: impl Into<String>) -> Self {
        self.subject_token_type = uri.into();
        self
    }
}

impl UpstreamCredentials for TokenExchange {
    async fn headers(&self, caller: Option<&AccessToken>) -> Result<HeaderMap, CredentialsError> {
        let ask = async |subject_token: &str| {
            let exchange = Exchange {
                subject_token,
                subject_token_type: &self.subject_token_type,
                requested_token_type: ACCESS_TOKEN,
                resource: self.resource.as_deref(),
                audience: self.audience.as_deref(),
                scopes: &self.scopes,
            };
            exchange.at(&self.endpoint).await
        };
        self.kept.headers(caller, ask).await
    }

    async fn refused(&self, caller: Option<&AccessToken>, headers: &HeaderMap) -> bool {
        self.kept.forget(caller, headers)
    }
}

impl fmt::Debug for TokenExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenExchange")
            .field("endpoint", &self.endpoint)
            .field("resource", &self.resource)
            .field("audience", &self.audience)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
