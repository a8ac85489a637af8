//! What stands behind an endpoint: the built-in server, a program, or a server at a URL.

mod config;
mod credentials;
mod headers;
mod http;
mod stdio;

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use propusk::Admission;

pub(crate) use config::UpstreamConfig;
use credentials::CredentialsConfig;
pub(super) use http::Signing;
pub(super) use stdio::Program;

use super::{
    RulesConfig, ScopesConfig,
    rules::{Place, Ruled},
};
use crate::failure::Failure;

/// What answers behind an endpoint. Two that are equal are the same, and go on when the configuration
/// is read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Behind {
    Builtin,
    Program(Program),
    Url(Box<Remote>),
}

/// A server at a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) url: String,
    pub(super) credentials: Option<CredentialsConfig>,
    pub(super) pass_header: Vec<String>,
    pub(super) assertion: bool,
    pub(super) ca: Option<PathBuf>,
}

impl Remote {
    pub(super) fn at(url: String) -> Self {
        Self {
            url,
            credentials: None,
            pass_header: Vec::new(),
            assertion: false,
            ca: None,
        }
    }
}

/// One endpoint of the listener, as it is set up.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// `None`: the only one, which has no name.
    pub(super) name: Option<String>,
    pub(super) path: String,
    /// Its own URL, where that is not the base with the path.
    pub(super) resource: Option<String>,
    pub(super) behind: Behind,
    pub(super) admission: Option<Admission>,
    pub(super) required: Option<Vec<String>>,
    pub(super) suggested: Option<Vec<String>>,
    /// All of them must be met: those at the top of the file, and its own.
    pub(super) scopes: Vec<ScopesConfig>,
    /// All of them must allow: those at the top of the file, and its own.
    pub(super) rules: Vec<Ruled>,
    /// Changes with the content of its files, and with whatever else it takes when it is made.
    pub(super) made_of: u64,
    /// It is one of `[[upstream]]`.
    pub(super) of_file: bool,
    /// Where it is named, for what is said of a mistake in it.
    pub(super) place: String,
}

/// Where the only endpoint is.
pub(super) const ONLY: &str = "/mcp";

impl Endpoint {
    /// The only one, by the settings that stand at the top of the file.
    pub(super) fn only(behind: Behind, scopes: ScopesConfig, rules: RulesConfig) -> Self {
        Self {
            name: None,
            path: ONLY.to_owned(),
            resource: None,
            behind,
            admission: None,
            required: None,
            suggested: None,
            scopes: vec![scopes],
            rules: vec![Ruled::top(rules)],
            made_of: 0,
            of_file: false,
            place: "--upstream".to_owned(),
        }
    }

    /// Its name in the log and in what is said of it.
    pub(super) fn shown(&self) -> &str {
        match (&self.name, &self.behind) {
            (Some(name), _) => name,
            (None, Behind::Builtin) => "builtin",
            (None, _) => "upstream",
        }
    }

    /// The name of what stands behind, if that is not this program itself.
    pub(super) fn upstream(&self) -> Option<&str> {
        (self.behind != Behind::Builtin).then(|| self.shown())
    }

    /// The tools that there are rules about, by their names. A pattern is none.
    pub(super) fn tools(&self) -> impl Iterator<Item = &str> {
        let scopes = self.scopes.iter().flat_map(ScopesConfig::tools);
        scopes
            .chain(self.rules.iter().flat_map(|rules| rules.config.tools()))
            .filter(|name| !name.contains('*'))
    }

    /// The files with policies, each with the key that names it.
    pub(super) fn policies(&self) -> impl Iterator<Item = (&Path, String)> {
        self.rules.iter().filter_map(|rules| {
            let file = rules.config.policy.as_deref()?;
            Some((file, format!("[{}rules] policy", rules.within)))
        })
    }

