//! Which value counts, and where it comes from.

use std::path::Path;

use propusk_store::StoreUrl;
use serde::Serialize;
use toml::Value as Toml;

use crate::{args::CheckConfigArgs, commands::masked};

/// One setting in force.
#[derive(Debug, Serialize)]
pub(super) struct Value {
    /// As it would stand in the file, such as `serve.listen`.
    pub(super) key: String,
    pub(super) value: String,
    pub(super) source: String,
}

/// What is shown in the place of a secret.
const MASK: &str = "\"***\"";

/// What stands on the command line and in the environment.
pub(super) fn typed(args: &CheckConfigArgs) -> Vec<Value> {
    let typed = args.sources.iter().filter_map(|(flag, source)| {
        let key = key_of(flag)?;
        let values: Vec<String> = source
            .values
            .iter()
            .map(|value| shown(&key, value))
            .collect();
        let value = match &values[..] {
            _ if is_command(&key) => masked::command(&source.values),
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let source = match (source.typed, &source.variable) {
            (false, Some(variable)) => variable.clone(),
            _ => format!("--{}", flag.replace('_', "-")),
        };
        Some(Value { key, value, source })
    });
    typed.collect()
}

/// Where a flag would stand in the file; `None` of what is no setting.
fn key_of(flag: &str) -> Option<String> {
    let name = flag.replace('_', "-");
    Some(match flag {
        "json" | "config" => return None,
        "tokens" | "log" => name,
        "tls_certificate" => "tls.certificate".to_owned(),
        "tls_key" => "tls.key".to_owned(),
        "upstream" => "upstream.url".to_owned(),
        "server_command" => "upstream.command".to_owned(),
        "show_all" => "scopes.show-all".to_owned(),
        _ => format!("serve.{name}"),
    })
}

/// Adds what is in the file and nothing stronger has replaced.
pub(super) fn add_file(values: &mut Vec<Value>, text: &str, file: Option<&Path>) {
    let Ok(table) = text.parse::<toml::Table>() else {
        return;
    };
    let file = file
        .map(|file| file.display().to_string())
        .unwrap_or_default();
    // Of the sections that serve does not read nothing is in force.
    let others = ["call", "login"];
    let own = table
        .into_iter()
        .filter(|(key, _)| !others.contains(&key.as_str()));
    let mut found = Vec::new();
    for (key, value) in own {
        flatten(&key_written(&key), &value, &mut found);
    }
    for (key, value) in found {
        if !values.iter().any(|stronger| stronger.key == key) {
            let source = format!("{file}: {key}");
            values.push(Value { key, value, source });
        }
    }
}

fn flatten(key: &str, value: &Toml, found: &mut Vec<(String, String)>) {
    match value {
        // A rule without anything: what it names is known, whatever the default is.
        Toml::Table(table) if table.is_empty() => found.push((key.to_owned(), "{}".to_owned())),
        Toml::Table(table) => {
            for (name, value) in table {
                flatten(&format!("{key}.{}", key_written(name)), value, found);
            }
        }
        Toml::Array(list) if list.iter().any(Toml::is_table) => {
            for (index, value) in list.iter().enumerate() {
                let name = value.get("name").or_else(|| value.get("url"));
                let label = match name.and_then(Toml::as_str) {
                    Some(name) => format!("{:?}", masked::url(name)),
                    None => index.to_string(),
                };
                flatten(&format!("{key}[{label}]"), value, found);
            }
        }
        Toml::Array(list) if is_command(key) => {
            let words = list.iter().filter_map(Toml::as_str);
            let words: Vec<String> = words.map(str::to_owned).collect();
            found.push((key.to_owned(), masked::command(&words)));
        }
        Toml::Array(list) => {
            let list: Vec<String> = list.iter().map(|value| written(key, value)).collect();
            found.push((key.to_owned(), format!("[{}]", list.join(", "))));
        }
        value => found.push((key.to_owned(), written(key, value))),
    }
}

fn key_written(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !name.is_empty() && name.chars().all(bare) {
        true => name.to_owned(),
        false => format!("{name:?}"),
    }
}

fn written(key: &str, value: &Toml) -> String {
    match value {
        Toml::String(text) => shown(key, text),
        _ if is_secret(key) => MASK.to_owned(),
        Toml::Integer(number) => number.to_string(),
        Toml::Float(number) => number.to_string(),
        Toml::Boolean(yes) => yes.to_string(),
        Toml::Datetime(time) => time.to_string(),
        // Tables and lists of tables have been taken apart.
        Toml::Array(_) | Toml::Table(_) => "…".to_owned(),
    }
}

/// A text as it may be shown.
fn shown(key: &str, text: &str) -> String {
    if is_secret(key) || key.ends_with(".credentials.prefix") && !is_scheme(text) {
        return MASK.to_owned();
    }
    if key == "tokens" {
        // Without a password that may be in it.
        return match StoreUrl::parse(text) {
            Ok(url) => format!("{:?}", url.to_string()),
            Err(_) => MASK.to_owned(),
        };
    }
    format!("{:?}", masked::url(text))
}

/// Whether a prefix is the name of a scheme, such as `Bearer `, and no part of a key.
fn is_scheme(prefix: &str) -> bool {
    let name = prefix.trim_end();
    name.len() <= 10 && name.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// A program and its arguments.
fn is_command(key: &str) -> bool {
    key.starts_with("upstream") && key.ends_with(".command")
}

/// Tokens, secrets, and the variables of programs, which are often keys.
fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or_default();
    let of_program = key.starts_with("upstream") && key.contains(".env.");
    of_program || ["token", "introspect-secret", "client-secret"].contains(&last)
}

/// Adds what nobody has said.
pub(super) fn add_defaults(values: &mut Vec<Value>, defaults: &[(&str, String)]) {
    for (key, value) in defaults {
        if !values.iter().any(|stronger| stronger.key == *key) {
            values.push(Value {
                key: (*key).to_owned(),
                value: value.clone(),
                source: "default".to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_without_anything_is_shown_too() {
        let mut values = Vec::new();
        add_file(&mut values, "[rules.tools.\"add note\"]\n", None);
        let all: Vec<_> = values.iter().map(|own| (&*own.key, &*own.value)).collect();
        assert_eq!(all, [("rules.tools.\"add note\"", "{}")]);
    }

    #[test]
    fn no_secret_is_shown_wherever_it_stands() {
        let text = r#"
            tokens = "postgres://a:hunter2@db/x"
            [serve]
            token = ["hunter2=alice"]
            introspect-secret = "hunter2"
            introspect = "https://b/i?key=hunter2"
            issuer = ["https://hunter2@b/"]
            listen = "127.0.0.1:1"
            [[upstream]]
            name = "a"
            env = { KEY = "hunter2", "hunter" = "hunter2" }
            command = ["x", "--key=hunter2", "hunter2"]
            credentials = { header = "x", prefix = "Bearer hunter2", env = "E" }
            [[upstream]]
            url = "https://hunter2:hunter2@b/mcp?key=hunter2#hunter2"
            [[upstream]]
            name = "c"
            url = "https://b/mcp?key=hunter2"
            credentials = { header = "x", prefix = "Bearer ", env = "E" }
            [upstream.scopes.tools]
            "delete_*" = "admin"
            [call]
            token = "hunter2"
        "#;
        let mut values = Vec::new();
        add_file(&mut values, text, Some(Path::new("p.toml")));
        let shown = format!("{values:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        let find = |key: &str| values.iter().find(|value| value.key == key).expect(key);
        assert_eq!(find("serve.listen").value, "\"127.0.0.1:1\"");
        assert_eq!(find("upstream[\"a\"].command").value, "x and 2 arguments");
        assert_eq!(find("upstream[\"c\"].url").value, "\"https://b/mcp?***\"");
        let rule = find("upstream[\"c\"].scopes.tools.\"delete_*\"");
        assert_eq!(
            (&*rule.value, &*rule.source),
            (
                "\"admin\"",
                "p.toml: upstream[\"c\"].scopes.tools.\"delete_*\""
            )
        );
        assert_eq!(find("upstream[\"a\"].env.KEY").value, MASK);
        let prefix = find("upstream[\"c\"].credentials.prefix");
        assert_eq!(prefix.value, "\"Bearer \"");
    }
}
