//! A token endpoint that an operator names (RFC 6749 §3.2), for whoever asks on behalf of others: a
//! gateway. Nothing is discovered, and nothing is kept.

use std::{
    fmt,
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use url::{Host, Url, form_urlencoded::Serializer};

use super::{machine_client::MachineClient, token_request::Signed};
use crate::{
    BearerToken, ScopeSet,
    client::{
        HttpSettings, ProtectedServer, TokenError, TokenErrorKind,
        oauth::{self, OAuthHttp, error_code, exchanged_in, of_exchange},
    },
};

/// The token endpoint of an authorization server, and who this program is there.
///
/// It is named by an operator, so that it may be anywhere; over plain http on this machine only.
/// Redirects are not followed, answers are bounded in size and time.
pub struct TokenEndpoint {
    url: String,
    issuer: Option<String>,
    client: MachineClient,
    settings: HttpSettings,
    timeout: Duration,
    http: OnceLock<OAuthHttp>,
}

/// A token that was issued.
#[derive(Clone)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The token itself; for an ID-JAG an assertion that is no access token.
    pub secret: BearerToken,
    /// What it is (RFC 8693 §3), where the server says so.
    pub kind: Option<String>,
    /// Whether it may be sent to a server as it is; not where its type is `N_A` (RFC 8693 §2.2.1).
    pub is_access_token: bool,
    /// Until when it is valid, where that is known.
    pub expires_at: Option<SystemTime>,
    /// What it may do; `None`: what was asked for.
    pub scopes: Option<ScopeSet>,
}

/// Why no token was issued.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct NotIssued {
    error: TokenError,
    code: Option<String>,
}

impl IssuedToken {
    /// An access token of which nothing else is known.
    #[must_use]
    pub fn new(secret: BearerToken) -> Self {
        Self {
            secret,
            kind: None,
            is_access_token: true,
            expires_at: None,
            scopes: None,
        }
    }
}

impl NotIssued {
    /// What happened, in one sentence.
    #[must_use]
    pub fn error(&self) -> &TokenError {
        &self.error
    }

    /// The error code of the server (RFC 6749 §5.2, RFC 8693 §2.2.2), where it said one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }
}

impl TokenEndpoint {
    /// The endpoint at this URL, for this client.
    ///
    /// # Errors
    /// [`TokenErrorKind::Misconfigured`] where the URL is none of https, or of http on this machine.
    pub fn new(url: impl Into<String>, client: MachineClient) -> Result<Self, TokenError> {
        let url = url.into();
        let usable = Url::parse(&url).is_ok_and(|url| is_usable(&url));
        if !usable {
            return Err(TokenError::new(
                TokenErrorKind::Misconfigured,
                "a token endpoint is a URL that begins with https:// (http:// on this machine only)",
            ));
        }
        Ok(Self {
            url,
            issuer: None,
            client,
            settings: HttpSettings::default(),
            timeout: oauth::EXCHANGE_TIMEOUT,
            http: OnceLock::new(),
        })
    }

    /// Names the issuer, whom the assertions of `private_key_jwt` are made for. Without it that is
    /// the endpoint (RFC 7523 §3).
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets the way into the network: proxy and certificates.
    #[must_use]
    pub fn http(mut self, settings: HttpSettings) -> Self {
        self.settings = settings;
        self
    }

    /// How long one exchange may take (default: 15 s).
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks with these parameters, to which only the client's authentication is added.
    ///
    /// # Errors
    /// [`NotIssued`], in the server's own words where they are an OAuth error and repeat nothing of
    /// what was sent.
    pub async fn ask(&self, parameters: &[(&str, &str)]) -> Result<IssuedToken, NotIssued> {
        let request = self.request(parameters).map_err(NotIssued::from)?;
        let http = self.connected().map_err(NotIssued::from)?.again();
        let (posted, _) = http
            .post_once(request)
            .await
            .map_err(|failure| of_exchange(&failure, "asking for a token"))
            .map_err(NotIssued::from)?;
        let answer = exchanged_in(&posted, SystemTime::now());
        let (answer, kind) = answer.map_err(|error| NotIssued {
            error,
            code: error_code(&posted),
        })?;
        if answer.bound {
            return Err(unasked_binding().into());
        }
        Ok(IssuedToken {
            secret: answer.access_token,
            kind,
            is_access_token: answer.is_access_token,
            expires_at: answer.expires_at,
            scopes: answer.scopes,
        })
    }

    fn request(&self, parameters: &[(&str, &str)]) -> Result<http::Request<Vec<u8>>, TokenError> {
        let mut form = Serializer::new(String::with_capacity(4096));
        form.extend_pairs(parameters);
        let audience = self.issuer.as_ref().unwrap_or(&self.url);
        let proof = self.client.proof(None, None)?;
        Signed::by(&proof, form, audience)?.into_request(&self.url)
    }

    fn connected(&self) -> Result<&OAuthHttp, TokenError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let server = ProtectedServer::new(self.url.clone(), self.settings.clone());
        let url = oauth::server_url(&server)?;
        let http = OAuthHttp::new(&server, &url, None, self.timeout)?;
        Ok(self.http.get_or_init(|| http))
    }
}

impl From<TokenError> for NotIssued {
    fn from(error: TokenError) -> Self {
        Self { error, code: None }
    }
}

fn is_usable(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let bare = url.username().is_empty() && url.password().is_none();
    bare && (url.scheme() == "https" || url.scheme() == "http" && here)
}

fn unasked_binding() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        "the authorization server issued a token that is bound to a key, which nobody asked for",
    )
}

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint")
            .field("url", &self.url)
            .field("client", &self.client.id())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("kind", &self.kind)
            .field("is_access_token", &self.is_access_token)
            .field("expires_at", &self.expires_at)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
