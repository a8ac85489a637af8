//! Tokens from the token endpoint, and what becomes of them.

use anyhow::ensure;
use serde::Deserialize;
use serde_json::Value;

use super::{Endpoint, IdentityProvider, Indicator};

/// What the token endpoint gave (RFC 6749 §5.1).
#[derive(Clone, Deserialize)]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// `Bearer` or `DPoP`.
    pub token_type: String,
    /// The lifetime of the access token, in seconds.
    pub expires_in: u64,
    /// The granted scopes, separated by spaces; none where nothing was granted.
    pub scope: Option<String>,
    /// The refresh token of a person's sign-in.
    pub refresh_token: Option<String>,
    /// The ID token of a person's sign-in with the scope `openid`.
    pub id_token: Option<String>,
}

impl IdentityProvider {
    /// An access token by client credentials (RFC 6749 §4.4), as a JWT (RFC 9068) unless the
    /// indicator says otherwise. `scopes` are separated by spaces.
    ///
    /// # Errors
    /// The provider refuses, fails or is stopped.
    pub async fn token(
        &self,
        client: &str,
        resource: impl Into<Indicator>,
        scopes: &str,
    ) -> anyhow::Result<String> {
        let resource = resource.into();
        let form = client_credentials(&resource, scopes);
        let answer = self.post(Endpoint::Token, client, &form, &[]).await?;
        Ok(answer.tokens()?.access_token)
    }

    /// As [`Self::token`], opaque: only introspection tells what it is.
    ///
    /// # Errors
    /// As there.
    pub async fn opaque_token(
        &self,
        client: &str,
        resource: impl Into<Indicator>,
        scopes: &str,
    ) -> anyhow::Result<String> {
        self.token(client, resource.into().opaque(), scopes).await
    }

    /// New tokens for a refresh token of [`Self::sign_in`], which is thereby used up: who uses it
    /// again ends the whole grant (OAuth 2.1 §4.3.1). The client is the one of the sign-in, usually
    /// `native`.
    ///
    /// # Errors
    /// The provider refuses, fails or is stopped.
    pub async fn refresh(&self, client: &str, refresh_token: &str) -> anyhow::Result<Tokens> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        let answer = self.post_public(Endpoint::Token, client, &form).await?;
        answer.tokens()
    }

    /// Revokes an opaque access token or a refresh token (RFC 7009). The provider keeps no record of
    /// its JWTs, and says so when it is asked to revoke one.
    ///
    /// # Errors
    /// The provider refuses, fails or is stopped.
    pub async fn revoke(&self, token: &str) -> anyhow::Result<()> {
        let form = [("token", token)];
        let answer = self
            .post(Endpoint::Revocation, "operator", &form, &[])
            .await?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.json());
        Ok(())
    }

    /// The introspection answer (RFC 7662 §2.2) for the client `resource-server`.
    ///
    /// # Errors
    /// The provider refuses, fails or is stopped.
    pub async fn introspect(&self, token: &str) -> anyhow::Result<Value> {
        let form = [("token", token)];
        let answer = self
            .post(Endpoint::Introspection, "resource-server", &form, &[])
            .await?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.json());
        Ok(answer.json())
    }
}

/// The form of RFC 6749 §4.4.2, with the resource of RFC 8707 §2.
pub(super) fn client_credentials<'a>(
    resource: &'a Indicator,
    scopes: &'a str,
) -> [(&'a str, &'a str); 3] {
    [
        ("grant_type", "client_credentials"),
        ("resource", resource.as_str()),
        ("scope", scopes),
    ]
}
