//! `propusk.toml`: a key for every setting. A flag comes before an environment variable, that
//! before the file, and that before the default.

use std::{io, path::Path};

use serde::Deserialize;

use crate::{commands::serve::ScopesConfig, failure::Failure, output::note};

/// The file that `serve` and `token` read where it is there and no other is named.
const LOCAL: &str = "propusk.toml";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) tokens: Option<String>,
    pub(crate) log: Option<String>,
    #[serde(default)]
    pub(crate) serve: ServeConfig,
    #[serde(default)]
    pub(crate) call: CallConfig,
    #[serde(default)]
    pub(crate) scopes: ScopesConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ServeConfig {
    pub(crate) listen: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) admission: Option<String>,
    #[serde(default)]
    pub(crate) token: Vec<String>,
    #[serde(default)]
    pub(crate) issuer: Vec<String>,
    pub(crate) jwks: Option<String>,
    #[serde(default)]
    pub(crate) audience: Vec<String>,
    pub(crate) introspect: Option<String>,
    pub(crate) introspect_client_id: Option<String>,
    pub(crate) introspect_secret: Option<String>,
    pub(crate) introspect_secret_file: Option<std::path::PathBuf>,
    pub(crate) introspect_auth: Option<String>,
    #[serde(default)]
    pub(crate) required_scope: Vec<String>,
    #[serde(default)]
    pub(crate) suggested_scope: Vec<String>,
    #[serde(default)]
    pub(crate) allowed_host: Vec<String>,
    #[serde(default)]
    pub(crate) allowed_origin: Vec<String>,
    pub(crate) dpop: Option<String>,
    pub(crate) dpop_nonces: Option<bool>,
    pub(crate) stateless: Option<bool>,
    pub(crate) audit: Option<std::path::PathBuf>,
    pub(crate) metrics: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct CallConfig {
    pub(crate) token: Option<String>,
    pub(crate) token_file: Option<std::path::PathBuf>,
    pub(crate) era: Option<String>,
}

impl Config {
    /// Reads the file that was named, or the local one where `local` says so and it exists.
    pub(crate) fn load(named: Option<&Path>, local: bool) -> Result<Self, Failure> {
        let path = named.unwrap_or(Path::new(LOCAL));
        if named.is_none() && !local {
            return Ok(Self::default());
        }
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(Failure::usage(format!(
                    "--config: {}: {error}",
                    path.display()
                )));
            }
        };
        if named.is_none() {
            note(&format!("reading {LOCAL}"));
        }
        toml::from_str(&text).map_err(|error| {
            let line = error
                .span()
                .map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            let problem = without_values(error.message());
            Failure::usage(format!("{}, line {line}: {problem}", path.display()))
        })
    }
}

/// The message of a TOML error quotes keys and values, and any of them may be a token: only what
/// was expected is kept.
fn without_values(message: &str) -> String {
    let expected = message.find("expected ").map(|at| &message[at..]);
    let what = if message.starts_with("unknown field") {
        "there is no such key; "
    } else {
        ""
    };
    match expected {
        Some(expected) => format!("{what}{expected}"),
        None if message.contains(['"', '`', '\'']) => "this is not understood".to_owned(),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, Failure> {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        std::fs::write(file.path(), text).expect("written");
        Config::load(Some(file.path()), true)
    }

    #[test]
    fn every_setting_has_a_key() {
        let config = load(
            r#"
            tokens = "sqlite:t.db"
            log = "debug"
            [serve]
            listen = "127.0.0.1:1"
            resource = "https://a.example/mcp"
            admission = "optional"
            token = ["a=b"]
            issuer = ["https://login.example"]
            jwks = "keys.json"
            audience = ["api://notes"]
            introspect = "issuer"
            introspect-client-id = "c"
            introspect-secret = "s"
            introspect-secret-file = "f"
            introspect-auth = "post"
            required-scope = ["x"]
            suggested-scope = ["y"]
            allowed-host = ["h"]
            allowed-origin = ["https://o"]
            dpop = "required"
            dpop-nonces = true
            stateless = true
            audit = "a.jsonl"
            metrics = "on"
            [call]
            token = "t"
            token-file = "f"
            era = "legacy"
            [scopes]
            show-all = true
            default = { any-of = [] }
            implies = { notes = "notes:read notes:write" }
            tools = { "notes_*" = "notes", either = { any-of = ["a", "b c"] } }
            prompts = { review = "code" }
            resources = { "file:///private/*" = "files" }
            methods = { "tasks/*" = "tasks" }
            "#,
        )
        .expect("a valid file");
        assert_eq!(config.tokens.as_deref(), Some("sqlite:t.db"));
        assert_eq!(config.serve.required_scope, ["x"]);
        assert_eq!(config.serve.suggested_scope, ["y"]);
        assert_eq!(config.call.era.as_deref(), Some("legacy"));
        assert_eq!(config.scopes.show_all, Some(true));
    }

    #[test]
    fn an_error_names_the_line_and_shows_no_secret() {
        let failure =
            load("[call]\ntoken = \"hunter2\"\ntokn = \"hunter2\"").expect_err("unknown key");
        let shown = format!("{failure:?}");
        assert!(
            shown.contains("line 3") && shown.contains("`token`"),
            "{shown}"
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
