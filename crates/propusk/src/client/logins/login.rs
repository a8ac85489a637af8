//! What is kept of one login.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{BearerToken, ScopeSet};

/// How long before its end a token counts as spent, so that it does not end on its way.
const MOST_MARGIN: Duration = Duration::from_secs(30);

/// Which login: one server, one resource, one issuer, one client, one account.
///
/// All five are compared as text, byte for byte (RFC 9728 §3.3, RFC 8414 §3.3): URL libraries add
/// slashes, and a slash is the difference between two issuers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LoginKey {
    /// The URL of the MCP server, as the user gave it. The token goes there and nowhere else.
    pub server: String,
    /// The `resource` of that server's metadata (RFC 9728 §2): the audience of the token.
    pub resource: String,
    /// The authorization server that issued it (RFC 8414 §2): what came from it goes to it only.
    pub issuer: String,
    /// The client id at that issuer.
    pub client_id: String,
    /// Who signed in, where several accounts are kept apart.
    pub account: Option<String>,
}

/// One login: an access token, and what renewing and revoking it takes.
///
/// Nothing prints its secrets, and only a store writes them down.
#[derive(Clone)]
#[must_use]
pub struct Login {
    pub(super) key: LoginKey,
    pub(super) access_token: BearerToken,
    pub(super) bound: bool,
    pub(super) refresh_token: Option<Zeroizing<String>>,
    pub(super) obtained_at: SystemTime,
    pub(super) expires_at: Option<SystemTime>,
    pub(super) scopes: ScopeSet,
    pub(super) token_endpoint: String,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) client_secret: Option<Zeroizing<String>>,
    pub(super) token_endpoint_auth_method: Option<String>,
    pub(super) dpop_key: Option<Zeroizing<String>>,
    pub(super) redirect_uri: Option<String>,
    pub(super) machine: bool,
}

impl Login {
    /// A login that was obtained just now, of a public client, without a refresh token and without
    /// an end.
    pub fn new(
        key: LoginKey,
        token_endpoint: impl Into<String>,
        access_token: BearerToken,
    ) -> Self {
        Self {
            key,
            access_token,
            bound: false,
            refresh_token: None,
            obtained_at: SystemTime::now(),
            expires_at: None,
            scopes: ScopeSet::default(),
            token_endpoint: token_endpoint.into(),
            revocation_endpoint: None,
            client_secret: None,
            token_endpoint_auth_method: None,
            dpop_key: None,
            redirect_uri: None,
            machine: false,
        }
    }

    /// Keeps the refresh token (RFC 6749 §6).
    pub fn with_refresh_token(mut self, secret: Option<String>) -> Self {
        self.refresh_token = secret.map(Zeroizing::new);
        self
    }

    /// Says when the tokens came and until when the access token is valid, where that is known.
    pub fn with_times(mut self, obtained_at: SystemTime, expires_at: Option<SystemTime>) -> Self {
        self.obtained_at = obtained_at;
        self.expires_at = expires_at;
        self
    }

    /// Says which scopes were granted.
    pub fn with_scopes(mut self, granted: ScopeSet) -> Self {
        self.scopes = granted;
        self
    }

    /// Keeps the issuer's revocation endpoint (RFC 7009).
    pub fn with_revocation_endpoint(mut self, url: Option<String>) -> Self {
        self.revocation_endpoint = url;
        self
    }

    /// Keeps what the client authenticates with at the token endpoint: its secret, and the method by
    /// its name in RFC 7591 §2 (`none`, `client_secret_basic`, `client_secret_post`).
    pub fn with_client_authentication(
        mut self,
        secret: Option<String>,
        method: Option<String>,
    ) -> Self {
        self.client_secret = secret.map(Zeroizing::new);
        self.token_endpoint_auth_method = method;
        self
    }

    /// Keeps the private key that the tokens are bound to, as PEM (PKCS #8), and says whether the
    /// access token itself is bound (`token_type=DPoP`, RFC 9449 §5).
    pub fn with_dpop_key(mut self, pem: Option<String>, access_token_is_bound: bool) -> Self {
        self.dpop_key = pem.map(Zeroizing::new);
        self.bound = access_token_is_bound;
        self
    }

    /// Keeps the redirect URI that the client was registered with, where a browser was involved:
    /// some authorization servers want it again, port and all.
    pub fn with_redirect_uri(mut self, uri: Option<String>) -> Self {
        self.redirect_uri = uri;
        self
    }

    /// Says that no person signed in, but the client itself (RFC 6749 §4.4).
    pub fn of_machine(mut self) -> Self {
        self.machine = true;
        self
    }

    /// Whether the client itself signed in (RFC 6749 §4.4): no person can renew this login.
    #[must_use]
    pub fn is_of_machine(&self) -> bool {
        self.machine
    }

