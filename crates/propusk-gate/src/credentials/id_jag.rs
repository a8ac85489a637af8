//! A token for the caller at an upstream of another domain of trust, by the identity provider that
//! both trust (the MCP extension `io.modelcontextprotocol/enterprise-managed-authorization`, ID-JAG).

use std::fmt;

use http::{HeaderMap, header::AUTHORIZATION};
use propusk::{
    AccessToken, Scope, ScopeSet,
    client::{IssuedToken, TokenEndpoint},
};

use super::{
    CredentialsError, UpstreamCredentials,
    grant::{self, ACCESS_TOKEN, TOKEN_EXCHANGE},
    kept::Kept,
    token_exchange::Key,
};

const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
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
    kept: Kept<Key>,
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
            kept: Kept::new(),
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
        let scopes: Vec<_> = self.scopes.iter().map(Scope::as_str).collect();
        let scopes = scopes.join(" ");
        let mut parameters = vec![
            ("grant_type", TOKEN_EXCHANGE),
            ("requested_token_type", ID_JAG),
            ("subject_token", subject_token),
            ("subject_token_type", &self.subject_token_type),
            ("audience", &self.issuer),
            ("resource", &self.resource),
        ];
        if !scopes.is_empty() {
            parameters.push(("scope", &scopes));
        }
        let assertion = self.idp.ask(&parameters).await;
        let assertion = assertion.map_err(|refused| grant::about_the_caller(&refused))?;
        let assertion = grant::checked(assertion, &[ID_JAG], subject_token)?;
        // The assertion carries the scopes; to repeat them could undo a narrowing.
        let parameters = [
            ("grant_type", JWT_BEARER),
            ("assertion", assertion.secret.expose_secret()),
            ("resource", &self.resource),
        ];
        let issued = self.server.ask(&parameters).await;
        let issued = issued.map_err(|refused| grant::about_the_caller(&refused))?;
        grant::checked(issued, &[ACCESS_TOKEN], subject_token)
    }
}

impl UpstreamCredentials for IdJag {
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
