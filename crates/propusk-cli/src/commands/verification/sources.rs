//! What one source says of its identity server is not for another one that a stronger source names.
//!
//! A flag comes before a variable, and that before the file. A secret in the file is meant for the
//! server that the file names, and must not be sent to another one that was typed; so it is with keys
//! and clients. A source that names no server leaves that to the next stronger one.

use std::env;

use super::lists;
use crate::{args::VerificationArgs, config::ServeConfig, failure::Failure};

/// Flags, the environment, the file.
const FLAG: usize = 0;
const VARIABLE: usize = 1;
const FILE: usize = 2;

const ISSUER: &str = "issuer";
const INTROSPECT: &str = "introspect";
const INTROSPECT_ISSUER: &str = "introspect-issuer";

/// # Errors
///
/// A setting of one identity server would be used for another.
pub(super) fn agree(args: &VerificationArgs, config: &ServeConfig) -> Result<(), Failure> {
    let sources = Sources { args, config };
    sources.issuers_agree()?;
    sources.introspection_agrees()
}

struct Sources<'a> {
    args: &'a VerificationArgs,
    config: &'a ServeConfig,
}

/// What is said in one source, and in which.
struct Said {
    values: Vec<String>,
    source: usize,
}

/// Who is asked about tokens, as one source says it with what it leaves to the weaker ones.
struct Asked {
    at: Option<Said>,
    /// Whose tokens, and under which name that is said.
    of: Option<(Said, &'static str)>,
}

impl Asked {
    fn follows(&self) -> bool {
        self.at.as_ref().is_some_and(|at| at.values == [ISSUER])
    }

    /// What is another in the stronger sources: its name here and there, and where it is.
    fn difference(&self, wins: &Self) -> Option<[String; 2]> {
        if let (Some(here), Some(there)) = (&self.at, &wins.at)
            && here.values != there.values
        {
            return Some([
                place(INTROSPECT, here.source),
                place(INTROSPECT, there.source),
            ]);
        }
        match (&self.of, &wins.of) {
            (Some((here, name)), Some((there, named))) if !same(&here.values, &there.values) => {
                Some([place(name, here.source), place(named, there.source)])
            }
            _ => None,
        }
    }