    /// Which login this is.
    #[must_use]
    pub fn key(&self) -> &LoginKey {
        &self.key
    }

    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &BearerToken {
        &self.access_token
    }

    /// Whether the access token is bound to the DPoP key.
    #[must_use]
    pub fn is_bound_to_key(&self) -> bool {
        self.bound
    }

    /// Whether it can be renewed without a human.
    #[must_use]
    pub fn has_refresh_token(&self) -> bool {
        self.refresh_token.is_some()
    }

    /// When the tokens came.
    #[must_use]
    pub fn obtained_at(&self) -> SystemTime {
        self.obtained_at
    }

    /// Until when the access token is valid, where the issuer said so.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    /// The scopes that were granted.
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// The issuer's token endpoint, as its metadata wrote it.
    #[must_use]
    pub fn token_endpoint(&self) -> &str {
        &self.token_endpoint
    }

    /// The issuer's revocation endpoint (RFC 7009), where it has one.
    #[must_use]
    pub fn revocation_endpoint(&self) -> Option<&str> {
        self.revocation_endpoint.as_deref()
    }

    /// How the client authenticates at the token endpoint (a name of RFC 7591 §2), where it was
    /// agreed upon.
    #[must_use]
    pub fn token_endpoint_auth_method(&self) -> Option<&str> {
        self.token_endpoint_auth_method.as_deref()
    }

    /// The redirect URI that the client was registered with, where a browser was involved.
    #[must_use]
    pub fn redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    /// The refresh token itself. Whoever calls this takes care that it goes to
    /// [`Login::token_endpoint`] or [`Login::revocation_endpoint`] and nowhere else.
    #[must_use]
    pub fn expose_refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_ref().map(|secret| secret.as_str())
    }

    /// The client secret itself; see [`Login::expose_refresh_token`].
    #[must_use]
    pub fn expose_client_secret(&self) -> Option<&str> {
        self.client_secret.as_ref().map(|secret| secret.as_str())
    }

    /// The private DPoP key itself, as PEM. It never leaves this machine.
    #[must_use]
    pub fn expose_dpop_key(&self) -> Option<&str> {
        self.dpop_key.as_ref().map(|secret| secret.as_str())
    }

    /// Whether the access token is good for another request: it has not ended, and does not end
    /// within a margin of 30 s or half its lifetime, whichever is less.
    ///
    /// A token of the future counts as spent: the clock was set back, and nobody knows by how much.
    #[must_use]
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        let Some(expires_at) = self.expires_at else {
            return true;
        };
        let from = |start| expires_at.duration_since(start).unwrap_or_default();
        let (lifetime, left) = (from(self.obtained_at), from(now));
        let margin = MOST_MARGIN.min(lifetime / 2);
        left > margin && left <= lifetime + margin
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("key", &self.key)
            .field("obtained_at", &self.obtained_at)
            .field("expires_at", &self.expires_at)
            .field("scopes", &self.scopes)
            .field("has_refresh_token", &self.has_refresh_token())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        let key = LoginKey {
            server: "https://mcp.example/mcp".to_owned(),
            resource: "https://mcp.example/mcp".to_owned(),
            issuer: "https://login.example".to_owned(),
            client_id: "propusk".to_owned(),
            account: None,
        };
        let token = BearerToken::parse("hunter1").expect("a token");
        Login::new(key, "https://login.example/token", token)
    }

    #[test]
    fn a_token_is_spent_before_it_ends() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let at = |seconds: i64| {
            let offset = Duration::from_secs(seconds.unsigned_abs());
            if seconds < 0 {
                start - offset
            } else {
                start + offset
            }
        };
        for (lifetime, now, fresh) in [
            (Some(3600), 0, true),
            (Some(3600), 3569, true),
            (Some(3600), 3570, false),
            (Some(3600), 3600, false),
            (Some(3600), 1_000_000, false),
            (Some(2), 0, true),
            (Some(2), 1, false),
            (Some(0), 0, false),
            (None, 0, true),
            (None, 1_000_000_000, true),
            // The clock was set back.
            (Some(3600), -20, true),
            (Some(3600), -40, false),
            (Some(2), -100_000, false),
        ] {
            let login = login().with_times(start, lifetime.map(at));
            assert_eq!(login.is_fresh(at(now)), fresh, "{lifetime:?} at {now}");
        }
        let backwards = login().with_times(start, Some(at(-10)));
        assert!(!backwards.is_fresh(at(-20)), "it ended before it began");
    }

    #[test]
    fn debug_shows_no_secret() {
        let login = login()
            .with_refresh_token(Some("hunter2".to_owned()))
            .with_client_authentication(Some("hunter3".to_owned()), None)
            .with_dpop_key(Some("hunter4".to_owned()), true);
        let shown = format!("{login:?}");
        assert!(shown.contains("https://login.example"), "{shown}");
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
