//! A token for the caller at the upstream, for the caller's own here (RFC 8693).

use std::fmt;

use http::{HeaderMap, header::AUTHORIZATION};
use propusk::{AccessToken, Principal, Scope, ScopeSet, client::TokenEndpoint};
use sha2::{Digest, Sha256};

use super::{
    CredentialsError, UpstreamCredentials,
    grant::{self, ACCESS_TOKEN, TOKEN_EXCHANGE},
    kept::Kept,
};

/// Who asks, and with which token: its digest, so that no map of secrets comes about. A token with
/// other scopes of the same principal gets another one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(Principal, [u8; 32]);

impl Key {
    pub(super) fn new(caller: &AccessToken, text: &str) -> Self {
        Self(
            caller.principal().clone(),
            Sha256::digest(text.as_bytes()).into(),
        )
    }
}

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
    kept: Kept<Key>,
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
            kept: Kept::new(),
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

    async fn ask(
        &self,
        subject_token: &str,
    ) -> Result<propusk::client::IssuedToken, CredentialsError> {
        let scopes: Vec<_> = self.scopes.iter().map(Scope::as_str).collect();
        let scopes = scopes.join(" ");
        let mut parameters = vec![
            ("grant_type", TOKEN_EXCHANGE),
            ("subject_token", subject_token),
            ("subject_token_type", &self.subject_token_type),
            ("requested_token_type", ACCESS_TOKEN),
        ];
        for (name, value) in [("resource", &self.resource), ("audience", &self.audience)] {
            parameters.extend(value.as_deref().map(|value| (name, value)));
        }
        if !scopes.is_empty() {
            parameters.push(("scope", &scopes));
        }
        let issued = self.endpoint.ask(&parameters).await;
        let issued = issued.map_err(|refused| grant::about_the_caller(&refused))?;
        let kinds = [ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:jwt"];
        grant::checked(issued, &kinds, subject_token)
    }
}

impl UpstreamCredentials for TokenExchange {
    async fn headers(&self, caller: Option<&AccessToken>) -> Result<HeaderMap, CredentialsError> {
        let (caller, text) = grant::token_of(caller)?;
        let (key, end) = (Key::new(caller, text), caller.valid_until());
        let header = self.kept.header(&key, end, || self.ask(text)).await?;
        Ok(HeaderMap::from_iter([(AUTHORIZATION, header)]))
    }

    async fn refused(&self, caller: Option<&AccessToken>, headers: &HeaderMap) -> bool {
        grant::token_of(caller).is_ok_and(|(caller, text)| {
            let key = Key::new(caller, text);
            self.kept.forget(&key, headers.get(AUTHORIZATION))
        })
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
