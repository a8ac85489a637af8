//! The authorization-code flow, from the first request for metadata to the login.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rmcp::transport::auth::OAuthClientConfig;
use url::Url;
use zeroize::Zeroizing;

use super::{
    AuthorizationUrl, Browser,
    answer::{TokenAnswer, quoted},
    callback::{Callback, Expected},
    discovery::{self, Discovered},
    failure,
    http::{EXCHANGE_TIMEOUT, OAuthHttp},
    loopback::Loopback,
    registration::{ClientIdentity, Identification},
};
use crate::{
    ResourceUrl, ScopeSet,
    client::{
        DpopKey, Login, LoginKey, ProtectedServer, RefusedRequest, TokenError, TokenErrorKind,
    },
};

/// How long a user may take to sign in.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// The scope of OpenID Connect Core §11: refresh tokens, please.
const OFFLINE_ACCESS: &str = "offline_access";

/// Signs a user in with a browser: the authorization-code flow with PKCE (RFC 7636), for a program
/// on the user's own machine (RFC 8252).
///
/// Out of it comes a [`Login`]; keeping it is a [`LoginStore`](crate::client::LoginStore)'s business.
///
/// ```no_run
/// # async fn run() -> Result<(), propusk::client::TokenError> {
/// use propusk::client::{AuthorizationCode, HttpSettings, ProtectedServer, SystemBrowser};
///
/// let server = ProtectedServer::new("https://mcp.example.com/mcp", HttpSettings::default());
/// let login = AuthorizationCode::new("My program")
///     .sign_in(&server, None, &SystemBrowser)
///     .await?;
/// # drop(login);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct AuthorizationCode {
    client_name: String,
    client: Option<ClientIdentity>,
    client_metadata_url: Option<String>,
    issuer: Option<String>,
    scopes: Option<ScopeSet>,
    account: Option<String>,
    earlier: Option<Login>,
    dpop: Option<DpopKey>,
    exchange_timeout: Duration,
    sign_in_timeout: Duration,
}

impl AuthorizationCode {
    /// A sign-in for the program of this name; users see it where they consent.
    pub fn new(client_name: impl Into<String>) -> Self {
        Self {
            client_name: client_name.into(),
            client: None,
            client_metadata_url: None,
            issuer: None,
            scopes: None,
            account: None,
            earlier: None,
            dpop: None,
            exchange_timeout: EXCHANGE_TIMEOUT,
            sign_in_timeout: SIGN_IN_TIMEOUT,
        }
    }

    /// Uses a client that was registered by hand, with its secret where it has one. A secret is for
    /// one authorization server: name that with [`AuthorizationCode::issuer`], or the MCP server
    /// decides who gets it.
    pub fn client_id(mut self, id: impl Into<String>, secret: Option<String>) -> Self {
        let secret = secret.filter(|secret| !secret.is_empty());
        self.client = Some(ClientIdentity {
            id: id.into(),
            secret: secret.map(Zeroizing::new),
            method: None,
            redirect_uri: None,
        });
        self
    }

    /// Uses the URL of a client id metadata document as the client id where the authorization server
    /// knows such, in the place of a registration. The document names this program's redirect URI,
    /// `http://127.0.0.1/callback`.
    pub fn client_metadata_url(mut self, url: impl Into<String>) -> Self {
        self.client_metadata_url = Some(url.into());
        self
    }

    /// Accepts this issuer only, compared byte for byte, and trusts its host even where it is inside
    /// of a private network. Without it the MCP server names the issuer, and its host must be public.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Asks for these scopes. Without them those of the server's challenge are asked for, else those
    /// of its metadata, else none.
    pub fn scopes(mut self, scopes: ScopeSet) -> Self {
        self.scopes = Some(scopes);
        self
    }

    /// Says who signs in, where several accounts are kept apart; it is a name of the caller's own.
    pub fn account(mut self, account: Option<String>) -> Self {
        self.account = account;
        self
    }

    /// Uses the registration of an earlier login again, if the issuer is still the same.
    pub fn registered_as(mut self, earlier: &Login) -> Self {
        self.earlier = Some(earlier.clone());
        self
    }

    /// Binds the tokens to this key (RFC 9449). A token that is not bound is then refused.
    pub fn dpop(mut self, key: DpopKey) -> Self {
        self.dpop = Some(key);
        self
    }

    /// How long one exchange with a server may take (default: 15 s).
    pub fn exchange_timeout(mut self, limit: Duration) -> Self {
        self.exchange_timeout = limit;
        self
    }

