//! The authorization-code flow, from the first request for metadata to the login.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use url::Url;
use zeroize::Zeroizing;

use super::{
    Browser,
    answer::quoted,
    callback::Expected,
    discovery::{self, Discovered},
    exchange::exchange,
    http::{EXCHANGE_TIMEOUT, OAuthHttp},
    loopback::Loopback,
    registration::{ClientIdentity, Identification},
    request::{self, Asked},
    scopes,
};
use crate::{
    Challenge, ResourceUrl, ScopeSet,
    client::{
        DpopKey, Login, LoginKey, ProtectedServer, RefusedRequest, TokenError, TokenErrorKind,
        token_answer::TokenAnswer,
    },
};

/// How long a user may take to sign in.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(5 * 60);

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
    /// decides who gets it the first time; after that it goes to the issuer of the earlier login
    /// only, where that is known ([`AuthorizationCode::registered_as`]).
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

    /// Uses the registration of an earlier login again, if the issuer is still the same. A client
    /// with a secret of its own ([`AuthorizationCode::client_id`]) then accepts no other issuer.
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
        let scopes = scopes::first(self.scopes.as_ref(), &found.discovered);
        self.finish(found, scopes, None, browser).await
    }

    /// Signs a user in once more, for a token that permits more: the scopes of the earlier login and
    /// those that the server asked for (MCP 2026-07-28, step-up authorization). The resource and the
    /// issuer stay what they are, and the client too, unless it registered itself for less. How often
    /// this is done is the caller's business.
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
        let wanted = refused.challenge().and_then(Challenge::scope);
        let scopes = scopes::more(
            self.scopes.as_ref(),
            login.scopes(),
            wanted,
            &found.discovered,
        );
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
        if let Some(wanted) = self.only_issuer()
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

    /// The issuer besides which none is accepted. A secret that went to one goes to no other.
    fn only_issuer(&self) -> Option<&str> {
        let by_hand = self.client.as_ref();
        let by_hand = by_hand.filter(|client| client.secret.is_some());
        let earlier = by_hand.and_then(|client| {
            let earlier = self.earlier.as_ref().map(Login::key);
            earlier.filter(|key| key.client_id == client.id)
        });
        let earlier = earlier.map(|key| &*key.issuer);
        self.issuer.as_deref().or(earlier)
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
        let earlier = earlier.filter(|login| {
            login.key().issuer == discovered.issuer && may_ask_for(login, &scopes, &discovered)
        });
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
        let redirect_uri = loopback.uri().to_owned();
        let asked = request::ask(&mut discovered, &http, &client, &redirect_uri, &scopes).await?;
        if before.is_some_and(|login| login.key().resource != asked.resource) {
            return Err(moved());
        }
        let waiting = browser.authorize(&asked.url, loopback.expecting(&asked.state));
        let came = tokio::time::timeout(self.sign_in_timeout, waiting).await;
        let came = Zeroizing::new(came.map_err(|_| nobody_came())??);
        let callback = expected(&redirect_uri, &asked, &discovered).read(&came)?;
        let answer = exchange(&discovered, &http, &asked, callback, self.dpop.as_ref()).await?;
        let key = LoginKey {
            server,
            resource: asked.resource,
            issuer: discovered.issuer.clone(),
            client_id: client.id.clone(),
            account: self.account.clone(),
        };
        Ok(self.login(key, answer, scopes, &client, &discovered))
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

/// Whether the client of an earlier login may ask for these scopes. Some authorization servers hold a
/// client that registered itself to the scopes of its registration (RFC 7591 §2): it has to register
/// itself once more.
fn may_ask_for(earlier: &Login, scopes: &ScopeSet, found: &Discovered) -> bool {
    let by_itself = earlier.redirect_uri().is_some();
    let again = found.metadata.registration_endpoint.is_some();
    !(by_itself && again)
        || earlier
            .scopes()
            .covers(&scopes.clone().without("offline_access"))
}

/// A server and its authorization server.
struct Found {
    server: String,
    http: Arc<OAuthHttp>,
    discovered: Discovered,
}

/// What the browser has to bring back.
fn expected<'a>(redirect_uri: &'a str, asked: &'a Asked, found: &'a Discovered) -> Expected<'a> {
    Expected {
        redirect_uri,
        state: &asked.state,
        issuer: &found.issuer,
        says_issuer: found.says("authorization_response_iss_parameter_supported"),
    }
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

fn unusable_key(error: crate::client::InvalidDpopKey) -> TokenError {
    TokenError::new(
        TokenErrorKind::LoginRequired,
        "the DPoP key of the stored login cannot be read; sign in again (propusk login)",
    )
    .with_cause(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let key = DpopKey::generate().expect("a key");
        let flow = AuthorizationCode::new("A test")
            .client_id("by-hand", Some("hunter2".to_owned()))
            .dpop(key.clone());
        let shown = format!("{flow:?}");
        assert!(shown.contains("A test"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    }
}
