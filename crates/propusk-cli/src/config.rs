//! `propusk.toml`: a key for every setting. A flag comes before an environment variable, that
//! before the file, and that before the default.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    commands::{
        serve::{
            LimitsConfig, ProxiesConfig, RulesConfig, ScopesConfig, TelemetryConfig, TlsConfig,
            UpstreamConfig,
        },
        verification::{IssuerConfig, urls_or_tables},
    },
    failure::Failure,
    nearest::nearest,
    output::note,
};

/// The file that `serve` and `token` read where it is there and no other is named.
pub(crate) const LOCAL: &str = "propusk.toml";

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
    pub(crate) login: LoginConfig,
    #[serde(default)]
    pub(crate) scopes: ScopesConfig,
    #[serde(default)]
    pub(crate) rules: RulesConfig,
    #[serde(default)]
    pub(crate) limits: LimitsConfig,
    #[serde(default)]
    pub(crate) tls: TlsConfig,
    #[serde(default)]
    pub(crate) proxies: ProxiesConfig,
    #[serde(default)]
    pub(crate) telemetry: TelemetryConfig,
    #[serde(default)]
    pub(crate) upstream: Vec<UpstreamConfig>,
    /// The file that this was read from.
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
    /// There is nothing in that file.
    #[serde(skip)]
    pub(crate) is_empty: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ServeConfig {
    pub(crate) listen: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) admission: Option<String>,
    #[serde(default)]
    pub(crate) token: Vec<String>,
    #[serde(default, deserialize_with = "urls_or_tables")]
    pub(crate) issuer: Vec<IssuerConfig>,
    pub(crate) jwks: Option<String>,
    #[serde(default)]
    pub(crate) audience: Vec<String>,
    #[serde(default)]
    pub(crate) accept_client: Vec<String>,
    pub(crate) introspect: Option<String>,
    pub(crate) introspect_issuer: Option<String>,
    pub(crate) introspect_client_id: Option<String>,
    pub(crate) introspect_secret: Option<String>,
    pub(crate) introspect_secret_file: Option<std::path::PathBuf>,
    pub(crate) introspect_auth: Option<String>,
    pub(crate) introspect_key_id: Option<String>,
    #[serde(default)]
    pub(crate) introspect_accept_client: Vec<String>,
    #[serde(default)]
    pub(crate) introspect_signed: bool,
    pub(crate) introspect_leeway: Option<String>,
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
    pub(crate) no_web: Option<bool>,
    pub(crate) stateless: Option<bool>,
    pub(crate) assertion_key: Option<PathBuf>,
    pub(crate) audit: Option<std::path::PathBuf>,
    pub(crate) metrics: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct CallConfig {
    pub(crate) token: Option<String>,
    pub(crate) token_file: Option<std::path::PathBuf>,
    pub(crate) account: Option<String>,
    pub(crate) era: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct LoginConfig {
    pub(crate) no_browser: Option<bool>,
    #[serde(default)]
    pub(crate) scope: Vec<String>,
    pub(crate) account: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<String>,
    pub(crate) client_secret_file: Option<std::path::PathBuf>,
    pub(crate) client_credentials: Option<bool>,
    pub(crate) dpop: Option<bool>,
}

impl Config {
    /// Reads the file that was named, or the local one where `local` says so and it exists.
    pub(crate) fn load(named: Option<&Path>, local: bool) -> Result<Self, Failure> {
        let path = named.unwrap_or(Path::new(LOCAL));
        if named.is_none() && !local {
            return Ok(Self::default());
        }
        let config = Self::read(path, named.is_none())?;
        if named.is_none() && config.file.is_some() {
            note(&format!("reading {LOCAL}"));
        }
        Ok(config)
    }

    /// Reads the file again that was read when this process began. One that is gone is a mistake: its
    /// rules would be gone with it. Where there was none, there is none now: whoever can put a file
    /// there later does not rule a server that was begun without it.
    pub(crate) fn reload(before: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = before {
            return Self::read(path, false);
        }
        if Path::new(LOCAL).exists() {
            tracing::warn!(
                "there is a {LOCAL} now, and it is not read: this process began without one; a restart takes it"
            );
        }
        Ok(Self::default())
    }

    fn read(path: &Path, may_be_missing: bool) -> Result<Self, Failure> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if may_be_missing && error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(Failure::usage(format!(
                    "--config: {}: {error}",
                    path.display()
                )));
            }
        };
        Self::parse(&text, path)
    }

    /// Reads the text of a file.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().map_or("", |span| &text[..span.start]);
            let line = before.matches('\n').count() + 1;
            let problem = without_secrets(error.message(), before);
            let failure = Failure::usage(format!("{}, line {line}: {problem}", path.display()));
            let rest = error.span().map_or("", |span| &text[span.start..]);
            match () {
                () if is_among_scopes(before) => failure.hint(SCOPES),
                () if rest.starts_with("[upstream]") => failure.hint(UPSTREAM),
                () => failure,
            }
        })?;
        config.scopes.found_in(path, "");
        for upstream in &mut config.upstream {
            upstream.found_in(path);
        }
        let table: toml::Table = text.parse().unwrap_or_default();
        config.is_empty = table.is_empty();
        config.file = Some(path.to_owned());
        Ok(config)
    }
}

const SCOPES: &str = "scopes are one text with blanks between them, such as \"notes:read notes:write\"; one or the other is { any-of = [\"admin\", \"ops audit\"] }";

const UPSTREAM: &str = "there may be several: write [[upstream]], with two brackets";

