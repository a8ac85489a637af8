//! Client credentials (RFC 6749 §4.4; the MCP extension
//! `io.modelcontextprotocol/oauth-client-credentials`).

use std::time::SystemTime;

use super::{
    machine::{Grant, Machine, machine_source},
    machine_client::MachineClient,
    place::{Place, Way},
    token_request::TokenRequest,
};
use crate::{
    ScopeSet,
    client::{Login, LoginKey, ProtectedServer, TokenError, token_answer::TokenAnswer},
};

/// Tokens for a program that is a client of its own: a service, a scheduled job.
///
/// The client was registered by hand at one authorization server; name it with
/// [`ClientCredentials::for_issuer`]. Without that it is the one that the MCP server names the first
/// time, which is trust that a secret should not depend on.
///
/// ```no_run
/// # async fn run(secret: String, pem: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use propusk::{
///     Client, ClientAuthentication, ClientKey,
///     client::{ClientCredentials, MachineClient},
/// };
///
/// let with_secret = ClientCredentials::new(MachineClient::secret("nightly-report", secret))
///     .for_issuer("https://login.example.com");
/// // Better: no secret is sent, but an assertion signed with a key (RFC 7523 §2.2).
/// let key = ClientKey::from_pem(pem)?;
/// let by = ClientAuthentication::private_key_jwt("nightly-report", key);
/// let with_key = ClientCredentials::new(MachineClient::authenticated(by))
///     .for_issuer("https://login.example.com");
/// let session = Client::new("https://mcp.example.com/mcp").tokens(with_key).connect().await?;
/// # drop((session, with_secret));
/// # Ok(())
/// # }
/// ```
pub struct ClientCredentials(Machine<Client>);

struct Client(MachineClient);

impl ClientCredentials {
    /// Tokens for this client.
    #[must_use]
    pub fn new(client: MachineClient) -> Self {
        Self(Machine::new(Client(client)))
    }

    /// Asks for a token once, for a program that keeps it for others: a login without a refresh
    /// token. The client's secret is no part of it. `challenge` is the `WWW-Authenticate` header of
    /// the server's refusal, where there was one; `account` a name of the caller's own.
    ///
    /// # Errors
    /// [`TokenError`], in one sentence that says what would help.
    pub async fn sign_in(
        &self,
        server: &ProtectedServer,
        challenge: Option<&str>,
        account: Option<String>,
    ) -> Result<Login, TokenError> {
        let Machine {
            grant, way, scopes, ..
        } = &self.0;
        let place = way.find(server, challenge).await?;
        let scopes = scopes.as_ref().unwrap_or(&place.scopes);
        let answer = grant.ask(&place, way, server, scopes).await?;
        let key = LoginKey {
            server: server.url().to_owned(),
            resource: place.resource.clone(),
            issuer: place.issuer.clone(),
            client_id: grant.0.id().to_owned(),
            account,
        };
        let pem = way.dpop.as_ref().map(|key| (*key.to_pem()).clone());
        Ok(Login::new(key, place.token_endpoint(), answer.access_token)
            .with_times(SystemTime::now(), answer.expires_at)
            .with_scopes(answer.scopes.unwrap_or_else(|| scopes.clone()))
            .with_dpop_key(pem, answer.bound)
            .of_machine())
    }
}

machine_source!(ClientCredentials);

impl Grant for Client {
    async fn ask(
        &self,
        place: &Place,
        way: &Way,
        server: &ProtectedServer,
        scopes: &ScopeSet,
    ) -> Result<TokenAnswer, TokenError> {
        let request = TokenRequest {
            grant_type: "client_credentials",
            assertion: None,
            client: Some(&self.0),
            scopes,
        };
        request.send(place, way, server).await
    }
}
