//! From arguments and file to the settings of the server.

use std::net::{Ipv4Addr, SocketAddr};

use propusk::{Admission, AuthSettings, DpopPolicy};

use super::{
    LISTEN, ScopesConfig,
    address::{address_of, url_at, would_bind},
    watch::Watched,
};
use crate::{
    args::ServeArgs,
    commands::verification::{Verification, either},
    config::ServeConfig,
    failure::Failure,
};

/// What `serve` was asked to do; nothing has been touched yet. `inspect` asks the same plan what
/// would be decided, so that the two cannot differ.
pub(in crate::commands) struct Plan {
    pub(super) listen: String,
    pub(in crate::commands) verification: Verification,
    pub(super) stateless: bool,
    pub(super) web: bool,
    pub(super) watched: Watched,
    allowed_hosts: Vec<String>,
    allowed_origins: Vec<String>,
    suggested_scopes: Vec<String>,
    pub(in crate::commands) scopes: ScopesConfig,
    show_all: bool,
    dpop: DpopPolicy,
    dpop_nonces: bool,
}

impl Plan {
    pub(in crate::commands) fn resolve(
        args: ServeArgs,
        mut config: ServeConfig,
        scopes: ScopesConfig,
        configured_tokens: Option<String>,
    ) -> Result<Self, Failure> {
        let verification =
            Verification::resolve(args.verification, &mut config, configured_tokens)?;
        let dpop = args.dpop.or(config.dpop);
        let dpop = dpop.as_deref().map(dpop_of).transpose()?;
        let plan = Self {
            listen: args
                .listen
                .or(config.listen)
                .unwrap_or_else(|| LISTEN.to_owned()),
            verification,
            web: !(args.no_web || config.no_web == Some(true)),
            stateless: args.stateless || config.stateless == Some(true),
            watched: Watched::resolve(
                args.audit.or(config.audit),
                args.metrics.or(config.metrics).as_deref(),
            )?,
            show_all: args.show_all || scopes.show_all == Some(true),
            suggested_scopes: either(
                "--suggested-scope",
                &args.suggested_scope,
                &mut config.suggested_scope,
            )?,
            scopes,
            dpop: dpop.unwrap_or_default(),
            dpop_nonces: args.dpop_nonces || config.dpop_nonces == Some(true),
            allowed_hosts: either(
                "--allowed-host",
                &args.allowed_host,
                &mut config.allowed_host,
            )?,
            allowed_origins: either(
                "--allowed-origin",
                &args.allowed_origin,
                &mut config.allowed_origin,
            )?,
        };
        address_of("--listen", &plan.listen)?;
        // Wrong values show now, before an address is bound or a file created.
        plan.auth_settings(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)))?;
        Ok(plan)
    }

    /// The settings of the library, for the address that would be bound.
    pub(in crate::commands) async fn expected_settings(&self) -> Result<AuthSettings, Failure> {
        // With a URL of its own the address has no say, and may be one of another machine.
        let address = match self.verification.resource {
            Some(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            None => would_bind(&self.listen).await?,
        };
        self.auth_settings(address)
    }

    /// The settings of the library, for the address that was bound.
    pub(super) fn auth_settings(&self, bound: SocketAddr) -> Result<AuthSettings, Failure> {
        let usage =
            |flag: &str, error: &dyn std::fmt::Display| Failure::usage(format!("{flag}: {error}"));
        let mut settings = self
            .verification
            .settings(url_at(bound))?
            .dpop(self.dpop)
            .dpop_nonces(self.dpop_nonces);
        settings = self.scopes.apply(settings)?.show_all(self.show_all);
        for scope in &self.suggested_scopes {
            settings = settings
                .suggest_scopes(scope)
                .map_err(|error| usage("--suggested-scope", &error))?;
        }
        for host in &self.allowed_hosts {
            settings = settings
                .allow_host(host)
                .map_err(|error| usage("--allowed-host", &error))?;
        }
        for origin in &self.allowed_origins {
            settings = settings
                .allow_origin(origin)
                .map_err(|error| usage("--allowed-origin", &error))?;
        }
        Ok(settings)
    }

    /// Says what is allowed and yet probably not meant.
    pub(super) fn warn(&self, settings: &AuthSettings) {
        if self.verification.has_fixed_tokens() {
            tracing::warn!(
                "fixed tokens (--token) are for development: whoever sees the command line knows them"
            );
        }
        self.warn_of_commas();
        if settings.resource().scheme() == "http" && !settings.resource().is_loopback() {
            tracing::warn!(resource = %settings.resource(), "tokens travel in the clear: put TLS in front and name the https URL with --resource");
        }
        if !settings.authorization_servers().is_empty() && settings.sign_in_scopes().is_empty() {
            tracing::warn!(
                "clients that sign in are not told which scopes to ask for, so some ask for all and some for none: name those of basic use with --suggested-scope"
            );
        }
        if self.verification.admission != Admission::Required
            && !settings.required_scopes().is_empty()
        {
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

fn dpop_of(text: &str) -> Result<DpopPolicy, Failure> {
    let parsed: Result<_, propusk::UnknownDpopPolicy> = text.parse();
    parsed.map_err(|error| Failure::usage(format!("--dpop: {text:?} is none; {error}")))
}
