//! Enterprise-managed authorization (the MCP extension
//! `io.modelcontextprotocol/enterprise-managed-authorization`, ID-JAG): the company's identity
//! provider decides which MCP servers its people use. The exchange there is rmcp's.

use std::error::Error;

use reqwest::header::AUTHORIZATION;
use rmcp::transport::auth::{
    OAuthHttpClient, OAuthHttpClientFuture, OAuthHttpRequest,
    enterprise::{EmaAuthorizationServer, EmaError, EmaExchangeRequest, EmaExchangeStage},
};
use url::form_urlencoded::{self, Serializer};
use zeroize::Zeroizing;

use super::{
    machine::{Grant, Machine, machine_source},
    machine_client::{MachineClient, Proof},
    place::{Place, Way},
    statement::Statement,
    token_request::{Signed, TokenRequest},
    workload::JWT_BEARER,
};
use crate::{
    ScopeSet,
    client::{
        ProtectedServer, TokenError, TokenErrorKind,
        oauth::{OAuthHttp, of_exchange},
        token_answer::TokenAnswer,
    },
};

/// Tokens for a user whose company has one sign-in for everything: the ID token of that sign-in is
/// exchanged at the identity provider for an assertion for one MCP server (RFC 8693), and this for a
/// token at that server's authorization server (RFC 7523). The user is not asked.
///
/// ```no_run
/// # async fn run(idp_secret: String, secret: String) -> Result<(), propusk::client::ClientError> {
/// use propusk::{
///     Client,
///     client::{EnterpriseIdp, EnterpriseManaged, MachineClient},
/// };
/// # async fn id_token_of_the_session() -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
/// #     Ok(String::new())
/// # }
///
/// let idp = EnterpriseIdp::new(
///     "https://idp.example.com",
///     "https://idp.example.com/token",
///     MachineClient::secret("desktop", idp_secret),
/// );
/// let here = MachineClient::secret("desktop-at-mcp", secret);
/// let tokens = EnterpriseManaged::new(idp, here, id_token_of_the_session);
/// let session = Client::new("https://mcp.example.com/mcp").tokens(tokens).connect().await?;
/// # drop(session);
/// # Ok(())
/// # }
/// ```
pub struct EnterpriseManaged(Machine<Enterprise>);

struct Enterprise {
    idp: EnterpriseIdp,
    client: MachineClient,
    id_token: Statement,
}

/// The identity provider of a company, as its administrator names it. Nobody else can: the URLs are
/// not discovered.
#[derive(Debug, Clone)]
pub struct EnterpriseIdp {
    issuer: String,
    token_endpoint: String,
    client: MachineClient,
}

impl EnterpriseIdp {
    /// Its issuer and token endpoint, and who this program is there.
    #[must_use]
    pub fn new(
        issuer: impl Into<String>,
        token_endpoint: impl Into<String>,
        client: MachineClient,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            token_endpoint: token_endpoint.into(),
            client,
        }
    }
}

impl EnterpriseManaged {
    /// Tokens by this identity provider, for the client that this program is at the MCP server's
    /// authorization server. The closure gives the user's ID token, anew for each exchange.
    pub fn new<A, F>(idp: EnterpriseIdp, client: MachineClient, id_token: A) -> Self
    where
        A: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<String, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        Self(Machine::new(Enterprise {
            idp,
            client,
            id_token: Statement::new(id_token),
        }))
    }
}

machine_source!(EnterpriseManaged);

impl Grant for Enterprise {
    async fn ask(
        &self,
        place: &Place,
        way: &Way,
        server: &ProtectedServer,
        scopes: &ScopeSet,
    ) -> Result<TokenAnswer, TokenError> {
        let id_token = self.id_token.now("the user's ID token").await?;
        let assertion = self
            .assertion(&id_token, place, way, server, scopes)
            .await?;
        let request = TokenRequest {
            grant_type: JWT_BEARER,
            assertion: Some(&assertion),
            client: Some(&self.client),
            // The assertion carries them; to repeat them could undo a narrowing.
            scopes: &ScopeSet::default(),
        };
        request.send(place, way, server).await
    }
}

