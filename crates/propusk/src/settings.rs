//! How this server authorizes.

use std::time::Duration;

use crate::{
    Admission, DpopPolicy, HostPolicy, InvalidResourceUrl, InvalidScope, ResourceUrl,
    ScopeHierarchy, ScopePolicy, ScopeSet, SessionLimits, host_policy::InvalidHostRule,
};

/// A revoked token ends its streams within this time.
const STREAM_RECHECK: Duration = Duration::from_secs(1);

/// Asking more often than this would be a busy loop.
const SHORTEST_RECHECK: Duration = Duration::from_millis(10);

/// And less often than this is never.
const LONGEST_RECHECK: Duration = Duration::from_secs(24 * 60 * 60);

/// How this server authorizes: its resource URL (the audience of its tokens), the authorization
/// servers that issue them, the scopes that every request needs, and who is admitted.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    resource: ResourceUrl,
    other_audiences: Vec<String>,
    authorization_servers: Vec<String>,
    required_scopes: ScopeSet,
    suggested_scopes: ScopeSet,
    hierarchy: ScopeHierarchy,
    policy: ScopePolicy,
    show_all: bool,
    admission: Admission,
    hosts: HostPolicy,
    resource_name: Option<String>,
    dpop: DpopPolicy,
    dpop_nonces: bool,
    sessions: SessionLimits,
    stream_recheck: Duration,
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
            suggested_scopes: ScopeSet::default(),
            hierarchy: ScopeHierarchy::default(),
            policy: ScopePolicy::default(),
            show_all: false,
            admission: Admission::Required,
            resource_name: None,
            dpop: DpopPolicy::Accepted,
            dpop_nonces: false,
            sessions: SessionLimits::default(),
            stream_recheck: STREAM_RECHECK,
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

    /// Suggests these space-separated scopes to clients that sign in, beside the required ones and in
    /// addition to earlier ones: what basic use needs, and no more. Nothing is checked against them.
    ///
    /// They stand in the challenges of a 401 and in the metadata. Where neither names a scope, a client
    /// has to guess: some then ask for all that the authorization server has, and some for nothing,
    /// which strict authorization servers refuse. What a tool needs beyond this, its 403 names.
    ///
    /// # Errors
    /// [`InvalidScope`] where one contains a character that RFC 6749 forbids.
    pub fn suggest_scopes(mut self, scopes: &str) -> Result<Self, InvalidScope> {
        self.suggested_scopes
            .extend(ScopeSet::parse(scopes)?.iter().cloned());
        Ok(self)
    }

    /// Declares that one scope implies these space-separated others, everywhere that scopes are
    /// compared; `*` alone stands for all scopes. See [`ScopeHierarchy`].
    ///
    /// ```
    /// # use propusk::AuthSettings;
    /// # fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// AuthSettings::new("http://127.0.0.1:8000/mcp")?
    ///     .scope_implies("notes", "notes:read notes:write")?
    ///     .scope_implies("admin", "*")?;
    /// # Ok(())
    /// # }
    /// # run().unwrap();
    /// ```
    ///
    /// # Errors
    /// [`InvalidScope`] where one contains a character that RFC 6749 forbids.
    pub fn scope_implies(mut self, scope: &str, implied: &str) -> Result<Self, InvalidScope> {
        self.hierarchy = self.hierarchy.implies(scope, implied)?;
        Ok(self)
    }

    /// Sets the rules about tools, prompts, resources and methods; an earlier policy is replaced.
    #[must_use]
    pub fn policy(mut self, policy: ScopePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Lists everything to everybody, with the scopes that are needed, so that a client can find
    /// out what a wider token would open. By default a list shows what its caller may use.
    #[must_use]
    pub fn show_all(mut self, show_all: bool) -> Self {
        self.show_all = show_all;
        self
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

    /// Sets how many sessions of 2025-11-25 there may be, and how long one may idle.
    #[must_use]
    pub fn sessions(mut self, limits: SessionLimits) -> Self {
        self.sessions = limits;
        self
    }

    /// Sets how often the token of an open stream is verified again (every second by default): that
    /// is how soon the streams of a revoked token end. It costs the verifier one question per token
    /// with open streams, not per stream; where that is dear, ask less often. Between 10 ms
    /// and a day.
    #[must_use]
    pub fn stream_recheck(mut self, every: Duration) -> Self {
        self.stream_recheck = every.clamp(SHORTEST_RECHECK, LONGEST_RECHECK);
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

    /// The scopes that a client does well to ask for when it signs in: the required and the
    /// suggested ones.
    #[must_use]
    pub fn sign_in_scopes(&self) -> ScopeSet {
        let mut scopes = self.required_scopes.clone();
        scopes.extend(self.suggested_scopes.iter().cloned());
        scopes
    }

    /// Which scopes imply which.
    #[must_use]
    pub fn scope_hierarchy(&self) -> &ScopeHierarchy {
        &self.hierarchy
    }

    /// The rules about tools, prompts, resources and methods.
    #[must_use]
    pub fn scope_policy(&self) -> &ScopePolicy {
        &self.policy
    }

    /// Whether lists show what the caller may not use.
    #[must_use]
    pub fn shows_all(&self) -> bool {
        self.show_all
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

    /// How many sessions there may be, and how long one may idle.
    #[must_use]
    pub fn session_limits(&self) -> SessionLimits {
        self.sessions
    }

    #[cfg(feature = "layer")]
    pub(crate) fn recheck_interval(&self) -> Duration {
        self.stream_recheck
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.resource_name.as_deref()
    }
}
