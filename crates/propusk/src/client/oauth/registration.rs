//! Who the client is at an authorization server (MCP 2026-07-28, client registration): a client that
//! was registered before, else one that is described by a document at its own URL, else one that
//! registers itself now (RFC 7591). What came from one issuer is used with that issuer only.

use rmcp::transport::auth::{AuthError, OAuthClientConfig};
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use super::{discovery::Discovered, failure, http::OAuthHttp, loopback::Loopback};
use crate::{
    ScopeSet,
    client::{Login, TokenError, TokenErrorKind},
};

const WHO: &str = "the authorization server's client registration";

/// A client id, and what goes with it.
#[derive(Clone)]
pub(super) struct ClientIdentity {
    pub(super) id: String,
    pub(super) secret: Option<Zeroizing<String>>,
    /// A name of RFC 7591 §2, where it was agreed upon.
    pub(super) method: Option<String>,
    /// What a client that registered itself gave as its redirect URI.
    pub(super) redirect_uri: Option<String>,
}

impl ClientIdentity {
    pub(super) fn public(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: None,
            method: None,
            redirect_uri: None,
        }
    }

    /// The client of an earlier login.
    pub(super) fn of(login: &Login) -> Self {
        Self {
            id: login.key().client_id.clone(),
            secret: login
                .expose_client_secret()
                .map(|secret| Zeroizing::new(secret.to_owned())),
            method: login.token_endpoint_auth_method().map(str::to_owned),
            redirect_uri: login.redirect_uri().map(str::to_owned),
        }
    }

    /// How the client authenticates at the token endpoint: what was agreed upon, else
    /// `client_secret_basic` unless only `client_secret_post` is offered (RFC 8414 §2).
    pub(super) fn authentication(&self, found: &Discovered) -> &'static str {
        let Some(_) = &self.secret else {
            return "none";
        };
        let offered = found
            .metadata
            .additional_fields
            .get("token_endpoint_auth_methods_supported")
            .and_then(|methods| methods.as_array());
        let offers = |method: &str| {
            offered.is_some_and(|methods| methods.iter().any(|own| own.as_str() == Some(method)))
        };
        match self.method.as_deref() {
            Some("none") => "none",
            Some("client_secret_post") => "client_secret_post",
            Some("client_secret_basic") => "client_secret_basic",
            _ if offers("client_secret_post") && !offers("client_secret_basic") => {
                "client_secret_post"
            }
            _ => "client_secret_basic",
        }
    }
}

/// What a client can say of itself.
pub(super) struct Identification<'a> {
    pub(super) name: &'a str,
    /// A client that was registered by hand.
    pub(super) registered: Option<&'a ClientIdentity>,
    pub(super) metadata_url: Option<&'a str>,
    /// An earlier login at the same issuer.
    pub(super) earlier: Option<&'a Login>,
}

impl Identification<'_> {
    /// Finds out who the client is.
    pub(super) async fn identify(
        self,
        found: &mut Discovered,
        http: &OAuthHttp,
        loopback: &Loopback,
        scopes: &ScopeSet,
    ) -> Result<ClientIdentity, TokenError> {
        if let Some(registered) = self.registered {
            return Ok(registered.clone());
        }
        // Where the port of a registration is taken now, the client registers itself again.
        let usable = |uri: Option<&str>| uri.is_none_or(|uri| uri == loopback.uri());
        if let Some(earlier) = self.earlier.filter(|login| usable(login.redirect_uri())) {
            return Ok(ClientIdentity::of(earlier));
        }
        if let Some(url) = self.metadata_url
            && found.says("client_id_metadata_document_supported")
        {
            check_metadata_url(url)?;
            return Ok(ClientIdentity::public(url));
        }
        if found.metadata.registration_endpoint.is_none() {
            return Err(nobody_knows_us());
        }
        let scopes: Vec<_> = scopes.iter().map(crate::Scope::as_str).collect();
        let manager = &mut found.manager;
        let registered = manager
            .register_client(self.name, loopback.uri(), &scopes)
            .await;
        match registered {
            Ok(client) if client.client_id.is_empty() => Err(unusable_registration()),
            Ok(client) => Ok(registered_client(client, http)),
            Err(error) => Err(not_registered(http, &error)),
        }
    }
}

/// The members of a registration response (RFC 7591 §3.2.1) that rmcp leaves out.
#[derive(Deserialize)]
struct Registered {
    token_endpoint_auth_method: Option<String>,
}

fn registered_client(client: OAuthClientConfig, http: &OAuthHttp) -> ClientIdentity {
    let posted = http.take_posted();
    let registered =
        posted.and_then(|posted| serde_json::from_slice::<Registered>(&posted.body).ok());
    ClientIdentity {
        id: client.client_id,
        secret: client.client_secret.map(Zeroizing::new),
        method: registered.and_then(|registered| registered.token_endpoint_auth_method),
        redirect_uri: Some(client.redirect_uri),
    }
}

/// The client id metadata document is at an https URL with a path.
fn check_metadata_url(text: &str) -> Result<(), TokenError> {
    let usable = Url::parse(text)
        .is_ok_and(|url| url.scheme() == "https" && url.path() != "/" && url.fragment().is_none());
    if usable {
        return Ok(());
    }
    Err(TokenError::new(
        TokenErrorKind::Misconfigured,
        "the URL of the client's metadata document is not one of https with a path",
    ))
}

fn not_registered(http: &OAuthHttp, _: &AuthError) -> TokenError {
    let doing = "registering this program with the authorization server";
    failure::of_post(http, WHO, doing).unwrap_or_else(unusable_registration)
}

fn unusable_registration() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unavailable,
        "the authorization server's answer to the registration of this program cannot be used; \
         register it by hand and give its id with --client-id",
    )
}

fn nobody_knows_us() -> TokenError {
    TokenError::new(
        TokenErrorKind::Misconfigured,
        "the authorization server lets no program register itself; have whoever runs it register \
         one, with the redirect URI http://127.0.0.1/callback, and give its id with --client-id",
    )
}