impl Enterprise {
    /// The identity provider's assertion for this place.
    async fn assertion(
        &self,
        id_token: &str,
        place: &Place,
        way: &Way,
        server: &ProtectedServer,
        scopes: &ScopeSet,
    ) -> Result<Zeroizing<String>, TokenError> {
        let way = Way {
            issuer: Some(self.idp.token_endpoint.clone()),
            dpop: None,
            ..way.clone()
        };
        let http = IdpHttp {
            http: way.http(server)?,
            proof: self.idp.client.proof(None, None)?,
            issuer: &self.idp.issuer,
        };
        let (idp, client) = (&self.idp, self.client.id());
        let idp = EmaAuthorizationServer::new(&*idp.issuer, &*idp.token_endpoint, idp.client.id());
        let here = EmaAuthorizationServer::new(&*place.issuer, place.token_endpoint(), client);
        let exchange = EmaExchangeRequest::new_with_id_token(idp, here, &place.resource, id_token)
            .with_scopes(scopes.iter().map(crate::Scope::as_str))
            .exchange_id_jag(&http)
            .await;
        match exchange {
            Ok(assertion) => Ok(Zeroizing::new(assertion.assertion().secret().clone())),
            Err(error) => Err(match http.http.take_failure() {
                Some(failure) => of_exchange(&failure, "asking the identity provider"),
                None => declined(&error),
            }),
        }
    }
}

/// rmcp's exchange with the identity provider, with our client authentication, which knows signed
/// assertions, and within our limits.
struct IdpHttp<'a> {
    http: OAuthHttp,
    proof: Proof,
    issuer: &'a str,
}

impl OAuthHttpClient for IdpHttp<'_> {
    fn execute(&self, mut request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        let mut form = Serializer::new(String::with_capacity(4096));
        let pairs = form_urlencoded::parse(request.request.body());
        // Named by the client authentication, where it belongs into the form.
        form.extend_pairs(pairs.filter(|(name, _)| name != "client_id"));
        match Signed::by(&self.proof, form, self.issuer) {
            Ok(signed) => {
                *request.request.body_mut() = signed.form.as_bytes().to_vec();
                if let Some(authorization) = signed.authorization {
                    let headers = request.request.headers_mut();
                    headers.insert(AUTHORIZATION, authorization);
                }
                self.http.execute(request)
            }
            Err(error) => Box::pin(async move { Err(Box::from(error)) }),
        }
    }
}

fn declined(error: &EmaError) -> TokenError {
    let (kind, way_out) = match error {
        EmaError::InvalidGrant(_) | EmaError::InsufficientUserAuthentication(_) => {
            (TokenErrorKind::LoginRequired, "sign in there again")
        }
        EmaError::InvalidRequest(_) => (TokenErrorKind::Misconfigured, "check its settings"),
        EmaError::RequestFailed(_) => (TokenErrorKind::Unavailable, "try again later"),
        EmaError::OAuthRejected { status, .. } if *status >= 500 => {
            (TokenErrorKind::Unavailable, "try again later")
        }
        EmaError::OAuthRejected { .. } => (
            TokenErrorKind::Declined,
            "ask whoever administers it to allow this program and this MCP server",
        ),
        _ => (TokenErrorKind::Unsafe, "tell whoever administers it"),
    };
    let said = match error {
        EmaError::InvalidRequest(why) => (*why).to_owned(),
        EmaError::InvalidResponse { message, .. } => (*message).to_owned(),
        EmaError::InvalidGrant(EmaExchangeStage::IdentityProvider) => "invalid_grant".to_owned(),
        EmaError::OAuthRejected { code, .. } => (*code).to_owned(),
        other => other.to_string(),
    };
    TokenError::new(
        kind,
        format!("the identity provider gave no assertion for this server: {said}; {way_out}"),
    )
}
