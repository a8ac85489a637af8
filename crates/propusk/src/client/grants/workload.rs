//! Workload identity (the grant of RFC 7523 §2.1; the MCP extension `io.modelcontextprotocol/auth/wif`,
//! a draft): the platform that a program runs on says who it is.

use std::{error::Error, path::PathBuf};

use super::{
    machine::{Grant, Machine, machine_source},
    machine_client::MachineClient,
    place::{Place, Way},
    statement::Statement,
    token_request::TokenRequest,
};
use crate::{
    ScopeSet,
    client::{ProtectedServer, TokenError, token_answer::TokenAnswer},
};

pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Tokens for a program that its platform vouches for: a Kubernetes service account, SPIFFE, a
/// cloud. The platform's JSON Web Token is exchanged for one for the MCP server.
///
/// It is read anew for each exchange, since platforms replace it. Where the authorization server
/// rejects it, that is the error: nothing else is tried.
///
/// ```no_run
/// # async fn run() -> Result<(), propusk::client::ClientError> {
/// use propusk::{Client, client::WorkloadIdentity};
///
/// let tokens = WorkloadIdentity::from_file("/var/run/secrets/tokens/mcp")
///     .for_issuer("https://login.example.com");
/// let session = Client::new("https://mcp.example.com/mcp").tokens(tokens).connect().await?;
/// # drop(session);
/// # Ok(())
/// # }
/// ```
pub struct WorkloadIdentity(Machine<Workload>);

struct Workload {
    assertion: Statement,
    client: Option<MachineClient>,
}

impl WorkloadIdentity {
    /// The platform's token comes from this closure.
    pub fn new<A, F>(assertion: A) -> Self
    where
        A: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<String, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        Self::of(Statement::new(assertion))
    }

    /// The platform keeps its token in this file.
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self::of(Statement::file(path.into()))
    }

    fn of(assertion: Statement) -> Self {
        Self(Machine::new(Workload {
            assertion,
            client: None,
        }))
    }

    /// Says which client it is too, where the authorization server wants to know. Most take the
    /// assertion alone.
    #[must_use]
    pub fn client(mut self, client: MachineClient) -> Self {
        self.0.grant.client = Some(client);
        self
    }
}

machine_source!(WorkloadIdentity);

impl Grant for Workload {
    async fn ask(
        &self,
        place: &Place,
        way: &Way,
        server: &ProtectedServer,
        scopes: &ScopeSet,
    ) -> Result<TokenAnswer, TokenError> {
        let assertion = self.assertion.now("the platform's token").await?;
        let request = TokenRequest {
            grant_type: JWT_BEARER,
            assertion: Some(&assertion),
            client: self.client.as_ref(),
            scopes,
        };
        request.send(place, way, server).await
    }
}