    /// How long the user may take (default: 5 minutes).
    pub fn sign_in_timeout(mut self, limit: Duration) -> Self {
        self.sign_in_timeout = limit;
        self
    }

    /// Signs a user in. `challenge` is the `WWW-Authenticate` header of the server's refusal, where
    /// there was one.
    ///
    /// # Errors
    /// [`TokenError`], in one sentence that says what would help.
    pub async fn sign_in<B: Browser>(
        &self,
        server: &ProtectedServer,
        challenge: Option<&str>,
        browser: &B,
    ) -> Result<Login, TokenError> {
        let found = self.find(server, challenge).await?;
        let scopes = self.first_scopes(&found.discovered);
        self.finish(found, scopes, None, browser).await
    }

    /// Signs a user in once more, for a token that permits more: the scopes of the earlier login and
    /// those that the server asked for (MCP 2026-07-28, step-up authorization). The resource, the
    /// issuer and the client stay what they are. How often this is done is the caller's business.
    ///
    /// # Errors
    /// [`TokenErrorKind::LoginRequired`] where the server has another issuer or resource by now;
    /// else as [`AuthorizationCode::sign_in`].
    pub async fn step_up<B: Browser>(
        &self,
        server: &ProtectedServer,
        login: &Login,
        refused: &RefusedRequest,
        browser: &B,
    ) -> Result<Login, TokenError> {
        let mut again = self.clone().registered_as(login);
        again.client = None;
        again.account.clone_from(&login.key().account);
        if again.dpop.is_none()
            && let Some(pem) = login.expose_dpop_key()
        {
            again.dpop = Some(DpopKey::from_pem(pem).map_err(unusable_key)?);
        }
        let found = again.find(server, refused.header()).await?;
        if found.discovered.issuer != login.key().issuer {
            return Err(moved());
        }
        let scopes = again.more_scopes(&found.discovered, login.scopes());
        again.finish(found, scopes, Some(login), browser).await
    }

    /// Whether a login may have come out of this flow.
    pub(super) fn is_for(&self, key: &LoginKey) -> bool {
        let client = self.client.as_ref();
        client.is_none_or(|client| client.id == key.client_id)
            && self
                .issuer
                .as_ref()
                .is_none_or(|issuer| *issuer == key.issuer)
            && self.account == key.account
    }

    /// The issuer that the server names now.
    pub(super) async fn issuer_of(
        &self,
        server: &ProtectedServer,
        challenge: Option<&str>,
    ) -> Result<String, TokenError> {
        Ok(self.find(server, challenge).await?.discovered.issuer)
    }

    /// Finds the authorization server.
    async fn find(
        &self,
        server: &ProtectedServer,
        challenge: Option<&str>,
    ) -> Result<Found, TokenError> {
        let url = server_url(server)?;
        let issuer = self.issuer.as_deref().map(issuer_url).transpose()?;
        let timeout = self.exchange_timeout;
        let http = Arc::new(OAuthHttp::new(server, &url, issuer.as_ref(), timeout)?);
        let discovered = discovery::discover(&http, &url, challenge, timeout).await?;
        if let Some(wanted) = &self.issuer
            && *wanted != discovered.issuer
        {
            return Err(not_the_wanted_issuer(wanted, &discovered.issuer));
        }
        Ok(Found {
            server: server.url().to_owned(),
            http,
            discovered,
        })
    }

    /// What a first sign-in asks for. The scope `offline_access` is for the authorization server,
    /// and asked for where that one lists it, whatever the server says.
    fn first_scopes(&self, found: &Discovered) -> ScopeSet {
        let mut scopes = match &self.scopes {
            Some(scopes) => return with_offline_access(scopes.clone(), found),
            None if found.challenged.is_empty() => found.listed.clone(),
            None => found.challenged.clone(),
        };
        if !found.lists_scope(OFFLINE_ACCESS) {
            scopes = scopes.without(OFFLINE_ACCESS);
        }
        with_offline_access(scopes, found)
    }

    /// What a step-up asks for.
    fn more_scopes(&self, found: &Discovered, held: &ScopeSet) -> ScopeSet {
        let mut scopes = held.clone();
        scopes.extend(self.scopes.clone().unwrap_or_default());
        scopes.extend(found.challenged.clone());
        with_offline_access(scopes, found)
    }

