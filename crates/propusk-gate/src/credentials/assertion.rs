//! A signed statement for the upstream: who is calling. Short-lived, for that upstream only, and of a
//! type that is nobody's access token.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue};
use propusk::AccessToken;
use serde_json::{Map, Value, json};

use super::{AssertionKeys, CredentialsError, CredentialsErrorKind};

/// No assertion lives longer.
const LONGEST: Duration = Duration::from_secs(60);

/// The type in the header of an assertion (RFC 8725 §3.11).
pub(super) const TYPE: &str = "propusk-caller+jwt";

/// Adds a JSON Web Token about the caller to every request of somebody with a token. Its keys are
/// published by [`AssertionKeys`].
///
/// | claim | |
/// |---|---|
/// | `iss` | the gate |
/// | `aud` | the URL of the upstream, without a query |
/// | `sub`, `client_id`, `scope` | those of the caller's token (`client_id` where there is one) |
/// | `sub_iss` | who issued that token, where an issuer did; only with it a `sub` is somebody |
/// | `jti`, `iat`, `exp` | a new one for each request, now, and at most a minute later |
///
/// For anonymous callers there is none: an upstream must take a request without one for nobody's.
#[derive(Clone)]
pub struct CallerAssertion {
    keys: Arc<AssertionKeys>,
    issuer: Arc<str>,
    audience: Option<Arc<str>>,
    header: HeaderName,
    lifetime: Duration,
}

impl CallerAssertion {
    /// Assertions of this gate, which is named by its public URL.
    #[must_use]
    pub fn new(keys: Arc<AssertionKeys>, issuer: impl Into<Arc<str>>) -> Self {
        Self {
            keys,
            issuer: issuer.into(),
            audience: None,
            header: HeaderName::from_static("propusk-caller-assertion"),
            lifetime: LONGEST,
        }
    }

    /// Sends it in this header (`Propusk-Caller-Assertion` by default).
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        self.header = name;
        self
    }

    /// Makes it for this audience instead of the URL of the upstream.
    #[must_use]
    pub fn audience(mut self, name: impl Into<Arc<str>>) -> Self {
        self.audience = Some(name.into());
        self
    }

    /// For how long it is valid: a minute at most.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime.min(LONGEST);
        self
    }

    pub(crate) fn add_to(
        &self,
        headers: &mut HeaderMap,
        caller: Option<&AccessToken>,
        upstream: &str,
    ) -> Result<(), CredentialsError> {
        let Some(caller) = caller else {
            // Nor is there one that somebody else has put there.
            headers.remove(&self.header);
            return Ok(());
        };
        let signed = self.signed(caller, upstream).ok_or_else(|| {
            let text = "the assertion of a caller cannot be signed";
            CredentialsError::new(CredentialsErrorKind::Misconfigured, text)
        })?;
        headers.insert(self.header.clone(), signed);
        Ok(())
    }

    fn signed(&self, caller: &AccessToken, upstream: &str) -> Option<HeaderValue> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).ok()?;
        let place = upstream.split('?').next().unwrap_or_default();
        let mut claims = Map::new();
        let mut claim = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        claim("iss", (*self.issuer).into());
        claim("aud", self.audience.as_deref().unwrap_or(place).into());
        claim("sub", caller.subject().into());
        if let Some(issuer) = caller.issuer() {
            claim("sub_iss", issuer.into());
        }
        if let Some(client_id) = caller.client_id() {
            claim("client_id", client_id.into());
        }
        claim("scope", caller.scopes().to_string().into());
        claim("jti", URL_SAFE_NO_PAD.encode(id).into());
        claim("iat", now.as_secs().into());
        claim("exp", (now + self.lifetime).as_secs().into());
        let key = self.keys.signing();
        let header = json!({ "typ": TYPE, "alg": "ES256", "kid": key.id() });
        let encoded = |value: String| URL_SAFE_NO_PAD.encode(value);
        let claims = Value::Object(claims).to_string();
        let input = format!("{}.{}", encoded(header.to_string()), encoded(claims));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes())?);
        let mut value = HeaderValue::from_str(&format!("{input}.{signature}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for CallerAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerAssertion")
            .field("issuer", &self.issuer)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}
