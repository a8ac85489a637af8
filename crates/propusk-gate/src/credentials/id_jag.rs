//! A token for the caller at an upstream of another domain of trust, by the identity provider that
//! both trust (the MCP extension `io.modelcontextprotocol/enterprise-managed-authorization`, ID-JAG).

use std::fmt;

use http::HeaderMap;
use propusk::{
    AccessToken, ScopeSet,
    client::{IssuedToken, TokenEndpoint},
};

use super::{
    CredentialsError, UpstreamCredentials,
    exchange::{ACCESS_TOKEN, Exchange, ID_JAG, checked},
    grant,
    per_caller::PerCaller,
};

/// RFC 7523 §2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Exchanges the token of each caller at the company's identity provider for an assertion for the
/// upstream's authorization server (RFC 8693), and that there for a token (RFC 7523). Kept, and
/// refused, as with a [`TokenExchange`](super::TokenExchange).
pub struct IdJag {
    idp: TokenEndpoint,
    server: TokenEndpoint,
    issuer: String,
    resource: String,
    scopes: ScopeSet,
    subject_token_type: String,
    kept: PerCaller,
}

impl IdJag {
    /// The identity provider; the upstream's authorization server and its issuer identifier; and the
    /// upstream as that server names it.
    #[must_use]
    pub fn new(
        idp: TokenEndpoint,
        server: TokenEndpoint,
        issuer: impl Into<String>,
        resource: impl Into<String>,
    ) -> Self {
        Self {
            idp,
            server,
            issuer: issuer.into(),
            resource: resource.into(),
            scopes: ScopeSet::default(),
            subject_token_type: ACCESS_TOKEN.to_owned(),
            kept: PerCaller::new(),
        }
    }

    /// Asks for these scopes.
    #[must_use]
    pub fn scopes(mut self, wanted: ScopeSet) -> Self {
        self.scopes = wanted;
        self
    }

    /// Says what callers' tokens are (RFC 8693 §3): access tokens by default, ID tokens
    /// (`urn:ietf:params:oauth:token-type:id_token`) where that is what callers come with.
    #[must_use]
    pub fn subject_token_type(mut self, uri: impl Into<String>) -> Self {
        self.subject_token_type = uri.into();
        self
    }

    async fn ask(&self, subject_token: &str) -> Result<IssuedToken, CredentialsError> {
        let exchange = Exchange {
            subject_token,
            subject_token_type: &self.subject_token_type,
            requested_token_type: ID_JAG,
            resource: Some(&self.resource),
            audience: Some(&self.issuer),
            scopes: &self.scopes,
        };
        let assertion = exchange.at(&self.idp).await;
        let assertion = assertion.map_err(|error| error.at("the identity provider"))?;
        // The assertion carries the scopes; to repeat them could undo a narrowing.
        let parameters = [
            ("grant_type", JWT_BEARER),
            ("assertion", assertion.secret.expose_secret()),
            ("resource", &self.resource),
        ];
        let issued = self.server.ask(&parameters).await;
        let issued = issued.map_err(|refused| grant::about_the_caller(&refused));
        let issued = issued.and_then(|issued| checked(issued, ACCESS_TOKEN, subject_token));
        issued.map_err(|error| error.at("the upstream's authorization server"))
    }
}

impl UpstreamCredentials for IdJag {
    async fn headers(&self, caller: Option<&AccessToken>) -> Result<HeaderMap, CredentialsError> {
        let ask = async |subject_token: &str| self.ask(subject_token).await;
        self.kept.headers(caller, ask).await
    }

    async fn refused(&self, caller: Option<&AccessToken>, headers: &HeaderMap) -> bool {
        self.kept.forget(caller, headers)
    }
}

impl fmt::Debug for IdJag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdJag")
            .field("idp", &self.idp)
            .field("server", &self.server)
            .field("resource", &self.resource)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
