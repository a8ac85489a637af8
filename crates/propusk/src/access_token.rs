//! What a verifier learned about a token.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value};

use crate::{BearerToken, Confirmation, Principal, ScopeSet, composition::Provenance};

/// A verified token: the facts that a [`TokenVerifier`](crate::TokenVerifier) learned.
///
/// Cloning is cheap. The token's own text is not among the facts; the layer keeps it aside, and
/// only [`AccessToken::expose_token_text`] gives it out.
#[derive(Clone)]
pub struct AccessToken {
    facts: Arc<Facts>,
    text: Option<BearerToken>,
    provenance: Provenance,
}

#[derive(Clone)]
struct Facts {
    principal: Principal,
    scopes: ScopeSet,
    audience: Vec<String>,
    expires_at: Option<SystemTime>,
    leeway: Duration,
    confirmation: Option<Confirmation>,
    token_id: Option<String>,
    claims: Map<String, Value>,
}

impl AccessToken {
    /// A token that speaks for `subject`, with no scopes, no audience and no expiry.
    #[must_use]
    pub fn new(subject: impl Into<Arc<str>>) -> Self {
        let principal = Principal {
            issuer: None,
            subject: subject.into(),
            client_id: None,
        };
        let facts = Facts {
            principal,
            scopes: ScopeSet::default(),
            audience: Vec::new(),
            expires_at: None,
            leeway: Duration::ZERO,
            confirmation: None,
            token_id: None,
            claims: Map::new(),
        };
        Self {
            facts: Arc::new(facts),
            text: None,
            provenance: Provenance::default(),
        }
    }

