//! What an authorization-code flow is told, and what it is asked for; how it goes is in `flow`.

use std::{fmt, time::Duration};

use zeroize::Zeroizing;

use super::{Browser, flow::moved, http::EXCHANGE_TIMEOUT, registration::ClientIdentity, scopes};
use crate::{
    Challenge, ScopeSet,
    client::{
        DpopKey, Login, LoginKey, ProtectedServer, RefusedRequest, TokenError, TokenErrorKind,
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
    pub(super) client_name: String,
    pub(super) client: Option<ClientIdentity>,
    pub(super) client_metadata_url: Option<String>,
    pub(super) issuer: Option<String>,
    scopes: Option<ScopeSet>,
    pub(super) account: Option<String>,
    pub(super) earlier: Option<Login>,
    pub(super) dpop: Option<DpopKey>,
    pub(super) exchange_timeout: Duration,
    pub(super) sign_in_timeout: Duration,
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
