//! The authorization-code flow, from the first request for metadata to the login.

use std::{sync::Arc, time::SystemTime};

use zeroize::Zeroizing;

use super::{
    AuthorizationCode, Browser,
    callback::Expected,
    discovery::{self, Discovered},
    exchange::exchange,
    http::OAuthHttp,
    loopback::Loopback,
    place::{issuer_url, not_the_wanted_issuer, server_url},
    registration::{ClientIdentity, Identification},
    request::{self, Asked},
};
use crate::{
    ScopeSet,
    client::{
        Login, LoginKey, ProtectedServer, TokenError, TokenErrorKind, token_answer::TokenAnswer,
    },
};

/// A server and its authorization server.
pub(super) struct Found {
    server: String,
    http: Arc<OAuthHttp>,
    pub(super) discovered: Discovered,
}

impl AuthorizationCode {
    /// Finds the authorization server.
    pub(super) async fn find(
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
    pub(super) async fn finish<B: Browser>(
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

/// What the browser has to bring back.
fn expected<'a>(redirect_uri: &'a str, asked: &'a Asked, found: &'a Discovered) -> Expected<'a> {
    Expected {
        redirect_uri,
        state: &asked.state,
        issuer: &found.issuer,
        says_issuer: found.says("authorization_response_iss_parameter_supported"),
    }
}

pub(super) fn moved() -> TokenError {
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
