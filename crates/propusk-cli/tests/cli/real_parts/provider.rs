//! The identity provider for tests that do not await.

use std::fmt::Debug;

use propusk_testing::identity_provider::{Endpoint, Fault, IdentityProvider, Indicator, Options};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{Done, Sandbox, Server, Words};

pub(crate) const SUBJECT: &str = "alice";
pub(crate) const SCOPE: &str = "notes:read";

pub(crate) struct Provider {
    runtime: Runtime,
    pub(crate) idp: IdentityProvider,
}

impl Provider {
    pub(crate) fn start() -> Self {
        Self::start_with(Options::new())
    }

    pub(crate) fn start_with(options: Options) -> Self {
        let runtime = Runtime::new().unwrap();
        let options = options.algorithms(&["RS256", "ES256"]);
        let idp = runtime.block_on(IdentityProvider::start(options)).unwrap();
        Self { runtime, idp }
    }

    pub(crate) fn issuer(&self) -> &str {
        self.idp.issuer()
    }

    /// Alice signs in.
    pub(crate) fn token(&self, resource: &str) -> String {
        self.wait(self.idp.user_token(SUBJECT, resource, SCOPE))
    }

    /// Alice signs in, and only the provider knows what she gets.
    pub(crate) fn opaque(&self, resource: &str) -> String {
        let resource = Indicator::new(resource).opaque();
        self.wait(self.idp.user_token(SUBJECT, resource, SCOPE))
    }

    /// A token with these claims on top of `iss`, `sub`, `aud` and an `exp` in an hour.
    pub(crate) fn signed(&self, key: &str, resource: &str, members: &Value) -> String {
        let mut claims = json!({
            "iss": self.issuer(), "aud": resource, "sub": SUBJECT, "scope": SCOPE,
            "iat": from_now(-60), "exp": from_now(3600),
        });
        for (name, value) in members.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.wait(self.idp.sign(key, json!({"typ": "at+jwt"}), claims))
            .jwt
    }

    /// A person follows the authorization URL of a client; where the provider sends them back to.
    pub(crate) fn browse(&self, url: &str, subject: &str) -> String {
        self.wait(self.idp.browse(url, subject)).into()
    }

    pub(crate) fn publish_client(&self, url: &str, document: Value) {
        self.wait(self.idp.publish_client(url, document));
    }

    pub(crate) fn key_set(&self) -> String {
        self.wait(self.idp.key_set())
    }

    pub(crate) fn rotate(&self) {
        self.wait(self.idp.rotate());
    }

    pub(crate) fn revoke(&self, token: &str) {
        self.wait(self.idp.revoke(token));
    }

    /// What the provider says of a token.
    pub(crate) fn introspects(&self, token: &str) -> Value {
        self.wait(self.idp.introspect(token))
    }

    /// Whether the provider takes a refresh token.
    pub(crate) fn refreshes(&self, client: &str, token: &str) -> bool {
        let refreshed = self.idp.refresh(client, token);
        self.runtime.block_on(refreshed).is_ok()
    }

    /// A browser goes to this address; the page that it shows.
    pub(crate) fn gets(&self, url: &str) -> String {
        self.wait(async { reqwest::get(url).await?.text().await })
    }

    pub(crate) fn fault(&self, endpoint: Endpoint, fault: Fault) {
        self.wait(self.idp.fault(endpoint, fault));
    }

    pub(crate) fn heal(&self, endpoint: Endpoint) {
        self.wait(self.idp.heal(endpoint));
    }

    pub(crate) fn asked(&self, endpoint: Endpoint) -> u64 {
        self.wait(self.idp.counts()).of(endpoint)
    }

    pub(crate) fn stop(&mut self) {
        self.runtime.block_on(self.idp.stop()).unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.runtime.block_on(self.idp.start_again()).unwrap();
    }

    /// The secret of a client.
    pub(crate) fn secret(&self, client: &str) -> String {
        let client = self.idp.client(client).unwrap();
        client.secret.clone().expect("it has a secret")
    }

    /// The private key of a client, in PEM.
    pub(crate) fn private_key(&self, client: &str) -> String {
        let client = self.idp.client(client).unwrap();
        client.key.as_ref().expect("it has a key").pem.clone()
    }

    fn wait<T, E: Debug>(&self, future: impl Future<Output = Result<T, E>>) -> T {
        self.runtime.block_on(future).unwrap()
    }
}

/// A NumericDate so many seconds from now.
pub(crate) fn from_now(seconds: i64) -> u64 {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_secs().checked_add_signed(seconds).unwrap()
}

/// Who is calling, as the server says.
#[track_caller]
pub(crate) fn whoami(place: &Sandbox, server: &Server, token: &str) -> Value {
    call(place, server, token).code(0).json()
}

pub(crate) fn call(place: &Sandbox, server: &Server, token: &str) -> Done {
    place.call(token, &server.url, &["whoami"])
}

/// Flags, owned for as long as a test needs them.
pub(crate) fn words(flags: &[String]) -> Vec<&str> {
    flags.iter().map(String::as_str).collect()
}

/// `propusk inspect` for a server at `resource`.
pub(crate) fn inspect(place: &Sandbox, resource: &str, flags: Words<'_>, token: &str) -> Done {
    // An opaque token may begin with a hyphen.
    place.run(&[&["inspect", "--resource", resource], flags, &["--", token]].concat())
}