    /// Everything from the registration on.
    async fn finish<B: Browser>(
        &self,
        found: Found,
        scopes: ScopeSet,
        before: Option<&Login>,
        browser: &B,
    ) -> Result<Login, TokenError> {
        let Found {
            server,
            http,
            mut discovered,
        } = found;
        let earlier = self.earlier.as_ref();
        let earlier = earlier.filter(|login| login.key().issuer == discovered.issuer);
        let loopback = Loopback::bind(earlier.and_then(Login::redirect_uri)).await?;
        let identity = Identification {
            name: &self.client_name,
            registered: self.client.as_ref(),
            metadata_url: self.client_metadata_url.as_deref(),
            earlier,
        };
        let client = identity
            .identify(&mut discovered, &http, &loopback, &scopes)
            .await?;
        let asked = ask(&mut discovered, &http, &client, loopback.uri(), &scopes).await?;
        if before.is_some_and(|login| login.key().resource != asked.resource) {
            return Err(moved());
        }
        let redirect_uri = loopback.uri().to_owned();
        let waiting = browser.authorize(&asked.url, loopback.expecting(&asked.state));
        let came = tokio::time::timeout(self.sign_in_timeout, waiting).await;
        let came = Zeroizing::new(came.map_err(|_| nobody_came())??);
        let callback = Expected {
            redirect_uri: &redirect_uri,
            state: &asked.state,
            issuer: &discovered.issuer,
            says_issuer: discovered.says("authorization_response_iss_parameter_supported"),
        }
        .read(&came)?;
        let answer = self.exchange(&discovered, &http, &asked, callback).await?;
        let key = LoginKey {
            server,
            resource: asked.resource,
            issuer: discovered.issuer.clone(),
            client_id: client.id.clone(),
            account: self.account.clone(),
        };
        Ok(self.login(key, answer, scopes, &client, &discovered))
    }

    /// Exchanges the code for tokens.
    async fn exchange(
        &self,
        found: &Discovered,
        http: &OAuthHttp,
        asked: &Asked,
        callback: Callback,
    ) -> Result<TokenAnswer, TokenError> {
        if let Some(key) = &self.dpop {
            http.bind(&found.metadata.token_endpoint, key.clone());
        }
        let issuer = callback.issuer.as_deref();
        let exchanged = found
            .manager
            .exchange_code_for_token_with_issuer(&callback.code, &asked.state, issuer)
            .await;
        let posted = http.take_posted();
        let answer = match (posted, http.take_failure()) {
            (None, Some(failure)) => {
                return Err(failure::of_exchange(&failure, "asking for a token"));
            }
            (Some(posted), _) => TokenAnswer::read(&posted, SystemTime::now())?,
            (None, None) => return Err(no_answer()),
        };
        if exchanged.is_err() {
            return Err(no_answer());
        }
        if self.dpop.is_some() && !answer.bound {
            return Err(not_bound());
        }
        Ok(answer)
    }

    fn login(
        &self,
        key: LoginKey,
        answer: TokenAnswer,
        asked_for: ScopeSet,
        client: &ClientIdentity,
        found: &Discovered,
    ) -> Login {
        let method = client.authentication(found);
        let secret = client.secret.as_ref().filter(|_| method != "none");
        let refresh_token = answer.refresh_token.as_deref().cloned();
        let pem = self.dpop.as_ref().map(|key| (*key.to_pem()).clone());
        let revocation = found.text("revocation_endpoint").map(str::to_owned);
        Login::new(key, &*found.metadata.token_endpoint, answer.access_token)
            .with_refresh_token(refresh_token)
            .with_times(SystemTime::now(), answer.expires_at)
            .with_scopes(answer.scopes.unwrap_or(asked_for))
            .with_revocation_endpoint(revocation)
            .with_client_authentication(secret.map(|s| (**s).clone()), Some(method.to_owned()))
            .with_dpop_key(pem, answer.bound)
            .with_redirect_uri(client.redirect_uri.clone())
    }
}

impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationCode")
            .field("client_name", &self.client_name)
            .field("issuer", &self.issuer)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// A server and its authorization server.
struct Found {
    server: String,
    http: Arc<OAuthHttp>,
    discovered: Discovered,
}

/// An authorization request as it goes to the browser.
struct Asked {
    url: AuthorizationUrl,
    state: String,
    resource: String,
}