    /// The files that it is made of.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let remote = match &self.behind {
            Behind::Url(remote) => Some(&**remote),
            _ => None,
        };
        let secrets = remote.and_then(|remote| remote.credentials.as_ref());
        let secrets = secrets.into_iter().flat_map(CredentialsConfig::files);
        let ca = remote.and_then(|remote| remote.ca.as_deref());
        let policies = self.policies().map(|(file, _)| file);
        secrets.chain(ca).chain(policies)
    }

    /// A number for what is read once, when it is made: its files, and `more`. What goes on reading a
    /// file by itself is not among it.
    pub(super) fn mark(&mut self, more: impl Hash) {
        let mut hasher = DefaultHasher::new();
        more.hash(&mut hasher);
        if let Behind::Url(remote) = &self.behind {
            let secrets = remote.credentials.iter();
            let secrets = secrets.flat_map(CredentialsConfig::read_once);
            for file in secrets.chain(remote.ca.as_deref()) {
                fs::read(file).ok().hash(&mut hasher);
            }
        }
        self.made_of = hasher.finish();
    }

    /// Whether the other one is the same endpoint by other settings, and can go on by them.
    pub(super) fn is(&self, other: &Self) -> bool {
        let made = (&self.behind, self.made_of) == (&other.behind, other.made_of);
        self.is_at_place_of(other) && made
    }

    /// Whether clients take it for the same endpoint.
    pub(super) fn is_at_place_of(&self, other: &Self) -> bool {
        (&self.name, &self.path) == (&other.name, &other.path)
    }

    /// Whether there is any rule about it, beside scopes.
    pub(super) fn has_rules(&self) -> bool {
        self.rules.iter().any(|rules| !rules.config.is_empty())
    }

    /// One of the file. Scopes and rules at the top of the file hold too.
    pub(super) fn of(
        config: UpstreamConfig,
        scopes: &ScopesConfig,
        rules: &RulesConfig,
        place: &Place<'_>,
    ) -> Result<Self, Failure> {
        let UpstreamConfig {
            name,
            path,
            resource,
            url,
            command,
            ..
        } = &config;
        let label = name
            .as_deref()
            .map_or(String::new(), |name| format!(" ({name})"));
        let place = match place.file {
            Some(file) => format!("{}: [[upstream]]{label}", file.display()),
            None => format!("[[upstream]]{label}"),
        };
        let wrong = |key: &str, why: &str| Failure::usage(format!("{place}: {key}: {why}"));
        if let Some(name) = name
            && !is_name(name)
        {
            return Err(wrong("name", "this is no name")
                .hint("use letters, digits, - and _, such as notes"));
        }
        let path = match (path, name) {
            (Some(path), _) => path.trim_end_matches('/').to_owned(),
            (None, Some(name)) => format!("/{name}/mcp"),
            (None, None) => ONLY.to_owned(),
        };
        if !is_path(&path) {
            return Err(wrong("path", "this is no path that an endpoint can have").hint(
                "write one such as /notes/mcp; /healthz, /readyz, /metrics and /.well-known are taken",
            ));
        }
        let behind = match (url, command) {
            (Some(url), None) => Behind::Url(Box::new(config.remote(url, &wrong)?)),
            (None, Some(command)) => Behind::Program(config.program(command, &wrong)?),
            _ => {
                return Err(wrong("url", "an upstream has either a url or a command").hint(
                    "write url = \"http://127.0.0.1:9000/mcp\", or command = [\"npx\", \"-y\", \"…\"]",
                ));
            }
        };
        let admission = match config.admission.as_deref().map(str::parse) {
            None => None,
            Some(Ok(admission)) => Some(admission),
            Some(Err::<Admission, propusk::UnknownAdmission>(error)) => {
                return Err(wrong("admission", &error.to_string()));
            }
        };
        let resource = resource.clone();
        let top = Ruled::top(rules.clone());
        let rules = [top].into_iter().chain(config.rules.map(Ruled::own));
        Ok(Self {
            path,
            resource,
            behind,
            admission,
            name: config.name,
            required: config.required_scope,
            suggested: config.suggested_scope,
            scopes: [scopes.clone()].into_iter().chain(config.scopes).collect(),
            rules: rules.collect(),
            made_of: 0,
            of_file: true,
            place: place.clone(),
        })
    }
}