    /// Sets the issuer.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<Arc<str>>) -> Self {
        self.facts_mut().principal.issuer = Some(issuer.into());
        self
    }

    /// Sets the client that the token was issued to.
    #[must_use]
    pub fn with_client_id(mut self, client_id: impl Into<Arc<str>>) -> Self {
        self.facts_mut().principal.client_id = Some(client_id.into());
        self
    }

    /// Sets the scopes.
    #[must_use]
    pub fn with_scopes(mut self, scopes: ScopeSet) -> Self {
        self.facts_mut().scopes = scopes;
        self
    }

    /// Sets the scopes from a space-separated claim, without those that RFC 6749 does not allow.
    #[must_use]
    pub fn with_scope_claim(self, claim: &str) -> Self {
        self.with_scopes(ScopeSet::from_claim(claim))
    }

    /// Adds a resource that the token was issued for (one value of the `aud` claim).
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.facts_mut().audience.push(audience.into());
        self
    }

    /// Sets the time from which the token is no longer valid.
    #[must_use]
    pub fn with_expires_at(mut self, expires_at: SystemTime) -> Self {
        self.facts_mut().expires_at = Some(expires_at);
        self
    }

    /// Sets for how long after [`expires_at`](AccessToken::expires_at) the token is still accepted:
    /// the clocks of an issuer and of this server differ a little. None by default.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.facts_mut().leeway = leeway;
        self
    }

    /// Sets the key that the token is bound to; it is then refused as a plain bearer token.
    #[must_use]
    pub fn with_confirmation(mut self, confirmation: Confirmation) -> Self {
        self.facts_mut().confirmation = Some(confirmation);
        self
    }

    /// Sets the public identifier of the token (a store's id, the `jti` claim), for audit logs.
    #[must_use]
    pub fn with_token_id(mut self, token_id: impl Into<String>) -> Self {
        self.facts_mut().token_id = Some(token_id.into());
        self
    }

    /// Adds a claim.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.facts_mut().claims.insert(name.into(), value.into());
        self
    }

    /// Adds all of these claims.
    #[must_use]
    pub fn with_claims(mut self, claims: Map<String, Value>) -> Self {
        let own = &mut self.facts_mut().claims;
        if own.is_empty() {
            *own = claims;
        } else {
            own.extend(claims);
        }
        self
    }

    #[cfg(feature = "layer")]
    pub(crate) fn with_text(mut self, text: BearerToken) -> Self {
        self.text = Some(text);
        self
    }

    pub(crate) fn provenance(&self) -> Provenance {
        self.provenance
    }

    pub(crate) fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// New facts about the same token text.
    #[cfg(feature = "layer")]
    pub(crate) fn with_text_of(mut self, other: &Self) -> Self {
        self.text.clone_from(&other.text);
        self
    }

    fn facts_mut(&mut self) -> &mut Facts {
        Arc::make_mut(&mut self.facts)
    }

    /// Who the token stands for.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.facts.principal
    }

    /// Who issued the token, if an issuer did.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.facts.principal.issuer()
    }

    /// Whom the token speaks for.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.facts.principal.subject()
    }

    /// The client that the token was issued to, if known.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.facts.principal.client_id()
    }

    /// What the token may do.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.facts.scopes
    }

    /// The resources that the token was issued for. Empty where the verifier itself vouches that
    /// the token is meant for this server.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.facts.audience
    }

    /// From when the token is no longer valid, if ever.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.facts.expires_at
    }

    /// Whether the token is no longer valid at that time, its leeway included.
    #[must_use]
    pub fn is_expired_at(&self, now: SystemTime) -> bool {
        self.valid_until().is_some_and(|end| end <= now)
    }

    /// The expiry with its leeway: from then on the token is refused. `None`: never.
    #[must_use]
    pub fn valid_until(&self) -> Option<SystemTime> {
        let end = self.facts.expires_at?;
        // A time beyond what the clock can say is as good as the latest that it can.
        Some(end.checked_add(self.facts.leeway).unwrap_or(end))
    }

    /// The key that the token is bound to, if it is.
    #[must_use]
    pub fn confirmation(&self) -> Option<&Confirmation> {
        self.facts.confirmation.as_ref()
    }

    /// The public identifier of the token, if it has one. Safe to log.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.facts.token_id.as_deref()
    }

    /// Everything else that the verifier learned.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.facts.claims
    }

    /// The text of the token itself, where the layer has attached it: a secret.
    ///
    /// A tool hardly ever needs it. Sending it to another service is forbidden by the MCP
    /// specification (Security Best Practices, token passthrough).
    #[must_use]
    pub fn expose_token_text(&self) -> Option<&str> {
        self.text.as_ref().map(BearerToken::expose_secret)
    }
}

/// Without the token's text, and with the names of the claims only: their values may be personal.
impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("principal", self.principal())
            .field("scopes", self.scopes())
            .field("audience", &self.audience())
            .field("expires_at", &self.expires_at())
            .field("token_id", &self.token_id())
            .field("claims", &self.claims().keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "layer")]
    fn debug_shows_neither_the_text_nor_the_claims_values() {
        let token = AccessToken::new("alice")
            .with_claim("email", "alice@example.com")
            .with_text(BearerToken::parse("hunter2").expect("valid"));
        let shown = format!("{token:?}");
        assert!(
            shown.contains("alice") && shown.contains("email"),
            "{shown}"
        );
        assert!(
            !shown.contains("hunter2") && !shown.contains("@example"),
            "{shown}"
        );
        assert_eq!(token.expose_token_text(), Some("hunter2"));
    }

    #[test]
    fn a_refreshed_token_is_the_same_principal_and_another_client_is_not() {
        let old = AccessToken::new("alice")
            .with_issuer("https://a")
            .with_client_id("c");
        let new = AccessToken::new("alice")
            .with_issuer("https://a")
            .with_client_id("c")
            .with_token_id("2");
        assert_eq!(old.principal(), new.principal());
        for other in [
            AccessToken::new("alice")
                .with_issuer("https://b")
                .with_client_id("c"),
            AccessToken::new("alice").with_issuer("https://a"),
            AccessToken::new("bob")
                .with_issuer("https://a")
                .with_client_id("c"),
        ] {
            assert_ne!(old.principal(), other.principal());
        }
    }
}