/// What serde expects, in the words of TOML.
const WORDS: [(&str, &str); 6] = [
    ("expected a sequence", "expected a list, such as [\"…\"]"),
    (
        "expected a map",
        "expected a table, such as { name = \"value\" }",
    ),
    (
        "expected struct ",
        "expected a table, such as { name = \"value\" }",
    ),
    (
        "expected a boolean",
        "expected true or false, without quotation marks",
    ),
    ("expected a string", "expected a text in quotation marks"),
    (
        "expected u32",
        "expected a whole number, without quotation marks",
    ),
];

/// The message of a TOML error quotes keys and values, and any of them may be a token: only what
/// was expected is kept, and a key that is a slip of the pen for another or stands among the scopes.
fn without_secrets(message: &str, before: &str) -> String {
    let expected = message.find("expected ").map(|at| &message[at..]);
    if let Some(key) = message.strip_prefix("missing field ") {
        return format!("the key {key} is missing");
    }
    let Some(unknown) = message.strip_prefix("unknown field ") else {
        return match expected {
            Some(expected) => in_words(expected),
            None if message.contains(['"', '`', '\'']) => "this is not understood".to_owned(),
            None => message.to_owned(),
        };
    };
    let expected = expected.unwrap_or_default();
    let key = unknown.split('`').nth(1).unwrap_or_default();
    let keys = expected.split('`').skip(1).step_by(2);
    match nearest(key, keys) {
        Some(meant) => format!("there is no key `{key}`; did you mean `{meant}`? ({expected})"),
        None if is_among_scopes(before) => format!("there is no key `{key}`; {expected}"),
        None => format!("there is no such key; {expected}"),
    }
}

fn in_words(expected: &str) -> String {
    let known = WORDS.iter().find(|(serde, _)| expected.starts_with(serde));
    known.map_or(expected, |(_, words)| words).to_owned()
}

/// Whether the last table that begins before is one of `[scopes]`, where no tokens are.
fn is_among_scopes(before: &str) -> bool {
    let mut tables = before.lines().map(str::trim_start).rev();
    let last = tables.find(|line| line.starts_with('['));
    let last = last.unwrap_or_default();
    ["[scopes]", "[scopes.", "[upstream.scopes"]
        .iter()
        .any(|table| last.starts_with(table))
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
            issuer = [
                "https://login.example",
                { url = "https://b.example", jwks = "k", accept-client = ["c"], algorithms = ["ES256"], leeway = "1s", require-at-jwt = true },
            ]
            jwks = "keys.json"
            audience = ["api://notes"]
            accept-client = ["a"]
            introspect = "issuer"
            introspect-issuer = "https://login.example"
            introspect-client-id = "c"
            introspect-secret = "s"
            introspect-secret-file = "f"
            introspect-auth = "post"
            introspect-key-id = "k"
            introspect-accept-client = ["a"]
            introspect-signed = true
            introspect-leeway = "10s"
            required-scope = ["x"]
            suggested-scope = ["y"]
            allowed-host = ["h"]
            allowed-origin = ["https://o"]
            dpop = "required"
            dpop-nonces = true
            no-web = true
            stateless = true
            assertion-key = "k.pem"
            audit = "a.jsonl"
            metrics = "on"
            [call]
            token = "t"
            token-file = "f"
            account = "work"
            era = "legacy"
            [login]
            no-browser = true
            scope = ["x"]
            account = "work"
            issuer = "https://login.example"
            client-id = "c"
            client-secret = "s"
            client-secret-file = "f"
            client-credentials = true
            dpop = true
            [scopes]
            show-all = true
            default = { any-of = [] }
            implies = { notes = "notes:read notes:write" }
            tools = { "notes_*" = "notes", either = { any-of = ["a", "b c"] } }
            prompts = { review = "code" }
            resources = { "file:///private/*" = "files" }
            methods = { "tasks/*" = "tasks" }
            [rules]
            default = "deny"
            policy = "p.cedar"
            tools = { shell = { denied = "no" }, "a*" = { rate = "1/s", rate-in-all = "2/s", concurrency = 1, concurrency-in-all = 2, time-limit = "1s" } }
            prompts = { p = { hidden = true } }
            resources = { "file:///*" = { denied = true } }
            methods = { "tasks/*" = {} }
            [limits]
            address = "1/s"
            address-concurrency = 1
            principal = "1/s"
            principal-concurrency = 1
            time-limit = "1s"
            body-time-limit = "1s"
            largest-body = 1
            connections = 1
            address-connections = 1
            [tls]
            certificate = "c"
            key = "k"
            client-ca = "a"
            client-certificates = "optional"
            [proxies]
            trusted = ["10.0.0.0/8"]
            header = "forwarded"
            [[upstream]]
            name = "n"
            path = "/n"
            resource = "https://a.example/n"
            url = "http://a/"
            credentials = { header = "x-key", prefix = "Bearer ", env = "E" }
            assertion = true
            pass-header = ["x-a"]
            ca = "ca.pem"
            admission = "optional"
            required-scope = []
            suggested-scope = []
            scopes = { default = "x" }
            rules = { default = "allow" }
            [[upstream]]
            command = ["c"]
            env = { A = "b" }
            env-from = ["C"]
            folder = "/"
            per = "all"
            most = 1
            idle = "1m"
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
    fn what_the_reference_shows_is_valid() {
        let reference = include_str!("../../../docs/cli.md");
        let blocks = reference.split("\n```").filter_map(|block| {
            let (tag, content) = block.split_once('\n')?;
            (tag == "toml").then_some(content)
        });
        let blocks: Vec<_> = blocks.collect();
        assert_eq!(blocks.len(), 3);
        let whole = include_str!("../../../docs/configuration.md");
        let whole = whole.split("\n```toml\n").nth(1).expect("one block");
        let whole = whole.split("\n```").next().expect("its end");
        for block in blocks.into_iter().chain([whole]) {
            load(block).expect(block);
        }
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
