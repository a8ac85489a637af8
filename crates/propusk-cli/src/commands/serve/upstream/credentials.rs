//! What goes upstream in the place of the caller's token.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
};

use http::HeaderName;
use propusk::{
    ScopeSet,
    client::{MachineClient, TokenEndpoint},
};
use propusk_gate::{
    credentials::{ClientCredentials, FixedHeader, IdJag, TokenExchange},
    http::HttpUpstreamSettings,
};
use serde::Deserialize;

/// One of: a header with a fixed value, or a token by client credentials, by token exchange, or by
/// ID-JAG.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct CredentialsConfig {
    header: Option<String>,
    prefix: Option<String>,
    env: Option<String>,
    file: Option<PathBuf>,
    client_credentials: Option<String>,
    token_exchange: Option<String>,
    id_jag: Option<String>,
    client: Option<ClientConfig>,
    server: Option<ServerConfig>,
    resource: Option<String>,
    audience: Option<String>,
    scope: Option<String>,
}

/// Who asks at a token endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ClientConfig {
    id: String,
    secret_env: Option<String>,
    secret_file: Option<PathBuf>,
}

/// The authorization server of the upstream, for ID-JAG.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ServerConfig {
    issuer: String,
    endpoint: String,
    client: ClientConfig,
}

/// Why they make no sense, without anything secret.
type Why = String;

impl CredentialsConfig {
    /// The header with a fixed value, as it was written.
    pub(super) fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// The files that hold secrets.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let server = self.server.as_ref().map(|server| &server.client);
        let clients = self.client.iter().chain(server);
        let secrets = clients.filter_map(|client| client.secret_file.as_deref());
        self.file.as_deref().into_iter().chain(secrets)
    }

    /// Those of them that are read when they are made, and not again; the one of a fixed header is.
    pub(super) fn read_once(&self) -> impl Iterator<Item = &Path> {
        self.files()
            .filter(|file| Some(*file) != self.file.as_deref())
    }

    /// The keys that are given and have no meaning for the way that was chosen.
    fn idle(&self, used: &[&str]) -> Option<&'static str> {
        let given = [
            ("prefix", self.prefix.is_some()),
            ("env", self.env.is_some()),
            ("file", self.file.is_some()),
            ("client", self.client.is_some()),
            ("server", self.server.is_some()),
            ("resource", self.resource.is_some()),
            ("audience", self.audience.is_some()),
            ("scope", self.scope.is_some()),
        ];
        let idle = |(key, given): &&(&'static str, bool)| *given && !used.contains(key);
        given.iter().find(idle).map(|(key, _)| *key)
    }

    /// The way that is chosen, with the keys that go with it.
    fn way(&self) -> Result<(), Why> {
        let ways: [(_, bool, &[&str]); 4] = [
            ("header", self.header.is_some(), &["prefix", "env", "file"]),
            (
                "client-credentials",
                self.client_credentials.is_some(),
                &["client", "resource", "scope"],
            ),
            (
                "token-exchange",
                self.token_exchange.is_some(),
                &["client", "resource", "audience", "scope"],
            ),
            (
                "id-jag",
                self.id_jag.is_some(),
                &["client", "server", "resource", "scope"],
            ),
        ];
        let mut given = ways.iter().filter(|(_, given, _)| *given);
        let (Some((way, _, used)), None) = (given.next(), given.next()) else {
            return Err(
                "name exactly one of header, client-credentials, token-exchange and id-jag"
                    .to_owned(),
            );
        };
        match self.idle(used) {
            Some(key) => Err(format!(
                "{key} has no effect beside {way}, which goes with {}",
                used.join(", ")
            )),
            None => Ok(()),
        }
    }

    /// Gives them to an upstream.
    pub(super) fn add_to(
        &self,
        settings: HttpUpstreamSettings,
    ) -> Result<HttpUpstreamSettings, Why> {
        self.way()?;
        let scopes = ScopeSet::parse(self.scope.as_deref().unwrap_or_default());
        let scopes = scopes.map_err(|error| format!("scope: {error}"))?;
        if let Some(header) = &self.header {
            return Ok(settings.credentials(self.fixed(header)?));
        }
        if let Some(url) = &self.client_credentials {
            let mut asked = ClientCredentials::at(self.endpoint(url)?).scopes(scopes);
            if let Some(resource) = &self.resource {
                asked = asked.resource(resource);
            }
            return Ok(settings.credentials(asked));
        }
        if let Some(url) = &self.token_exchange {
            let mut asked = TokenExchange::at(self.endpoint(url)?).scopes(scopes);
            if let Some(resource) = &self.resource {
                asked = asked.resource(resource);
            }
            if let Some(audience) = &self.audience {
                asked = asked.audience(audience);
            }
            return Ok(settings.credentials(asked));
        }
        let idp = self.endpoint(self.id_jag.as_deref().unwrap_or_default())?;
        let (Some(server), Some(resource)) = (&self.server, &self.resource) else {
            return Err(
                "id-jag needs server = { issuer, endpoint, client } and resource".to_owned(),
            );
        };
        let endpoint = TokenEndpoint::new(&server.endpoint, server.client.read()?);
        let endpoint = endpoint.map_err(shown)?;
        let asked = IdJag::new(idp, endpoint, &server.issuer, resource).scopes(scopes);
        Ok(settings.credentials(asked))
    }

    fn fixed(&self, header: &str) -> Result<FixedHeader, Why> {
        let name = HeaderName::try_from(header);
        let name = name.map_err(|_| format!("header: {header:?} is no name of a header"))?;
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let fixed = match (&self.env, &self.file) {
            (Some(variable), None) => FixedHeader::from_environment(name, prefix, variable),
            (None, Some(file)) => FixedHeader::from_file(name, prefix, file),
            _ => return Err("the value of the header is in one place: name a variable with env, or a file with file".to_owned()),
        };
        fixed.map_err(shown)
    }

    fn endpoint(&self, url: &str) -> Result<TokenEndpoint, Why> {
        let Some(client) = &self.client else {
            return Err("say who asks: client = { id = \"…\", secret-env = \"…\" }".to_owned());
        };
        TokenEndpoint::new(url, client.read()?).map_err(shown)
    }
}

impl ClientConfig {
    fn read(&self) -> Result<MachineClient, Why> {
        let secret = match (&self.secret_env, &self.secret_file) {
            (Some(variable), None) => env::var(variable)
                .map_err(|_| format!("client: the environment variable {variable} is not set"))?,
            (None, Some(file)) => fs::read_to_string(file)
                .map_err(|error| format!("client: {}: {error}", file.display()))?,
            (None, None) => return Ok(MachineClient::public(&self.id)),
            (Some(_), Some(_)) => {
                return Err("client: secret-env and secret-file are both given".to_owned());
            }
        };
        match secret.trim() {
            "" => Err("client: the secret is empty".to_owned()),
            secret => Ok(MachineClient::secret(&self.id, secret)),
        }
    }
}

fn shown(error: impl fmt::Display) -> Why {
    error.to_string()
}
