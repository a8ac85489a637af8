//! Tokens bound to a key (RFC 9449).

use serde_json::{Map, Value, json};

use super::{
    Endpoint, IdentityProvider, Indicator,
    control::Signed,
    tokens::{Tokens, client_credentials},
};

/// A DPoP proof to be made (RFC 9449 §4.2), right unless a test changes it.
#[derive(Clone, Debug)]
pub struct Proof(Map<String, Value>);

impl Proof {
    /// A proof for one request. Keys are ES256, made on demand by name; `url` goes into `htu` as it
    /// is.
    #[must_use]
    pub fn new(key: &str, method: &str, url: &str) -> Self {
        let order = json!({"key": key, "method": method, "url": url, "header": {}, "claims": {}});
        Self(order.as_object().cloned().unwrap_or_default())
    }

    /// With `ath`, for a request with this access token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.with("token", token.into())
    }

    /// With a nonce from a server.
    #[must_use]
    pub fn nonce(self, nonce: &str) -> Self {
        self.with("nonce", nonce.into())
    }

    /// With another value for a claim (`iat`, `jti`, `htm`, …).
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0["claims"][name] = value.into();
        self
    }

    /// With another value for a member of the header (`typ`, `alg`, `jwk`). The signature does not
    /// follow it.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0["header"][name] = value.into();
        self
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
}

impl IdentityProvider {
    /// Makes a proof.
    ///
    /// # Errors
    /// The provider is stopped.
    pub async fn prove(&self, proof: Proof) -> anyhow::Result<Signed> {
        let signed = self.control("dpop", &Value::Object(proof.0)).await?;
        Ok(serde_json::from_value(signed)?)
    }

    /// An access token by client credentials that is bound to the key of this name: `cnf.jkt` is
    /// its thumbprint. A nonce is sent when the provider asks for one.
    ///
    /// # Errors
    /// The provider refuses, fails or is stopped.
    pub async fn dpop_token(
        &self,
        key: &str,
        client: &str,
        resource: impl Into<Indicator>,
        scopes: &str,
    ) -> anyhow::Result<Tokens> {
        let resource = resource.into();
        let form = client_credentials(&resource, scopes);
        let proof = Proof::new(key, "POST", &self.url(Endpoint::Token));
        let first = self.prove(proof.clone()).await?.jwt;
        let answer = self
            .post(Endpoint::Token, client, &form, &[("dpop", &first)])
            .await?;
        let (true, Some(nonce)) = (
            answer.json()["error"] == "use_dpop_nonce",
            &answer.dpop_nonce,
        ) else {
            return answer.tokens();
        };
        let second = self.prove(proof.nonce(nonce)).await?.jwt;
        let answer = self
            .post(Endpoint::Token, client, &form, &[("dpop", &second)])
            .await?;
        answer.tokens()
    }
}