type Wrong<'a> = &'a dyn Fn(&str, &str) -> Failure;

impl UpstreamConfig {
    fn remote(&self, url: &str, wrong: Wrong<'_>) -> Result<Remote, Failure> {
        let of_programs = [
            ("env", !self.env.is_empty()),
            ("env-from", !self.env_from.is_empty()),
            ("folder", self.folder.is_some()),
            ("per", self.per.is_some()),
            ("most", self.most.is_some()),
            ("idle", self.idle.is_some()),
        ];
        if let Some((key, _)) = of_programs.iter().find(|(_, given)| *given) {
            return Err(wrong(key, "this is for an upstream with a command"));
        }
        headers::check(self, wrong)?;
        Ok(Remote {
            url: url.to_owned(),
            credentials: self.credentials.clone(),
            pass_header: self.pass_header.clone(),
            assertion: self.assertion == Some(true),
            ca: self.ca.clone(),
        })
    }

    fn program(&self, command: &[String], wrong: Wrong<'_>) -> Result<Program, Failure> {
        let of_urls = [
            ("credentials", self.credentials.is_some()),
            ("pass-header", !self.pass_header.is_empty()),
            ("assertion", self.assertion.is_some()),
            ("ca", self.ca.is_some()),
        ];
        if let Some((key, _)) = of_urls.iter().find(|(_, given)| *given) {
            return Err(wrong(key, "this is for an upstream with a url"));
        }
        Program::of(self, command, wrong)
    }
}

fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= 64 && name.chars().all(good)
}

/// Whether nothing else of the listener is under it, and it is written as clients will send it.
fn is_path(path: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.~/".contains(c);
    let segments = || path.split('/').skip(1);
    let taken = ["healthz", "readyz", "metrics", ".well-known"];
    path.starts_with('/')
        && path.chars().all(good)
        && segments().all(|part| !part.is_empty() && part != "." && part != "..")
        && segments()
            .next()
            .is_some_and(|first| !taken.contains(&first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_once_makes_another_endpoint_when_it_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name);
        let config = format!(
            "url = 'https://a/'\nca = {:?}\n[credentials]\nheader = 'x'\nfile = {:?}\nclient = {{ id = 'c', secret-file = {:?} }}\n",
            file("ca"),
            file("header"),
            file("secret")
        );
        let config: UpstreamConfig = toml::from_str(&config).expect("an upstream");
        let place = Place {
            file: None,
            within: "",
        };
        let mut endpoint = Endpoint::of(config, &Default::default(), &Default::default(), &place)
            .expect("an endpoint");
        endpoint.mark(0);
        let mut changes = |name: &str, more: u32| {
            let before = endpoint.clone();
            fs::write(file(name), format!("{name} {more}")).expect("written");
            endpoint.mark(more);
            assert!(endpoint.is_at_place_of(&before));
            !endpoint.is(&before)
        };
        assert!(changes("ca", 0));
        assert!(changes("secret", 0));
        assert!(!changes("header", 0), "it is read again as it is");
        assert!(!changes("ca", 0), "the same again");
        assert!(changes("header", 1), "another limit");
    }

    #[test]
    fn names_and_paths() {
        for (name, good) in [
            ("notes", true),
            ("a-b_1", true),
            ("", false),
            ("a/b", false),
            ("é", false),
        ] {
            assert_eq!(is_name(name), good, "{name}");
        }
        for (path, good) in [
            ("/mcp", true),
            ("/notes/mcp", true),
            ("", false),
            ("/", false),
            ("mcp", false),
            ("/a//b", false),
            ("/a/../b", false),
            ("/a?b", false),
            ("/a%2fb", false),
            ("/healthz", false),
            ("/.well-known/x", false),
            ("/metrics/mcp", false),
        ] {
            assert_eq!(is_path(path), good, "{path}");
        }
    }
}
