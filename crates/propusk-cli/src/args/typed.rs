//! What clap does not know about what people type and export.

use std::{collections::BTreeMap, env, ffi::OsString};

use clap::{
    ArgMatches, Command,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use crate::output::note;

/// `--json` before something that is no JSON stands alone: `call --json URL TOOL` too.
pub(super) fn with_lone_json(typed: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = typed.collect();
    if !words.iter().any(|word| word == "call") {
        return words;
    }
    let is_json = |word: Option<&OsString>| {
        word.is_some_and(|word| word.to_string_lossy().trim_start().starts_with(['{', '[']))
    };
    for index in 0..words.len() {
        if words[index] == "--json" && !is_json(words.get(index + 1)) {
            words[index] = "--json=".into();
        }
    }
    words
}

/// Whether this argument stands on the command line, of the command or of one below it.
pub(super) fn is_typed(matches: &ArgMatches, id: &str) -> bool {
    // clap panics where one asks for an argument that the command does not have.
    let here = matches.try_contains_id(id).is_ok()
        && matches.value_source(id) == Some(ValueSource::CommandLine);
    here || matches
        .subcommand()
        .is_some_and(|(_, below)| is_typed(below, id))
}

/// What may be said of an identity server on the command line, as it is typed there.
const OF_IDENTITY_SERVERS: [&str; 8] = [
    "issuer",
    "jwks",
    "accept-client",
    "introspect",
    "introspect-issuer",
    "introspect-client-id",
    "introspect-secret-file",
    "introspect-auth",
];

/// Those of them that were typed, and are not from the environment.
pub(super) fn of_identity_servers(matches: &ArgMatches) -> Vec<&'static str> {
    OF_IDENTITY_SERVERS
        .into_iter()
        .filter(|flag| is_typed(matches, &flag.replace('-', "_")))
        .collect()
}

/// Where a flag has its value from.
#[derive(Debug)]
pub(crate) struct Source {
    /// On the command line; else in the variable.
    pub(crate) typed: bool,
    pub(crate) variable: Option<String>,
    pub(crate) values: Vec<String>,
}

/// All flags of a command that are given, by their names.
pub(super) fn sources(command: &Command, matches: &ArgMatches) -> BTreeMap<String, Source> {
    let Some((name, matches)) = matches.subcommand() else {
        return BTreeMap::new();
    };
    let Some(command) = command.find_subcommand(name) else {
        return BTreeMap::new();
    };
    let given = command.get_arguments().filter_map(|argument| {
        let id = argument.get_id().as_str();
        let typed = match matches.value_source(id)? {
            ValueSource::CommandLine => true,
            ValueSource::EnvVariable => false,
            _ => return None,
        };
        let values = matches.get_raw(id).into_iter().flatten();
        let values: Vec<_> = values
            .map(|value| value.to_string_lossy().into_owned())
            .collect();
        let variable = argument
            .get_env()
            .map(|name| name.to_string_lossy().into_owned());
        let values = match values.is_empty() {
            true => vec!["true".to_owned()],
            false => values,
        };
        Some((
            id.to_owned(),
            Source {
                typed,
                variable,
                values,
            },
        ))
    });
    given.collect()
}

/// An empty variable says nothing, nor does one with blanks only; container tools export such.
pub(super) fn without_empty_variables(command: Command) -> Command {
    command
        .mut_args(|argument| {
            let empty = |name| {
                let value = env::var_os(name);
                value.is_some_and(|value| value.to_string_lossy().trim().is_empty())
            };
            if argument.get_env().is_some_and(empty) {
                argument.env(Resettable::Reset)
            } else {
                argument
            }
        })
        .mut_subcommands(without_empty_variables)
}

/// Says what is wrong with what was typed, and how the command of a server is written.
pub(super) fn exit(error: &clap::Error) -> ! {
    let unexpected = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) => word.as_str(),
        _ => "",
    };
    let is_of_serve = env::args_os().nth(1).is_some_and(|word| word == "serve");
    if is_of_serve && error.kind() == ErrorKind::UnknownArgument && !unexpected.starts_with('-') {
        // It ends the process with 2, too.
        let _ = error.print();
        note("  the command of a server stands behind two dashes: propusk serve -- npx -y …");
        std::process::exit(2);
    }
    error.exit()
}

/// Names the variables that clap only calls arguments when it cannot read them.
pub(super) fn name_variables(error: &clap::Error) {
    if error.kind() != ErrorKind::InvalidUtf8 {
        return;
    }
    for (name, value) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("PROPUSK_") && value.to_str().is_none() {
            note(&format!("{name}: it is not UTF-8"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stands_alone_before_what_is_no_json() {
        for (typed, expected) in [
            ("call --json u t", "call --json= u t"),
            ("call u t --json", "call u t --json="),
            ("call u t --json {}", "call u t --json {}"),
            ("call u t --json [1]", "call u t --json [1]"),
            ("tools u --json", "tools u --json"),
        ] {
            let words = with_lone_json(typed.split(' ').map(OsString::from));
            assert_eq!(words.join(" ".as_ref()), OsString::from(expected));
        }
    }
}
