//! Where tokens for a server are asked for: its authorization server, as discovery found it.

use std::{sync::Arc, time::Duration};

use rmcp::transport::auth::AuthorizationMetadata;

use crate::{
    ScopeSet,
    client::{
        DpopKey, ProtectedServer, TokenError,
        oauth::{self, OAuthHttp, issuer_url, not_the_wanted_issuer, server_url},
    },
};

/// An authorization server, for one resource.
#[derive(Clone)]
pub(super) struct Place {
    /// Byte for byte as it was named.
    pub(super) issuer: String,
    /// The `resource` of the server's metadata, or else its URL, byte for byte.
    pub(super) resource: String,
    /// What the server asked for: the scopes of its challenge, else those of its metadata.
    pub(super) scopes: ScopeSet,
    /// The scopes of the challenge alone.
    pub(super) challenged: ScopeSet,
    metadata: AuthorizationMetadata,
}

/// How requests to authorization servers are made.
#[derive(Clone)]
pub(super) struct Way {
    /// The issuer that the caller named: no other is asked, and it may be anywhere.
    pub(super) issuer: Option<String>,
    pub(super) dpop: Option<DpopKey>,
    pub(super) exchange_timeout: Duration,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            issuer: None,
            dpop: None,
            exchange_timeout: oauth::EXCHANGE_TIMEOUT,
        }
    }
}

impl Way {
    /// An HTTP client for the authorization servers of this MCP server.
    pub(super) fn http(&self, server: &ProtectedServer) -> Result<OAuthHttp, TokenError> {
        let url = server_url(server)?;
        let issuer = self.issuer.as_deref().map(issuer_url).transpose()?;
        OAuthHttp::new(server, &url, issuer.as_ref(), self.exchange_timeout)
    }

    /// Finds the place by the server's challenge.
    ///
    /// # Errors
    /// [`TokenErrorKind::Unsafe`](crate::client::TokenErrorKind::Unsafe) where it is not the issuer
    /// that the caller named; as [`oauth::find`] besides.
    pub(super) async fn find(
        &self,
        server: &ProtectedServer,
        challenge: Option<&str>,
    ) -> Result<Place, TokenError> {
        let url = server_url(server)?;
        let http = Arc::new(self.http(server)?.for_machines());
        let found = oauth::find(&http, &url, challenge, self.exchange_timeout).await?;
        if let Some(wanted) = &self.issuer
            && *wanted != found.issuer
        {
            return Err(not_the_wanted_issuer(wanted, &found.issuer));
        }
        let asked_for = match found.challenged.is_empty() {
            true => found.listed,
            false => found.challenged.clone(),
        };
        Ok(Place {
            issuer: found.issuer,
            resource: found.resource.unwrap_or_else(|| server.url().to_owned()),
            // A machine renews its token in the way in which it got it.
            scopes: asked_for.without("offline_access"),
            challenged: found.challenged.without("offline_access"),
            metadata: found.metadata,
        })
    }
}

impl Place {
    pub(super) fn token_endpoint(&self) -> &str {
        &self.metadata.token_endpoint
    }

    /// A list of texts in its metadata; `None` where there is none.
    pub(super) fn list(&self, member: &str) -> Option<Vec<&str>> {
        let list = self.metadata.additional_fields.get(member)?.as_array()?;
        Some(list.iter().filter_map(serde_json::Value::as_str).collect())
    }
}
