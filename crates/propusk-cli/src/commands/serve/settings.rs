//! From arguments and file to the settings of the server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use propusk::{Admission, AuthSettings};

use super::{LISTEN, ScopesConfig};
use crate::{args::ServeArgs, config::ServeConfig, failure::Failure};

/// What `serve` was asked to do; nothing has been touched yet.
pub(super) struct Plan {
    pub(super) listen: String,
    pub(super) fixed_tokens: Vec<String>,
    pub(super) stateless: bool,
    resource: Option<String>,
    admission: Admission,
    required_scopes: Vec<String>,
    allowed_hosts: Vec<String>,
    allowed_origins: Vec<String>,
    scopes: ScopesConfig,
    show_all: bool,
}

impl Plan {
    pub(super) fn resolve(
        args: ServeArgs,
        config: ServeConfig,
        scopes: ScopesConfig,
    ) -> Result<Self, Failure> {
        let admission = args.admission.or(config.admission);
        let admission = admission.as_deref().map(admission_of).transpose()?;
        let plan = Self {
            listen: args
                .listen
                .or(config.listen)
                .unwrap_or_else(|| LISTEN.to_owned()),
            fixed_tokens: either(args.token, config.token),
            stateless: args.stateless || config.stateless == Some(true),
            resource: args.resource.or(config.resource),
            admission: admission.unwrap_or_default(),
            required_scopes: either(args.required_scope, config.required_scope),
            show_all: args.show_all || scopes.show_all == Some(true),
            scopes,
            allowed_hosts: either(args.allowed_host, config.allowed_host),
            allowed_origins: either(args.allowed_origin, config.allowed_origin),
        };
        address_of(&plan.listen)?;
        // Wrong values show now, before an address is bound or a file created.
        plan.auth_settings(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)))?;
        Ok(plan)
    }

    /// The settings of the library, for the address that was bound.
    pub(super) fn auth_settings(&self, bound: SocketAddr) -> Result<AuthSettings, Failure> {
        let resource = self
            .resource
            .clone()
            .unwrap_or_else(|| format!("http://{}/mcp", reachable(bound)));
        let usage =
            |flag: &str, error: &dyn std::fmt::Display| Failure::usage(format!("{flag}: {error}"));
        let mut settings = AuthSettings::new(&resource)
            .map_err(|error| usage("--resource", &error))?
            .admission(self.admission);
        for scope in &self.required_scopes {
            settings = settings
                .require_scopes(scope)
                .map_err(|error| usage("--required-scope", &error))?;
        }
        settings = self.scopes.apply(settings)?.show_all(self.show_all);
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
        if settings.resource().scheme() == "http" && !settings.resource().is_loopback() {
            tracing::warn!(resource = %settings.resource(), "tokens travel in the clear: put TLS in front and name the https URL with --resource");
        }
        if self.admission != Admission::Required && !settings.required_scopes().is_empty() {
            tracing::warn!(
                "every request needs a scope, so anonymous callers are refused whatever --admission says"
            );
        }
        if self.resource.is_none()
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
}

fn admission_of(text: &str) -> Result<Admission, Failure> {
    let parsed: Result<_, propusk::UnknownAdmission> = text.parse();
    parsed.map_err(|error| Failure::usage(format!("--admission: {text:?} is none; {error}")))
}

/// `host:port`. Resolving the host is the operating system's business.
fn address_of(text: &str) -> Result<(), Failure> {
    let parts = text.rsplit_once(':');
    let good = |(host, port): (&str, &str)| {
        !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok()
    };
    if parts.is_some_and(good) {
        return Ok(());
    }
    Err(
        Failure::usage(format!("--listen: {text:?} is not an address"))
            .hint("write an address with its port, such as 127.0.0.1:8000 or [::1]:8000"),
    )
}

/// A wildcard address is none that a client can connect to.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}

/// A list on the command line replaces the one in the file.
fn either(typed: Vec<String>, configured: Vec<String>) -> Vec<String> {
    if typed.is_empty() { configured } else { typed }
}
