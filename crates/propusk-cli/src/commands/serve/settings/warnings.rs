//! What is allowed and yet probably not meant.

use propusk::{Admission, AuthSettings, DpopPolicy, server::AddressRange};

use super::Plan;

impl Plan {
    /// Says what is allowed and yet probably not meant.
    pub(in crate::commands::serve) fn warn(&self, settings: &AuthSettings) {
        if self.verification.has_fixed_tokens() {
            tracing::warn!(
                "fixed tokens (--token) are for development: whoever sees the command line knows them"
            );
        }
        self.warn_of_commas();
        if settings.resource().scheme() == "http" && !settings.resource().is_loopback() {
            tracing::warn!(resource = %settings.resource(), "tokens travel in the clear: give a certificate with --tls-certificate and --tls-key, or put TLS in front and name the https URL with --resource");
        }
        if !settings.authorization_servers().is_empty() && settings.sign_in_scopes().is_empty() {
            tracing::warn!(
                "clients that sign in are not told which scopes to ask for, so some ask for all and some for none: name those of basic use with --suggested-scope"
            );
        }
        if settings.admitted() != Admission::Required && !settings.required_scopes().is_empty() {
            tracing::warn!(
                "every request needs a scope, so anonymous callers are refused whatever --admission says"
            );
        }
        if self.dpop == DpopPolicy::Required && settings.authorization_servers().is_empty() {
            tracing::warn!(
                "tokens of the store and of --token are bound to no key: --dpop required refuses them"
            );
        }
        if self.verification.resource.is_none()
            && !self.listen.starts_with("127.")
            && !self.listen.contains("localhost")
            && !self.listen.starts_with("[::1]")
        {
            tracing::warn!(
                "only requests to {} are answered; name the URL that clients use with --resource",
                settings.resource()
            );
        }
        self.warn_of_everybody();
    }

    /// A range that holds everybody makes everybody a proxy.
    fn warn_of_everybody(&self) {
        let all = ["0.0.0.0/0", "::/0"].map(str::parse::<AddressRange>);
        let trusts = |range: &AddressRange| {
            let proxies = self.proxies.as_ref();
            proxies.is_some_and(|proxies| proxies.ranges().contains(range))
        };
        if all.iter().flatten().any(trusts) {
            tracing::warn!(
                "[proxies] trusts everybody, so that every client can say where it comes from"
            );
        }
    }

    fn warn_of_commas(&self) {
        for (flag, scopes) in [
            ("--required-scope", self.verification.required_scopes()),
            ("--suggested-scope", &self.suggested_scopes),
        ] {
            for scope in scopes.iter().filter(|scope| scope.contains(',')) {
                tracing::warn!(
                    "{flag}: the comma in {scope:?} is part of a scope; several scopes have blanks between them"
                );
            }
        }
    }
}
