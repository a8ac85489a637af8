//! From arguments and file to the settings of the server.

mod endpoints;
mod library;
mod warnings;

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use propusk::{Admission, DpopPolicy, server::TrustedProxies};

use self::endpoints::endpoints;
pub(super) use self::library::policies;
use super::{
    LISTEN, ScopesConfig,
    address::address_of,
    limits::Limits,
    rules::Place,
    tls::TlsFiles,
    upstream::{Behind, Endpoint},
    watch::Watched,
};
use crate::{
    args::{ServeArgs, VerificationArgs},
    commands::verification::{Verification, either},
    config::{Config, ServeConfig},
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
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) tls: Option<TlsFiles>,
    pub(super) proxies: Option<TrustedProxies>,
    pub(super) limits: Limits,
    pub(super) file: Option<PathBuf>,
    /// There is a file, and nothing in it.
    pub(super) is_of_empty_file: bool,
    pub(super) log: Option<String>,
    pub(super) assertion_key: Option<PathBuf>,
    /// The files of secrets that verifiers show.
    secrets: Vec<PathBuf>,
    /// Changes with whatever verifiers are made of.
    pub(super) verification_mark: u64,
    allowed_hosts: Vec<String>,
    allowed_origins: Vec<String>,
    suggested_scopes: Vec<String>,
    show_all: bool,
    dpop: DpopPolicy,
    dpop_nonces: bool,
}

impl Plan {
    pub(in crate::commands) fn resolve(
        mut args: ServeArgs,
        mut config: Config,
    ) -> Result<Self, Failure> {
        let (file, is_of_empty_file) = (config.file.take(), config.is_empty);
        let log = config.log.take();
        let place = Place {
            file: file.as_deref(),
            within: "",
        };
        let endpoints = endpoints(&mut args, &mut config, &place)?;
        let tls = TlsFiles::resolve(&mut args, std::mem::take(&mut config.tls), &place)?;
        let (proxies, limits) = (
            config.proxies.resolve(&place)?,
            config.limits.resolve(&place)?,
        );
        let mut telemetry = std::mem::take(&mut config.telemetry);
        telemetry.otlp = args.otlp.take().or(telemetry.otlp);
        let (mut config, tokens) = (config.serve, config.tokens);
        let mark = mark(&args.verification, &config, tokens.as_deref());
        let secrets = secrets(&args.verification, &config).cloned().collect();
        let verification = Verification::resolve(args.verification, &mut config, tokens)?;
        let dpop = args.dpop.or(config.dpop);
        let dpop = dpop.as_deref().map(dpop_of).transpose()?;
        let mut plan = Self {
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
                &telemetry,
            )?,
            show_all: args.show_all,
            suggested_scopes: either(
                "--suggested-scope",
                &args.suggested_scope,
                &mut config.suggested_scope,
            )?,
            endpoints,
            tls,
            proxies,
            limits,
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
            assertion_key: config.assertion_key,
            file,
            is_of_empty_file,
            log,
            secrets,
            verification_mark: mark,
        };
        address_of("--listen", &plan.listen)?;
        // Wrong values show now, before an address is bound or a file created.
        let settings = plan.auth_settings(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)))?;
        let mut hasher = DefaultHasher::new();
        plan.verification_mark.hash(&mut hasher);
        for own in &settings {
            own.resource().as_str().hash(&mut hasher);
        }
        plan.verification_mark = hasher.finish();
        for endpoint in &mut plan.endpoints {
            endpoint.mark(plan.limits.bodies());
        }
        for endpoint in &plan.endpoints {
            plan.rules_of(endpoint)?;
            plan.policies_of(endpoint)?;
        }
        Ok(plan)
    }

    /// Whether the endpoints are those of `[[upstream]]`.
    pub(super) fn is_of_file(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.of_file)
    }

    /// Whether an upstream is told who is calling.
    pub(super) fn asserts(&self) -> bool {
        let tells = |e: &Endpoint| matches!(&e.behind, Behind::Url(remote) if remote.assertion);
        self.endpoints.iter().any(tells)
    }

    /// The files that are read, beside that of the settings.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let tls = self.tls.iter().flat_map(TlsFiles::files);
        let tls = tls.chain(self.assertion_key.as_deref());
        let tls = tls.chain(self.secrets.iter().map(PathBuf::as_path));
        tls.chain(self.endpoints.iter().flat_map(Endpoint::files))
    }

    /// The scopes that every request to an endpoint needs.
    pub(super) fn required_of<'a>(&'a self, endpoint: &'a Endpoint) -> &'a [String] {
        let own = endpoint.required.as_deref();
        own.unwrap_or_else(|| self.verification.required_scopes())
    }

    /// Who gets in at an endpoint.
    pub(super) fn admission_of(&self, endpoint: &Endpoint) -> Admission {
        endpoint.admission.unwrap_or(self.verification.admission)
    }

    pub(super) fn dpop(&self) -> DpopPolicy {
        self.dpop
    }

    /// The scopes of a first token, which may do everything.
    pub(super) fn first_scopes(&self) -> Option<String> {
        if self.endpoints.iter().any(|e| e.behind == Behind::Builtin) {
            return None;
        }
        let own = |endpoint: &Endpoint| {
            let required = self.required_of(endpoint).to_vec();
            let named = endpoint.scopes.iter().flat_map(ScopesConfig::all_named);
            required
                .into_iter()
                .chain(named.map(str::to_owned).collect::<Vec<_>>())
        };
        let scopes: BTreeSet<String> = self.endpoints.iter().flat_map(own).collect();
        Some(scopes.into_iter().collect::<Vec<_>>().join(" "))
    }

    /// The endpoint with this name or path; without one, the only one.
    pub(in crate::commands) fn endpoint(&self, named: Option<&str>) -> Result<usize, Failure> {
        let known = || {
            let names: Vec<_> = self.endpoints.iter().map(Endpoint::shown).collect();
            names.join(", ")
        };
        let Some(named) = named else {
            return match self.endpoints.len() {
                1 => Ok(0),
                _ => Err(Failure::usage("there are several endpoints")
                    .hint(format!("name one with --endpoint: {}", known()))),
            };
        };
        let is = |e: &Endpoint| e.name.as_deref() == Some(named) || e.path == named;
        self.endpoints.iter().position(is).ok_or_else(|| {
            Failure::usage(format!("--endpoint: there is no {named:?}"))
                .hint(format!("there are: {}", known()))
        })
    }

    pub(in crate::commands) fn scopes_of(&self, endpoint: usize) -> &[ScopesConfig] {
        &self.endpoints[endpoint].scopes
    }

    pub(in crate::commands) fn is_builtin(&self, endpoint: usize) -> bool {
        self.endpoints[endpoint].behind == Behind::Builtin
    }
}

/// A number for all that verifiers are made of; nobody else sees the secrets among it.
fn mark(args: &VerificationArgs, config: &ServeConfig, tokens: Option<&str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{args:?} {config:?} {tokens:?}").hash(&mut hasher);
    for file in secrets(args, config) {
        std::fs::read(file).ok().hash(&mut hasher);
    }
    hasher.finish()
}

fn secrets<'a>(
    args: &'a VerificationArgs,
    config: &'a ServeConfig,
) -> impl Iterator<Item = &'a PathBuf> {
    let named = [&args.introspect_secret_file, &config.introspect_secret_file];
    named.into_iter().flatten()
}

fn dpop_of(text: &str) -> Result<DpopPolicy, Failure> {
    let parsed: Result<_, propusk::UnknownDpopPolicy> = text.parse();
    parsed.map_err(|error| Failure::usage(format!("--dpop: {text:?} is none; {error}")))
}
