//! Requests of a client to an endpoint.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::{Endpoint, IdentityProvider, tokens::Tokens};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What an endpoint answered.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header `DPoP-Nonce`.
    pub dpop_nonce: Option<String>,
    /// The body, as it came.
    pub body: String,
}

impl Answer {
    /// The body as JSON; `null` where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The tokens of a good answer.
    ///
    /// # Errors
    /// With `error` and `error_description` of another answer.
    pub fn tokens(&self) -> anyhow::Result<Tokens> {
        if self.status == 200 {
            return serde_json::from_str(&self.body).context("the tokens");
        }
        let json = self.json();
        bail!(
            "{}: {} {}",
            self.status,
            json["error"],
            json["error_description"]
        )
    }
}

impl IdentityProvider {
    /// Posts a form to an endpoint, with one of [`Self::client`] authenticated as it does, and
    /// further headers.
    ///
    /// # Errors
    /// There is no such client, or no answer.
    pub async fn post(
        &self,
        endpoint: Endpoint,
        client: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let client = self.client(client)?;
        let mut body = Serializer::new(String::new());
        body.extend_pairs(form);
        let mut request = self.http.post(self.url(endpoint));
        match (client.method.as_str(), &client.secret) {
            ("client_secret_basic", Some(secret)) => {
                request = request.basic_auth(&client.id, Some(secret));
            }
            ("client_secret_post", Some(secret)) => {
                body.append_pair("client_id", &client.id);
                body.append_pair("client_secret", secret);
            }
            ("private_key_jwt", _) => {
                body.append_pair("client_assertion", &self.assertion(&client.id).await?);
                body.append_pair("client_assertion_type", ASSERTION_TYPE);
            }
            (other, _) => bail!("{} does not authenticate, but by {other}", client.id),
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request, body.finish()).await
    }

    /// Posts a form for a client that has nothing to authenticate with.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn post_public(
        &self,
        endpoint: Endpoint,
        client: &str,
        form: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let mut body = Serializer::new(String::new());
        body.extend_pairs(form).append_pair("client_id", client);
        send(self.http.post(self.url(endpoint)), body.finish()).await
    }

    /// A client assertion (RFC 7523 §2.2).
    async fn assertion(&self, client: &str) -> anyhow::Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let claims = json!({
            "iss": client,
            "sub": client,
            "aud": self.issuer,
            "iat": now.as_secs(),
            "exp": now.as_secs() + 60,
            "jti": now.as_nanos().to_string(),
        });
        let key = format!("client:{client}");
        Ok(self.sign(&key, json!({}), claims).await?.jwt)
    }
}

async fn send(request: RequestBuilder, form: String) -> anyhow::Result<Answer> {
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(form).send().await?;
    let nonce = answer.headers().get("dpop-nonce");
    Ok(Answer {
        status: answer.status().as_u16(),
        dpop_nonce: nonce
            .and_then(|nonce| nonce.to_str().ok())
            .map(str::to_owned),
        body: String::from_utf8_lossy(&answer.bytes().await?).into_owned(),
    })
}