/// Has rmcp make the authorization request.
async fn ask(
    found: &mut Discovered,
    http: &OAuthHttp,
    client: &ClientIdentity,
    redirect_uri: &str,
    scopes: &ScopeSet,
) -> Result<Asked, TokenError> {
    let method = client.authentication(found);
    let mut metadata = found.metadata.clone();
    // rmcp chooses the method by what is offered; it was chosen already.
    let offered = serde_json::json!([method]);
    let member = "token_endpoint_auth_methods_supported".to_owned();
    metadata.additional_fields.insert(member, offered);
    found.manager.set_metadata(metadata);
    let mut config = OAuthClientConfig::new(&*client.id, redirect_uri);
    if let Some(secret) = client.secret.as_ref().filter(|_| method != "none") {
        config = config.with_client_secret(&**secret);
    }
    let configured = found.manager.configure_client(config);
    configured.map_err(|_| unusable_request("its endpoints are no URLs"))?;
    let scopes: Vec<_> = scopes.iter().map(crate::Scope::as_str).collect();
    let url = found.manager.get_authorization_url(&scopes).await;
    let url = url.map_err(|_| unusable_request("it does not offer the response type code"))?;
    asked(http, &url)
}

/// Reads the request that rmcp made: state and resource are among its parameters.
fn asked(http: &OAuthHttp, text: &str) -> Result<Asked, TokenError> {
    let url = Url::parse(text).map_err(|_| unusable_request("its endpoints are no URLs"))?;
    http.check(&url)
        .map_err(|_| unusable_request("its authorization endpoint is not a place to go to"))?;
    let only = |name: &str| {
        let mut values = url.query_pairs().filter(|(own, _)| own == name);
        let value = values.next().map(|(_, value)| value.into_owned());
        value.filter(|_| values.next().is_none())
    };
    let twice = || unusable_request("its authorization endpoint has parameters of its own");
    for name in [
        "client_id",
        "redirect_uri",
        "code_challenge",
        "response_type",
    ] {
        only(name).ok_or_else(twice)?;
    }
    Ok(Asked {
        state: only("state").ok_or_else(twice)?,
        resource: only("resource").ok_or_else(twice)?,
        url: AuthorizationUrl::new(url.into()),
    })
}

/// The URL of the server: https, or on this machine.
pub(in crate::client) fn server_url(server: &ProtectedServer) -> Result<Url, TokenError> {
    let misconfigured = |error: crate::InvalidResourceUrl| {
        TokenError::new(TokenErrorKind::Misconfigured, error.to_string())
    };
    let resource = ResourceUrl::parse_server(server.url()).map_err(misconfigured)?;
    if resource.scheme() == "http" && !resource.is_loopback() {
        return Err(TokenError::new(
            TokenErrorKind::Unsafe,
            "a token is sent to another machine over https only; this URL begins with http://",
        ));
    }
    Url::parse(server.url()).map_err(|error| {
        TokenError::new(
            TokenErrorKind::Misconfigured,
            format!("the server's URL: {error}"),
        )
    })
}

pub(in crate::client) fn issuer_url(text: &str) -> Result<Url, TokenError> {
    Url::parse(text).map_err(|error| {
        TokenError::new(
            TokenErrorKind::Misconfigured,
            format!("the issuer is no URL: {error}"),
        )
    })
}

fn with_offline_access(mut scopes: ScopeSet, found: &Discovered) -> ScopeSet {
    if !scopes.is_empty() && found.lists_scope(OFFLINE_ACCESS) {
        scopes.extend(crate::Scope::parse(OFFLINE_ACCESS).ok());
    }
    scopes
}

pub(in crate::client) fn not_the_wanted_issuer(wanted: &str, named: &str) -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        format!(
            "the server names the authorization server {} and not {}, which was asked for; nothing \
             was sent there",
            quoted(named, 100),
            quoted(wanted, 100)
        ),
    )
}

fn unusable_request(why: &str) -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        format!("the authorization server's metadata cannot be used: {why}; tell whoever runs it"),
    )
}

fn moved() -> TokenError {
    TokenError::new(
        TokenErrorKind::LoginRequired,
        "the server has changed its authorization server or its name since the last sign-in; sign in \
         again (propusk login)",
    )
}

fn nobody_came() -> TokenError {
    TokenError::new(
        TokenErrorKind::LoginRequired,
        "nobody finished signing in in time; sign in again",
    )
}

fn no_answer() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unavailable,
        "the answer of the token endpoint cannot be used; try again later",
    )
}

pub(in crate::client) fn not_bound() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        "the authorization server issued a token that is not bound to the DPoP key, so it is not used",
    )
}

fn unusable_key(error: crate::client::InvalidDpopKey) -> TokenError {
    TokenError::new(
        TokenErrorKind::LoginRequired,
        "the DPoP key of the stored login cannot be read; sign in again (propusk login)",
    )
    .with_cause(error)
}
