//! What the library is given: the settings, rules and policies of each endpoint.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};

use propusk::{AuthSettings, ResourceUrl, ScopePolicy, rules::RuleTable};
use propusk_gate::{
    cedar::{CedarPolicies, CedarRules},
    credentials::AssertionKeys,
};

use super::{
    super::{
        address::{base_at, would_bind},
        rules::{Place, Ruled},
        upstream::{Endpoint, Signing},
    },
    Plan,
};
use crate::failure::Failure;

impl Plan {
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
    pub(in crate::commands::serve) fn auth_settings(
        &self,
        bound: SocketAddr,
    ) -> Result<Vec<AuthSettings>, Failure> {
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
        let mut policy = ScopePolicy::new();
        for scopes in &endpoint.scopes {
            settings = scopes.imply(settings)?;
            policy = policy.and(scopes.policy()?);
        }
        let show_all = endpoint.scopes.iter().rev().find_map(|own| own.show_all);
        settings = settings
            .policy(policy)
            .show_all(self.show_all || show_all == Some(true));
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
                Failure::usage(format!("{}: resource: {error}", endpoint.place))
            })?;
            if parsed.path().trim_end_matches('/') != endpoint.path {
                return Err(Failure::usage(format!(
                    "{}: resource: {resource} does not end with its path {}",
                    endpoint.place, endpoint.path
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

    /// Whether a scope is needed for anything at an endpoint.
    pub(in crate::commands::serve) fn asks_for_scopes(&self, endpoint: &Endpoint) -> bool {
        let required = self.required_of(endpoint);
        let mut scopes = endpoint.scopes.iter();
        !required.is_empty()
            || scopes.any(|scopes| scopes.rules().next().is_some() || scopes.has_default())
    }

    /// The rules of an endpoint, all of which must allow; none where there is nothing to keep.
    pub(in crate::commands::serve) fn rules_of(
        &self,
        endpoint: &Endpoint,
    ) -> Result<Vec<RuleTable>, Failure> {
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

    /// The keys of this gate, and its name in what they sign.
    pub(in crate::commands::serve) fn signing(
        &self,
        settings: &[AuthSettings],
    ) -> Result<Signing, Failure> {
        let keys = self.assertion_key.as_ref().map(AssertionKeys::from_file);
        let keys = keys.transpose().map_err(|e| Signing::failure(&e))?;
        let first = settings.first().map(|own| base_of(own.resource().as_str()));
        Ok(Signing::new(keys, first.unwrap_or_default()))
    }

    /// The policies for an endpoint, one set for each file that is named.
    pub(in crate::commands::serve) fn policies_of(
        &self,
        endpoint: &Endpoint,
    ) -> Result<Vec<CedarRules>, Failure> {
        let rules = |(file, place): (&Path, String)| {
            let policies = policies(file, &place)?;
            Ok(policies.rules(endpoint.shown()))
        };
        endpoint.policies().map(rules).collect()
    }
}

/// The policies of a file, which this key names.
pub(in crate::commands::serve) fn policies(
    file: &Path,
    key: &str,
) -> Result<CedarPolicies, Failure> {
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| Failure::usage(format!("{key}: {shown}: {error}")))?;
    CedarPolicies::parse(&shown, &text).map_err(|wrong| {
        let failure = Failure::usage(format!("{key}: {shown} is not taken"));
        let complaints = wrong.complaints().iter();
        complaints.fold(failure, Failure::hint)
    })
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
