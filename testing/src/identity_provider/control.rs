//! The side door: keys, faults, counts, and signatures that no provider would give.

use std::collections::BTreeMap;

use anyhow::Context;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Endpoint, Fault, IdentityProvider};

/// How often each endpoint was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// The requests to one endpoint, those with a fault included.
    #[must_use]
    pub fn of(&self, endpoint: Endpoint) -> u64 {
        self.0.get(endpoint.name()).copied().unwrap_or(0)
    }
}

/// A JSON Web Signature that a test ordered.
#[derive(Clone, Deserialize)]
pub struct Signed {
    /// The compact serialization.
    pub jwt: String,
    /// The public key.
    pub jwk: Value,
    /// The thumbprint of the public key (RFC 7638).
    pub jkt: String,
}

impl IdentityProvider {
    /// New signing keys become active, one for each algorithm; those before stay published.
    ///
    /// # Errors
    /// The provider is stopped.
    pub async fn rotate(&self) -> anyhow::Result<()> {
        self.control("rotate", &json!({})).await.map(drop)
    }

    /// Only the active signing keys stay published.
    ///
    /// # Errors
    /// The provider is stopped.
    pub async fn retire(&self) -> anyhow::Result<()> {
        self.control("retire", &json!({})).await.map(drop)
    }

    /// An endpoint fails from now on.
    ///
    /// # Errors
    /// The provider is stopped.
    pub async fn fault(&self, endpoint: Endpoint, fault: Fault) -> anyhow::Result<()> {
        self.order(endpoint, fault.order()).await
    }

    /// The next `times` requests to an endpoint fail; the one after them is served.
    ///
    /// # Errors
    /// The provider is stopped.
    pub async fn fault_times(
        &self,
        endpoint: Endpoint,
        fault: Fault,
        times: u32,
    ) -> anyhow::Result<()> {
        let mut order = fault.order();
        order["times"] = times.into();
        self.order(endpoint, order).await
    }

    /// An endpoint works again. Requests that a fault holds back stay held back.
    ///
    /// # Errors
    /// The provider is stopped.
    pub async fn heal(&self, endpoint: Endpoint) -> anyhow::Result<()> {
        self.order(endpoint, json!({"kind": "none"})).await
    }

    /// The requests by endpoint since the start or the last [`Self::reset_counts`].
    ///
    /// # Errors
    /// The provider is stopped.
    pub async fn counts(&self) -> anyhow::Result<Counts> {
        let counts = self
            .ask_control(Method::GET, "counts", String::new())
            .await?;
        Ok(serde_json::from_value(counts)?)
    }

    /// Counts from zero.
    ///
    /// # Errors
    /// The provider is stopped.
    pub async fn reset_counts(&self) -> anyhow::Result<()> {
        self.control("reset", &json!({})).await.map(drop)
    }

    /// A JWT with exactly these claims, which the provider itself would never sign: expired, for
    /// another audience, by a key that is not published.
    ///
    /// `key` is `provider:<alg>` for the active signing key of an algorithm, `client:<id>` for a
    /// client's, and any other name for an ES256 key that is made on demand. Members of `header`
    /// come on top of `alg`, `kid` and `typ: JWT`. A text in the place of either is signed as it
    /// stands, such as JSON with a name twice.
    ///
    /// # Errors
    /// There is no such key, or the provider is stopped.
    pub async fn sign(&self, key: &str, header: Value, claims: Value) -> anyhow::Result<Signed> {
        let order = json!({"key": key, "header": header, "claims": claims});
        Ok(serde_json::from_value(self.control("sign", &order).await?)?)
    }

    /// A JWT by HMAC with SHA-256 and this secret, which is not empty.
    ///
    /// # Errors
    /// The provider is stopped.
    pub async fn sign_with_secret(
        &self,
        secret: &str,
        header: Value,
        claims: Value,
    ) -> anyhow::Result<String> {
        let order = json!({"secret": secret, "header": header, "claims": claims});
        let mut made: Vec<String> =
            serde_json::from_value(self.control("authenticate", &order).await?)?;
        made.pop().context("one token")
    }

    /// JWTs by HMAC with SHA-256, where the secret is the public key of [`Self::sign`]'s `key` in
    /// every form in which a careless library may have kept it, and nothing at all. Members of
    /// `header` come on top of `alg: HS256`, `kid` and `typ: JWT`.
    ///
    /// # Errors
    /// There is no such key, or the provider is stopped.
    pub async fn sign_with_public_key(
        &self,
        key: &str,
        header: Value,
        claims: Value,
    ) -> anyhow::Result<Vec<String>> {
        let order = json!({"key": key, "header": header, "claims": claims});
        Ok(serde_json::from_value(
            self.control("authenticate", &order).await?,
        )?)
    }

    /// The key set as it is published.
    ///
    /// # Errors
    /// The provider is stopped, or a fault stands in front.
    pub async fn key_set(&self) -> anyhow::Result<String> {
        let answer = self.http.get(self.url(Endpoint::Jwks)).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// The provider finds this client id metadata document when it looks for `url`, which is
    /// `https` and need not exist.
    ///
    /// # Errors
    /// The provider is stopped.
    pub async fn publish_client(&self, url: &str, document: Value) -> anyhow::Result<()> {
        let order = json!({"url": url, "document": document});
        self.control("document", &order).await.map(drop)
    }

    pub(super) async fn control(&self, action: &str, order: &Value) -> anyhow::Result<Value> {
        self.ask_control(Method::POST, action, order.to_string())
            .await
    }

    async fn order(&self, endpoint: Endpoint, mut order: Value) -> anyhow::Result<()> {
        order["endpoint"] = endpoint.name().into();
        self.control("fault", &order).await.map(drop)
    }

    async fn ask_control(
        &self,
        method: Method,
        action: &str,
        body: String,
    ) -> anyhow::Result<Value> {
        let url = format!("{}/{action}", self.running()?.control());
        let answer = self.http.request(method, url).body(body).send().await?;
        let status = answer.status();
        let value: Value = serde_json::from_slice(&answer.bytes().await?)
            .with_context(|| format!("the answer of the control {action}"))?;
        anyhow::ensure!(status.is_success(), "{action}: {}", value["error"]);
        Ok(value)
    }
}
