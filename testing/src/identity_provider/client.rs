//! The provider's clients, as they authenticate.

use anyhow::Context;
use serde::Deserialize;

/// How one client authenticates (RFC 7591 §2, `token_endpoint_auth_method`).
#[derive(Deserialize)]
pub struct Credentials {
    /// The client id.
    pub id: String,
    /// `client_secret_basic`, `client_secret_post`, `private_key_jwt` or `none`.
    pub method: String,
    /// The secret, where the method has one.
    pub secret: Option<String>,
    /// The private key, where the method has one.
    pub key: Option<ClientKey>,
}

/// The private key of a client with `private_key_jwt`.
#[derive(Deserialize)]
pub struct ClientKey {
    /// The algorithm of its assertions: ES256 (`machine-jwt`, `gate-jwt`) or RS256 (`resource-server-jwt`).
    pub alg: String,
    /// The key id that the provider knows it by.
    pub kid: String,
    /// PKCS #8 in PEM.
    pub pem: String,
}

/// All clients of a provider.
pub(super) struct Clients(Vec<Credentials>);

impl Clients {
    pub(super) async fn of(http: &reqwest::Client, control: &str) -> anyhow::Result<Self> {
        let answer = http.get(format!("{control}/clients")).send().await?;
        let clients = serde_json::from_slice(&answer.bytes().await?)?;
        Ok(Self(clients))
    }

    pub(super) fn find(&self, id: &str) -> anyhow::Result<&Credentials> {
        let mut clients = self.0.iter();
        clients
            .find(|client| client.id == id)
            .with_context(|| format!("the identity provider has no client {id}"))
    }
}
