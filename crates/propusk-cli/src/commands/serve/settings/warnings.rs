//! What is allowed and yet probably not meant.

use propusk::{Admission, AuthSettings, DpopPolicy, Operation, server::AddressRange};
use propusk_gate::http::UpstreamUrl;

use super::{
    super::{
        Section,
        upstream::{Behind, Endpoint},
    },
    Plan, library,
};
use crate::{
    failure::Failure,
    nearest::{matches, nearest},
};

impl Plan {
    /// A line for each thing that is allowed and yet probably not meant, for the settings of all
    /// endpoints.
    pub(in crate::commands::serve) fn warnings(
        &self,
        all: &[AuthSettings],
    ) -> Result<Vec<String>, Failure> {
        let mut warnings = self.of_the_whole();
        for (endpoint, settings) in self.endpoints.iter().zip(all) {
            warnings.extend(self.of_settings(settings));
            warnings.extend(of_rules(endpoint));
            warnings.extend(in_the_clear(endpoint));
            for (file, place) in endpoint.policies() {
                let policies = library::policies(file, &place)?;
                if policies.is_empty() {
                    let file = file.display();
                    warnings.push(format!("{file}: there is no policy in it, so that nothing is allowed: what no permit allows is denied"));
                }
                warnings.extend(policies.warnings().iter().cloned());
            }
        }
        let mut told = Vec::new();
        for warning in warnings {
            // What holds for all endpoints is told once.
            if !told.contains(&warning) {
                told.push(warning);
            }
        }
        Ok(told)
    }

    fn of_the_whole(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.verification.has_fixed_tokens() {
            warnings.push("fixed tokens (--token) are for development: whoever sees the command line knows them".to_owned());
        }
        for (flag, scopes) in [
            ("--required-scope", self.verification.required_scopes()),
            ("--suggested-scope", &self.suggested_scopes),
        ] {
            let with_comma = scopes.iter().filter(|scope| scope.contains(','));
            warnings.extend(with_comma.map(|scope| {
                format!("{flag}: the comma in {scope:?} is part of a scope; several scopes have blanks between them")
            }));
        }
        if self.trusts_everybody() {
            warnings.push(
                "[proxies] trusts everybody, so that every client can say where it comes from"
                    .to_owned(),
            );
        }
        warnings
    }

    /// A range that holds everybody makes everybody a proxy.
    fn trusts_everybody(&self) -> bool {
        let all = ["0.0.0.0/0", "::/0"].map(str::parse::<AddressRange>);
        let trusts = |range: &AddressRange| {
            let proxies = self.proxies.as_ref();
            proxies.is_some_and(|proxies| proxies.ranges().contains(range))
        };
        all.iter().flatten().any(trusts)
    }

    fn of_settings(&self, settings: &AuthSettings) -> Vec<String> {
        let resource = settings.resource();
        let is_reached_by_name = self.verification.resource.is_some()
            || self.listen.starts_with("127.")
            || self.listen.contains("localhost")
            || self.listen.starts_with("[::1]");
        let issuers = !settings.authorization_servers().is_empty();
        let warnings = [
            (resource.scheme() == "http" && !resource.is_loopback()).then(|| {
                format!("{resource}: tokens travel in the clear: give a certificate with --tls-certificate and --tls-key, or put TLS in front and name the https URL with --resource")
            }),
            (issuers && settings.sign_in_scopes().is_empty()).then(|| {
                "clients that sign in are not told which scopes to ask for, so some ask for all and some for none: name those of basic use with --suggested-scope".to_owned()
            }),
            (settings.admitted() != Admission::Required && !settings.required_scopes().is_empty()).then(|| {
                "every request needs a scope, so anonymous callers are refused whatever --admission says".to_owned()
            }),
            (self.dpop == DpopPolicy::Required && !issuers).then(|| {
                "tokens of the store and of --token are bound to no key: --dpop required refuses them".to_owned()
            }),
            (!is_reached_by_name).then(|| {
                format!("only requests to {resource} are answered; name the URL that clients use with --resource")
            }),
        ];
        warnings.into_iter().flatten().collect()
    }
}

/// What speaks for the gate, or its caller, where everybody on the way can read it.
fn in_the_clear(endpoint: &Endpoint) -> Option<String> {
    let Behind::Url(remote) = &endpoint.behind else {
        return None;
    };
    let speaks = remote.credentials.is_some() || remote.assertion;
    let is_read = UpstreamUrl::parse(&remote.url).is_ok_and(|url| url.is_in_the_clear());
    (speaks && is_read).then(|| {
        let place = &endpoint.place;
        format!("{place}: credentials travel in the clear: name an https URL")
    })
}

/// Scopes with commas, and rules about methods that MCP does not have; of the built-in server also those of its scopes are told
/// elsewhere, with what else it has not.
fn of_rules(endpoint: &Endpoint) -> Vec<String> {
    let mut warnings = Vec::new();
    let unknown = |table: &str, name: &str| {
        let known = Operation::KNOWN_METHODS;
        let is_one = known.iter().any(|method| matches(name, method));
        (!is_one).then(|| {
            let meant = match nearest(name, known.iter().copied()) {
                Some(method) => format!("; did you mean {method}?"),
                None => String::new(),
            };
            format!("[{table}.methods] {name:?}: there is no such method of MCP{meant}")
        })
    };
    let own = [
        ("required-scope", &endpoint.required),
        ("suggested-scope", &endpoint.suggested),
    ];
    for (key, scopes) in own {
        let with_comma = scopes.iter().flatten().filter(|scope| scope.contains(','));
        warnings.extend(with_comma.map(|scope| {
            let place = &endpoint.place;
            format!("{place}: {key}: the comma in {scope:?} is part of a scope; each scope is a text of its own in the list")
        }));
    }
    for rules in &endpoint.rules {
        let table = format!("{}rules", rules.within);
        let names = rules.config.section(Section::Methods).keys();
        warnings.extend(names.filter_map(|name| unknown(&table, name)));
    }
    if endpoint.behind != Behind::Builtin {
        for scopes in &endpoint.scopes {
            let table = format!("{}scopes", scopes.within());
            let names = scopes.table(Section::Methods).keys();
            warnings.extend(names.filter_map(|name| unknown(&table, name)));
            warnings.extend(scopes.commas());
            warnings.extend(scopes.stars());
        }
    }
    warnings
}
