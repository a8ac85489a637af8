//! How this server authorizes.

use crate::{
    Admission, DpopPolicy, HostPolicy, InvalidResourceUrl, InvalidScope, ResourceUrl, ScopeSet,
    host_policy::InvalidHostRule,
};

/// How this server authorizes: its resource URL (the audience of its tokens), the authorization
/// servers that issue them, the scopes that every request needs, and who is admitted.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    resource: ResourceUrl,
    other_audiences: Vec<String>,
    authorization_servers: Vec<String>,
    required_scopes: ScopeSet,
    admission: Admission,
    hosts: HostPolicy,
    resource_name: Option<String>,
    dpop: DpopPolicy,
    dpop_nonces: bool,
}

impl AuthSettings {
    /// Settings for the server whose clients use this URL, such as `https://mcp.example.com/mcp`.
    /// Admission is [`Admission::Required`], and only this URL's host and origin are accepted.
    ///
    /// # Errors
    /// [`InvalidResourceUrl`] where the text is not an absolute `http(s)` URL without query and
    /// fragment.
    pub fn new(resource: &str) -> Result<Self, InvalidResourceUrl> {
        let resource = ResourceUrl::parse(resource)?;
        Ok(Self {
            hosts: HostPolicy::of(&resource),
            resource,
            other_audiences: Vec::new(),
            authorization_servers: Vec::new(),
            required_scopes: ScopeSet::default(),
            admission: Admission::Required,
            resource_name: None,
            dpop: DpopPolicy::Accepted,
            dpop_nonces: false,
        })
    }

    /// Adds an authorization server (its issuer URL) that issues tokens for this resource. Clients
    /// learn it from the protected resource metadata (RFC 9728), which is served as soon as there
    /// is one.
    #[must_use]
    pub fn authorization_server(mut self, issuer: impl Into<String>) -> Self {
        self.authorization_servers.push(issuer.into());
        self
    }

    /// Accepts tokens that name this server by one more audience, compared exactly. Some identity
    /// providers cannot issue tokens for a URL and use a name such as `api://notes`.
    #[must_use]
    pub fn accept_audience(mut self, audience: impl Into<String>) -> Self {
        self.other_audiences.push(audience.into());
        self
    }

    /// Requires these space-separated scopes of every request, in addition to earlier ones. An
    /// anonymous caller has none, so with [`Admission::Optional`] too it is asked to sign in.
    ///
    /// # Errors
    /// [`InvalidScope`] where one contains a character that RFC 6749 forbids.
    pub fn require_scopes(mut self, scopes: &str) -> Result<Self, InvalidScope> {
        self.required_scopes
            .extend(ScopeSet::parse(scopes)?.iter().cloned());
        Ok(self)
    }

    /// Sets who is admitted.
    #[must_use]
    pub fn admission(mut self, admission: Admission) -> Self {
        self.admission = admission;
        self
    }

    /// Sets whether tokens must be bound to a key ([`DpopPolicy::Accepted`] by default).
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn dpop(mut self, policy: DpopPolicy) -> Self {
        self.dpop = policy;
        self
    }

    /// Sets whether a DPoP proof must contain a nonce of this server (RFC 9449 §9), so that nobody
    /// can make proofs in advance. Off by default: a client then needs one more request now and
    /// then, and each process accepts only its own nonces.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn dpop_nonces(mut self, on: bool) -> Self {
        self.dpop_nonces = on;
        self
    }

    /// Accepts one more `Host`, `name` or `name:port`, beside that of the resource URL: the name
    /// that a reverse proxy uses, for example.
    ///
    /// # Errors
    /// [`InvalidHostRule`] where it is neither.
    pub fn allow_host(mut self, host: &str) -> Result<Self, InvalidHostRule> {
        self.hosts.allow_host(host)?;
        Ok(self)
    }

    /// Accepts browser pages of one more origin, such as `https://app.example.com` or
    /// `http://localhost:*` (any port). Such a page may also read the answers (CORS).
    ///
    /// # Errors
    /// [`InvalidHostRule`] where it is not an origin.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, InvalidHostRule> {
        self.hosts.allow_origin(origin)?;
        Ok(self)
    }

    /// Sets the name that a consent page shows for this server (`resource_name`, RFC 9728 §2).
    #[must_use]
    pub fn resource_name(mut self, name: impl Into<String>) -> Self {
        self.resource_name = Some(name.into());
        self
    }

    /// The resource URL.
    #[must_use]
    pub fn resource(&self) -> &ResourceUrl {
        &self.resource
    }

    /// Whether this audience of a token names this server: the resource URL
    /// ([`ResourceUrl::is_named_by`]) or one that was accepted beside it.
    #[must_use]
    pub fn is_audience(&self, audience: &str) -> bool {
        self.resource.is_named_by(audience) || self.other_audiences.iter().any(|a| a == audience)
    }

    /// The issuers of the authorization servers.
    #[must_use]
    pub fn authorization_servers(&self) -> &[String] {
        &self.authorization_servers
    }

    /// The scopes that every request needs.
    #[must_use]
    pub fn required_scopes(&self) -> &ScopeSet {
        &self.required_scopes
    }

    /// Who is admitted.
    #[must_use]
    pub fn admitted(&self) -> Admission {
        self.admission
    }

    /// Whether tokens must be bound to a key.
    #[must_use]
    pub fn dpop_policy(&self) -> DpopPolicy {
        self.dpop
    }

    /// Whether a DPoP proof must contain a nonce of this server.
    #[must_use]
    pub fn requires_dpop_nonce(&self) -> bool {
        self.dpop_nonces
    }

    /// Which `Host` and `Origin` headers are accepted.
    #[must_use]
    pub fn hosts(&self) -> &HostPolicy {
        &self.hosts
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.resource_name.as_deref()
    }
}
