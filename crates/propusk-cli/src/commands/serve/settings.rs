//! From arguments and file to the settings of the server.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use propusk::{
    Admission, AuthSettings, DpopPolicy, ResourceUrl,
    rules::RuleTable,
    server::{AddressRange, TrustedProxies},
};

use propusk_gate::{
    cedar::{CedarPolicies, CedarRules},
    credentials::AssertionKeys,
};

use super::{
    LISTEN,
    address::{address_of, base_at, would_bind},
    limits::Limits,
    rules::{Place, Ruled},
    tls::TlsFiles,
    upstream::{Behind, Endpoint, Program, Remote, Signing},
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

    /// The settings of the library for each endpoint, for the address that would be bound.
    pub(in crate::commands) async fn expected_settings(
        &self,
    ) -> Result<Vec<AuthSettings>, Failure> {
        let own = |endpoint: &Endpoint| endpoint.resource.is_some();
        // With a URL of its own the address has no say, and may be one of another machine.
        let address = match self.verification.resource.is_some() || self.endpoints.iter().all(own) {
            true => SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            false => would_bind(&self.listen).await?,
        };
        self.auth_settings(address)
    }

    /// The settings of the library for each endpoint, for the address that was bound.
    pub(super) fn auth_settings(&self, bound: SocketAddr) -> Result<Vec<AuthSettings>, Failure> {
        let base = base_at(bound, self.tls.is_some());
        let settings = |endpoint| self.settings_of(endpoint, &base);
        self.endpoints.iter().map(settings).collect()
    }

    fn settings_of(&self, endpoint: &Endpoint, base: &str) -> Result<AuthSettings, Failure> {
        let usage =
            |flag: &str, error: &dyn std::fmt::Display| Failure::usage(format!("{flag}: {error}"));
        let resource = self.resource_of(endpoint, base)?;
        let required = endpoint.required.as_deref();
        let mut settings = self
            .verification
            .settings(&resource, endpoint.admission, required)?
            .dpop(self.dpop)
            .dpop_nonces(self.dpop_nonces);
        let show_all = self.show_all || endpoint.scopes.show_all == Some(true);
        settings = endpoint.scopes.apply(settings)?.show_all(show_all);
        for scope in endpoint
            .suggested
            .as_ref()
            .unwrap_or(&self.suggested_scopes)
        {
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
        if let Some(name) = &endpoint.name {
            settings = settings.resource_name(name);
        }
        Ok(settings)
    }

    /// The URL of an endpoint: its own, that of `--resource`, or where it listens.
    fn resource_of(&self, endpoint: &Endpoint, base: &str) -> Result<String, Failure> {
        if let Some(resource) = &endpoint.resource {
            let parsed = ResourceUrl::parse(resource);
            let parsed = parsed.map_err(|error| {
                Failure::usage(format!(
                    "the upstream {}: resource: {error}",
                    endpoint.shown()
                ))
            })?;
            if parsed.path().trim_end_matches('/') != endpoint.path {
                return Err(Failure::usage(format!(
                    "the upstream {}: resource: {resource} does not end with its path {}",
                    endpoint.shown(),
                    endpoint.path
                ))
                .hint("a client asks for the path of the resource; name the same one with path"));
            }
            return Ok(resource.clone());
        }
        let given = self.verification.resource.as_deref();
        if !self.is_of_file() {
            return Ok(given.map_or_else(|| format!("{base}{}", endpoint.path), str::to_owned));
        }
        let base = given.unwrap_or(base).trim_end_matches('/');
        // Of one that is none the parser says why.
        let has_path = base
            .split_once("://")
            .is_some_and(|(_, rest)| rest.contains('/'));
        if has_path && *base != format!("{}{}", base_of(base), endpoint.path) {
            return Err(Failure::usage(format!(
                "--resource: with [[upstream]] in the file this is the URL of the whole server, such as {}",
                base_of(base)
            ))
            .hint("an upstream with another one has a key resource in its table"));
        }
        Ok(format!("{}{}", base_of(base), endpoint.path))
    }

    /// Whether the endpoints are those of `[[upstream]]`.
    pub(super) fn is_of_file(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.of_file)
    }

    /// Whether a scope is needed for anything at an endpoint.
    pub(super) fn asks_for_scopes(&self, endpoint: &Endpoint) -> bool {
        let required = endpoint.required.as_deref();
        let required = required.unwrap_or_else(|| self.verification.required_scopes());
        let named = endpoint.scopes.rules().next().is_some();
        named || endpoint.scopes.has_default() || !required.is_empty()
    }

    /// The rules of an endpoint, all of which must allow; none where there is nothing to keep.
    pub(super) fn rules_of(&self, endpoint: &Endpoint) -> Result<Vec<RuleTable>, Failure> {
        if !endpoint.has_rules() && !self.limits.need_rules() {
            return Ok(Vec::new());
        }
        let table = |rules: &Ruled| {
            rules.config.table(&Place {
                file: self.file.as_deref(),
                within: rules.within,
            })
        };
        let tables: Result<Vec<_>, _> = endpoint.rules.iter().map(table).collect();
        let mut tables = tables?;
        if let Some(first) = tables.first_mut() {
            *first = self.limits.add_to(std::mem::take(first));
        }
        Ok(tables)
    }

    /// Whether an upstream is told who is calling.
    pub(super) fn asserts(&self) -> bool {
        let tells = |e: &Endpoint| matches!(&e.behind, Behind::Url(remote) if remote.assertion);
        self.endpoints.iter().any(tells)
    }

    /// The keys of this gate, and its name in what they sign.
    pub(super) fn signing(&self, settings: &[AuthSettings]) -> Result<Signing, Failure> {
        let keys = match &self.assertion_key {
            Some(file) => AssertionKeys::from_file(file),
            None => AssertionKeys::ephemeral(),
        };
        let keys = keys.map_err(|error| Failure::usage(format!("assertion-key: {error}")))?;
        let first = settings.first().map(|own| base_of(own.resource().as_str()));
        Ok(Signing {
            keys: Arc::new(keys),
            issuer: first.unwrap_or_default(),
        })
    }

    /// The policies for an endpoint, one set for each file that is named.
    pub(super) fn policies_of(&self, endpoint: &Endpoint) -> Result<Vec<CedarRules>, Failure> {
        let files = endpoint.rules.iter();
        let files = files.filter_map(|rules| rules.config.policy.as_deref());
        files.map(|file| policies(file, endpoint)).collect()
    }

    /// The files that are read, beside that of the settings.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let tls = self.tls.iter().flat_map(TlsFiles::files);
        let tls = tls.chain(self.assertion_key.as_deref());
        let tls = tls.chain(self.secrets.iter().map(PathBuf::as_path));
        tls.chain(self.endpoints.iter().flat_map(Endpoint::files))
    }

    /// The scopes of a first token, which may do everything.
    pub(super) fn first_scopes(&self) -> Option<String> {
        if self.endpoints.iter().any(|e| e.behind == Behind::Builtin) {
            return None;
        }
        let own = |endpoint: &Endpoint| {
            let required = endpoint.required.clone();
            let required = required.unwrap_or_else(|| self.verification.required_scopes().to_vec());
            let named = endpoint.scopes.all_named().map(str::to_owned);
            required.into_iter().chain(named.collect::<Vec<_>>())
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

    pub(in crate::commands) fn scopes_of(&self, endpoint: usize) -> &super::ScopesConfig {
        &self.endpoints[endpoint].scopes
    }

    pub(in crate::commands) fn is_builtin(&self, endpoint: usize) -> bool {
        self.endpoints[endpoint].behind == Behind::Builtin
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

/// The policies of a file.
fn policies(file: &Path, endpoint: &Endpoint) -> Result<CedarRules, Failure> {
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| Failure::usage(format!("policy: {shown}: {error}")))?;
    let policies = CedarPolicies::parse(&shown, &text).map_err(|wrong| {
        let failure = Failure::usage(format!("policy: {shown} is not taken"));
        let complaints = wrong.complaints().iter();
        complaints.fold(failure, Failure::hint)
    })?;
    Ok(policies.rules(endpoint.shown()))
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

/// Scheme, host and port of a URL.
fn base_of(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let authority = rest.split('/').next().unwrap_or_default();
            format!("{scheme}://{authority}")
        }
        None => url.to_owned(),
    }
}

/// What was typed, or the tables of the file, or the built-in server.
fn endpoints(
    args: &mut ServeArgs,
    config: &mut Config,
    place: &Place<'_>,
) -> Result<Vec<Endpoint>, Failure> {
    let scopes = std::mem::take(&mut config.scopes);
    let rules = std::mem::take(&mut config.rules);
    let tables = std::mem::take(&mut config.upstream);
    let command = std::mem::take(&mut args.server_command);
    let typed = match (args.upstream.take(), &command[..]) {
        (Some(url), _) => Some(Behind::Url(Box::new(Remote::at(url)))),
        (None, []) => None,
        (None, _) => Some(Behind::Program(Program::typed(command))),
    };
    if let Some(behind) = typed {
        if !tables.is_empty() {
            // Its scopes and rules would silently not hold for the other one.
            return Err(Failure::usage(
                "an upstream is named on the command line (or in PROPUSK_UPSTREAM), and the file has [[upstream]] tables",
            )
            .hint("take one away: rules in such a table hold for its own upstream only"));
        }
        return Ok(vec![Endpoint::only(behind, scopes, rules)]);
    }
    if tables.is_empty() {
        return Ok(vec![Endpoint::only(Behind::Builtin, scopes, rules)]);
    }
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for table in tables {
        let endpoint = Endpoint::of(table, &scopes, &rules, place)?;
        let same = |other: &&Endpoint| other.path == endpoint.path || other.name == endpoint.name;
        if let Some(other) = endpoints.iter().find(same) {
            return Err(Failure::usage(format!(
                "two upstreams have the same name or the path {}",
                other.path
            ))
            .hint("give each [[upstream]] a name of its own"));
        }
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

fn dpop_of(text: &str) -> Result<DpopPolicy, Failure> {
    let parsed: Result<_, propusk::UnknownDpopPolicy> = text.parse();
    parsed.map_err(|error| Failure::usage(format!("--dpop: {text:?} is none; {error}")))
}
