//! What a provider is started with.

/// How the provider is to be. The default suits most tests.
#[derive(Clone, Debug, Default)]
pub struct Options {
    flags: Vec<String>,
}

impl Options {
    /// `http://127.0.0.1:<port>` as the issuer; tokens live 600 s; signatures by RS256, ES256, PS256
    /// and EdDSA; a JWT for every resource.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A path for the issuer, such as `/tenant1`. RFC 8414 §3.1 puts the well-known part before it.
    #[must_use]
    pub fn issuer_path(self, path: &str) -> Self {
        self.flag("issuer-path", path)
    }

    /// The scopes that exist, separated by spaces, instead of `notes:read notes:write notes echo mcp
    /// whoami admin`. A request for others gets a token without them.
    #[must_use]
    pub fn scopes(self, scopes: &str) -> Self {
        self.flag("scopes", scopes)
    }

    /// How long access tokens live, in whole seconds. One token: [`Indicator::lives`].
    ///
    /// [`Indicator::lives`]: super::Indicator::lives
    #[must_use]
    pub fn lifetime(self, seconds: u32) -> Self {
        self.flag("ttl", &seconds.to_string())
    }

    /// Signing algorithms, each with a key of its own. RS256 must be one of them.
    #[must_use]
    pub fn algorithms(self, algorithms: &[&str]) -> Self {
        algorithms
            .iter()
            .fold(self, |options, alg| options.flag("alg", alg))
    }

    /// Only resources that begin so are known to the provider; may be given several times.
    #[must_use]
    pub fn resource(self, prefix: &str) -> Self {
        self.flag("resource", prefix)
    }

    /// Resources that begin so get opaque tokens, whoever asks; may be given several times.
    #[must_use]
    pub fn opaque_resource(self, prefix: &str) -> Self {
        self.flag("opaque-resource", prefix)
    }

    /// The client, `gate` or `gate-jwt`, may exchange tokens of this audience (RFC 8693): a resource
    /// that it serves, or a client whose ID tokens it gets. May be given several times.
    #[must_use]
    pub fn exchange(self, client: &str, audience: &str) -> Self {
        self.flag("exchange", &format!("{client}={audience}"))
    }

    /// Assertions (ID-JAG) are issued for authorization servers that begin so; may be given several
    /// times.
    #[must_use]
    pub fn assert_for(self, prefix: &str) -> Self {
        self.flag("assert-for", prefix)
    }

    /// The assertions (ID-JAG) of this other provider are taken; may be given several times.
    #[must_use]
    pub fn trust(self, issuer: &str) -> Self {
        self.flag("trust", issuer)
    }

    /// The provider insists on its own nonce in DPoP proofs (RFC 9449 §8).
    #[must_use]
    pub fn dpop_nonce(mut self) -> Self {
        self.flags.push("--dpop-nonce".to_owned());
        self
    }

    /// The provider's own pages ask for a name and for consent, for a [`Person`] at a browser.
    ///
    /// [`Person`]: crate::browser::Person
    #[must_use]
    pub fn pages(mut self) -> Self {
        self.flags.push("--pages".to_owned());
        self
    }

    /// The flags of `idp.mjs`.
    pub(super) fn flags(&self) -> &[String] {
        &self.flags
    }

    fn flag(mut self, name: &str, value: &str) -> Self {
        self.flags.push(format!("--{name}={value}"));
        self
    }
}