    fn is_complete(&self) -> bool {
        self.at.is_some() && (self.of.is_some() || !self.follows())
    }
}

impl Sources<'_> {
    fn issuers_agree(&self) -> Result<(), Failure> {
        let Some(wins) = self.said(ISSUER, FLAG) else {
            return Ok(());
        };
        for key in ["jwks", "accept-client"] {
            let Some(source) = self.source(key) else {
                continue;
            };
            // The file's own issuers may have tables, which is looked at with them.
            let own = (wins.source..=source).rev().find_map(|nearest| {
                let says = |name| Some(self.values(name, nearest)).filter(|said| !said.is_empty());
                // Clients beside an endpoint alone are of whom that answers for.
                let asks = nearest == VARIABLE && key == "accept-client";
                let asked = says(INTROSPECT).filter(|_| asks);
                let asked = asked.map(|_| (INTROSPECT, self.values(INTROSPECT_ISSUER, nearest)));
                let (name, values) = says(ISSUER).map(|own| (ISSUER, own)).or(asked)?;
                Some((name, values, nearest))
            });
            match own {
                Some((name, values, from)) if from != FILE && !same(&values, &wins.values) => {
                    let of = [place(name, from), place(ISSUER, wins.source)];
                    return Err(mixed(key, source, of));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn introspection_agrees(&self) -> Result<(), Failure> {
        let wins = self.asked(FLAG);
        let Some(at) = &wins.at else {
            return Ok(());
        };
        if let Some((of, INTROSPECT_ISSUER)) = &wins.of
            && of.source == FILE
            && at.source != FILE
            && !wins.follows()
            && self.values(INTROSPECT, FILE) != at.values
        {
            // That an endpoint speaks for an issuer is said of the endpoint in the same file.
            let of = ["[serve]".to_owned(), place(INTROSPECT, at.source)];
            return Err(mixed(INTROSPECT_ISSUER, FILE, of));
        }
        for key in self.of_introspection(&wins) {
            let Some(source) = self.source(key) else {
                continue;
            };
            if let Some(of) = self.meant_for_another(source, &wins) {
                return Err(mixed(key, source, of));
            }
        }
        Ok(())
    }

    /// The settings that the identity server that is asked would get or be judged by.
    fn of_introspection(&self, wins: &Asked) -> Vec<&'static str> {
        let issuers = self.said(ISSUER, FLAG).map(|issuers| issuers.values);
        let reaches = match (issuers, &wins.of) {
            (None, _) => true,
            (Some(issuers), Some((of, _))) => issuers.len() == 1 && issuers == of.values,
            (Some(_), None) => false,
        };
        let named = matches!(wins.of, Some((_, INTROSPECT_ISSUER)));
        let replaced = reaches && !self.args.accept_client.is_empty();
        [
            // The word itself says nothing of whom to ask where that is named beside it.
            (INTROSPECT, !(named && wins.follows())),
            (INTROSPECT_ISSUER, true),
            ("introspect-accept-client", !replaced),
            ("accept-client", reaches),
            ("introspect-client-id", true),
            ("introspect-secret", true),
            ("introspect-secret-file", true),
            ("introspect-auth", true),
            ("introspect-key-id", true),
        ]
        .into_iter()
        .filter_map(|(key, counts)| counts.then_some(key))
        .collect()
    }

    fn meant_for_another(&self, source: usize, wins: &Asked) -> Option<[String; 2]> {
        for nearest in (VARIABLE..=source).rev() {
            let asked = self.asked(nearest);
            let says = |name| !self.values(name, nearest).is_empty();
            let names = says(INTROSPECT) || says(INTROSPECT_ISSUER);
            let names = names || (asked.follows() && says(ISSUER));
            if !names {
                continue;
            }
            let difference = asked.difference(wins);
            if difference.is_some() || asked.is_complete() {
                return difference;
            }
        }
        None
    }

    /// Who would be asked if there were this source and the weaker ones only.
    fn asked(&self, from: usize) -> Asked {
        let of = self.said(INTROSPECT_ISSUER, from);
        let mut asked = Asked {
            at: self.said(INTROSPECT, from),
            of: of.map(|of| (of, INTROSPECT_ISSUER)),
        };
        if asked.follows() && asked.of.is_none() {
            asked.of = self.said(ISSUER, from).map(|of| (of, ISSUER));
        }
        asked
    }

    fn said(&self, name: &str, from: usize) -> Option<Said> {
        (from..=FILE).find_map(|source| {
            let values = self.values(name, source);
            (!values.is_empty()).then_some(Said { values, source })
        })
    }

    /// Whom this source names; nobody, where it says nothing.
    fn values(&self, name: &str, source: usize) -> Vec<String> {
        let (args, config) = (self.args, self.config);
        let one = |value: &Option<String>| value.iter().cloned().collect();
        match (source, name) {
            (FLAG, name) if !self.is_typed(name) => Vec::new(),
            (FLAG, ISSUER) => lists::words(&args.issuer),
            (FLAG, INTROSPECT) => one(&args.introspect),
            (FLAG, _) => one(&args.introspect_issuer),
            (VARIABLE, name) => {
                let value = env::var(variable(name)).unwrap_or_default();
                value.split_whitespace().map(str::to_owned).collect()
            }
            (_, ISSUER) => config.issuer.iter().map(|own| own.url.clone()).collect(),
            (_, INTROSPECT) => one(&config.introspect),
            _ => one(&config.introspect_issuer),
        }
    }

    /// The source that the setting would be taken from.
    fn source(&self, key: &str) -> Option<usize> {
        let exported = |key| {
            let value = env::var_os(variable(key)).unwrap_or_default();
            !value.to_string_lossy().trim().is_empty()
        };
        // A secret may be said in two ways, and one of them in a stronger source replaces both.
        let secret = ["introspect-secret", "introspect-secret-file"];
        if secret.contains(&key) {
            return match () {
                () if self.is_typed(secret[1]) => None,
                () if secret.into_iter().any(exported) => exported(key).then_some(VARIABLE),
                () => self.is_configured(key).then_some(FILE),
            };
        }
        match key {
            key if self.is_typed(key) => Some(FLAG),
            "introspect-accept-client" | "introspect-key-id" => {
                self.is_configured(key).then_some(FILE)
            }
            key if exported(key) => Some(VARIABLE),
            key => self.is_configured(key).then_some(FILE),
        }
    }

    fn is_typed(&self, key: &str) -> bool {
        self.args.typed.contains(&key)
    }

    fn is_configured(&self, key: &str) -> bool {
        let config = self.config;
        match key {
            "jwks" => config.jwks.is_some(),
            "accept-client" => !config.accept_client.is_empty(),
            INTROSPECT => config.introspect.is_some(),
            INTROSPECT_ISSUER => config.introspect_issuer.is_some(),
            "introspect-accept-client" => !config.introspect_accept_client.is_empty(),
            "introspect-client-id" => config.introspect_client_id.is_some(),
            "introspect-secret" => config.introspect_secret.is_some(),
            "introspect-secret-file" => config.introspect_secret_file.is_some(),
            "introspect-auth" => config.introspect_auth.is_some(),
            "introspect-key-id" => config.introspect_key_id.is_some(),
            _ => false,
        }
    }
}

fn same(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|value| other.contains(value))
}

fn variable(name: &str) -> String {
    format!("PROPUSK_{}", name.to_uppercase().replace('-', "_"))
}

fn place(name: &str, source: usize) -> String {
    match source {
        FLAG => format!("--{name}"),
        VARIABLE => variable(name),
        _ => format!("{name} in [serve]"),
    }
}

fn mixed(key: &str, source: usize, [of, wins]: [String; 2]) -> Failure {
    let key = place(key, source);
    Failure::usage(format!(
        "{key} belongs to {of}, and {wins} names another one"
    ))
    .hint(
        "type all that is said of the other one: --issuer with --jwks and --accept-client, \
         --introspect with --introspect-issuer, --introspect-client-id, --introspect-auth and \
         --introspect-secret-file",
    )
    .hint(format!("or take {key} away"))
}
