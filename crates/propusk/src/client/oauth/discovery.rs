//! Where a user of an MCP server signs in: rmcp's discovery (RFC 9728, RFC 8414, OpenID Connect), and
//! what it leaves out: `issuer` is the text that the server named, PKCE with S256 is advertised, the
//! endpoints are places that may be asked, and nothing is guessed. A server of 2025-03-26, which
//! publishes no metadata of its own but those of an authorization server at its origin, is accepted.

use std::{sync::Arc, time::Duration};

use rmcp::transport::auth::{
    AuthError, AuthorizationManager, AuthorizationMetadata, AuthorizationMetadataSource,
};
use serde::Deserialize;
use url::Url;

use super::{answer::quoted, failure, http::OAuthHttp};
use crate::{
    Scope, ScopeSet,
    client::{TokenError, TokenErrorKind, authorized},
};

/// How many exchanges' time discovery may take altogether.
const PATIENCE: u32 = 4;

/// What was found about a server.
pub(in crate::client) struct Discovered {
    /// rmcp's machine, which knows the same.
    pub(super) manager: AuthorizationManager,
    pub(in crate::client) metadata: AuthorizationMetadata,
    /// The issuer as its metadata wrote it.
    pub(in crate::client) issuer: String,
    /// The `resource` of the server's metadata, byte for byte.
    pub(in crate::client) resource: Option<String>,
    /// The scopes of the server's challenge.
    pub(in crate::client) challenged: ScopeSet,
    /// The scopes of the server's metadata.
    pub(in crate::client) listed: ScopeSet,
}

/// The members of RFC 9728 that count here; the same as rmcp reads.
#[derive(Deserialize)]
struct ResourceDocument {
    resource: Option<String>,
    authorization_server: Option<String>,
    authorization_servers: Option<Vec<String>>,
    scopes_supported: Option<Vec<String>>,
}

/// Finds the authorization server of the MCP server at `url`, where a user is to sign in.
pub(super) async fn discover(
    http: &Arc<OAuthHttp>,
    url: &Url,
    challenge: Option<&str>,
    exchange_timeout: Duration,
) -> Result<Discovered, TokenError> {
    let found = find(http, url, challenge, exchange_timeout).await?;
    check_response_types(&found.metadata)?;
    check_pkce(&found.metadata)?;
    Ok(found)
}

/// Finds the authorization server of the MCP server at `url`, whatever is wanted of it.
pub(in crate::client) async fn find(
    http: &Arc<OAuthHttp>,
    url: &Url,
    challenge: Option<&str>,
    exchange_timeout: Duration,
) -> Result<Discovered, TokenError> {
    let client = Arc::clone(http);
    let manager = AuthorizationManager::new_with_oauth_http_client(url.clone(), client).await;
    let mut manager = manager.map_err(|error| failed(http, &error))?;
    let resolving = manager.resolve_metadata_from_challenge(challenge);
    let resolved = tokio::time::timeout(exchange_timeout * PATIENCE, resolving).await;
    let resolved = resolved.map_err(|_| too_slow())?;
    let found = resolved.map_err(|error| failed(http, &error))?;

    let resource = resource_document(http);
    let metadata = found.metadata;
    let named = resource
        .as_ref()
        .and_then(|document| document.resource.as_deref());
    check_resource(url, named)?;
    let issuer = issuer(found.source, resource.as_ref(), &metadata)?;
    check_endpoints(http, &metadata)?;
    let challenge = challenge.and_then(|header| authorized::challenge(header, None));
    let challenged = challenge.and_then(|challenge| challenge.scope());
    let (resource, listed) = match resource {
        Some(document) => (document.resource, document.scopes_supported),
        None => (None, None),
    };
    let listed = listed.unwrap_or_default();
    let listed = listed.iter().filter_map(|scope| Scope::parse(scope).ok());
    manager.set_metadata(metadata.clone());
    Ok(Discovered {
        manager,
        metadata,
        issuer,
        resource,
        challenged: challenged.unwrap_or_default(),
        listed: listed.collect(),
    })
}

impl Discovered {
    /// A member of the metadata that is a text.
    pub(super) fn text(&self, member: &str) -> Option<&str> {
        self.metadata.additional_fields.get(member)?.as_str()
    }

    /// Whether a member of the metadata is `true`.
    pub(super) fn says(&self, member: &str) -> bool {
        let value = self.metadata.additional_fields.get(member);
        value.and_then(serde_json::Value::as_bool) == Some(true)
    }

    /// Whether the authorization server itself lists this scope.
    pub(super) fn lists_scope(&self, scope: &str) -> bool {
        let listed = self.metadata.scopes_supported.as_ref();
        listed.is_some_and(|scopes| scopes.iter().any(|own| own == scope))
    }
}

/// The metadata of the resource: rmcp uses the last one that it could read.
fn resource_document(http: &OAuthHttp) -> Option<ResourceDocument> {
    let documents = http.documents();
    let of_resource = documents.iter().rev().filter(|document| {
        let path = document.url.path();
        !path.contains("/.well-known/oauth-authorization-server")
            && !path.contains("/.well-known/openid-configuration")
    });
    of_resource
        .filter_map(|document| serde_json::from_slice::<ResourceDocument>(&document.body).ok())
        .find(|document| {
            document.resource.is_some()
                || document.authorization_server.is_some()
                || document.authorization_servers.is_some()
        })
}

/// RFC 9728 §3.3: the metadata are those of this server. rmcp looks at origin and path; a query or a
/// fragment that nobody asked at, or a path below ours, would be the audience of another one.
fn check_resource(url: &Url, named: Option<&str>) -> Result<(), TokenError> {
    let Some(text) = named else {
        return Ok(());
    };
    let path = |url: &Url| format!("{}/", url.path().trim_end_matches('/'));
    let fits = Url::parse(text).is_ok_and(|resource| {
        resource.fragment().is_none()
            && resource
                .query()
                .is_none_or(|query| url.query() == Some(query))
            && path(url).starts_with(&path(&resource))
    });
    if fits {
        return Ok(());
    }
    Err(TokenError::new(
        TokenErrorKind::Unsafe,
        format!(
            "the server's metadata name the resource {} and are not those of this server, so nobody \
             is asked to sign in; tell whoever runs it",
            quoted(text, 100)
        ),
    ))
}

/// The issuer, compared byte for byte with what the server named (RFC 8414 §3.3). rmcp lets a slash
/// pass, which is the difference between two issuers.
fn issuer(
    source: AuthorizationMetadataSource,
    resource: Option<&ResourceDocument>,
    metadata: &AuthorizationMetadata,
) -> Result<String, TokenError> {
    if !source.is_discovered() {
        return Err(TokenError::new(
            TokenErrorKind::Misconfigured,
            "the server does not say where to sign in (it publishes no metadata of RFC 9728); if it \
             takes tokens that are handed out, give one with --token",
        ));
    }
    let issuer = metadata.issuer.clone().ok_or_else(no_issuer)?;
    let named = resource.and_then(|document| document.authorization_servers.as_ref());
    let of_resource = source == AuthorizationMetadataSource::ProtectedResourceMetadata;
    if of_resource && !named.is_some_and(|named| named.contains(&issuer)) {
        return Err(other_issuer(&issuer));
    }
    if !of_resource && resource.is_some() {
        return Err(TokenError::new(
            TokenErrorKind::Unsafe,
            "the server's metadata describe another server or name no authorization server, so \
             nobody is asked to sign in; tell whoever runs the server",
        ));
    }
    Ok(issuer)
}

/// RFC 8414 §2: where the types are listed, `code` is among them.
fn check_response_types(metadata: &AuthorizationMetadata) -> Result<(), TokenError> {
    let types = metadata.response_types_supported.as_ref();
    if types.is_none_or(|types| types.iter().any(|kind| kind == "code")) {
        return Ok(());
    }
    Err(TokenError::new(
        TokenErrorKind::Misconfigured,
        "the authorization server signs nobody in with a code (response type code); use another \
         way to get a token",
    ))
}

/// MCP 2026-07-28, authorization code protection: without advertised S256, refuse.
fn check_pkce(metadata: &AuthorizationMetadata) -> Result<(), TokenError> {
    let methods = metadata.code_challenge_methods_supported.as_ref();
    if methods.is_some_and(|methods| methods.iter().any(|method| method == "S256")) {
        return Ok(());
    }
    Err(TokenError::new(
        TokenErrorKind::Unsafe,
        "the authorization server does not say that it protects codes (PKCE with S256), so no code \
         is asked of it; tell whoever runs it",
    ))
}

fn check_endpoints(http: &OAuthHttp, metadata: &AuthorizationMetadata) -> Result<(), TokenError> {
    let revocation = metadata.additional_fields.get("revocation_endpoint");
    let endpoints = [
        ("authorization", Some(&*metadata.authorization_endpoint)),
        ("token", Some(&*metadata.token_endpoint)),
        ("registration", metadata.registration_endpoint.as_deref()),
        ("revocation", revocation.and_then(serde_json::Value::as_str)),
    ];
    for (name, text) in endpoints {
        if let Some(text) = text {
            check_endpoint(http, name, text)?;
        }
    }
    Ok(())
}

fn check_endpoint(http: &OAuthHttp, name: &str, text: &str) -> Result<(), TokenError> {
    let why = match Url::parse(text) {
        Err(_) => "it is no URL".to_owned(),
        // RFC 6749 §3.1 and §3.2.
        Ok(url) if url.fragment().is_some() => "it has a fragment".to_owned(),
        Ok(url) => match http.check(&url) {
            Ok(()) => return Ok(()),
            Err(error) => error.to_string(),
        },
    };
    Err(TokenError::new(
        TokenErrorKind::Unsafe,
        format!(
            "the authorization server's {name} endpoint {} is not used: {why}; tell whoever runs it",
            quoted(text, 100)
        ),
    ))
}

/// What rmcp's discovery ended with, as ours.
fn failed(http: &OAuthHttp, error: &AuthError) -> TokenError {
    if let Some(failure) = http.take_failure() {
        return failure::of_exchange(&failure, "asking where to sign in");
    }
    match error {
        AuthError::AuthorizationServerMissingIssuer { .. } => no_issuer(),
        AuthError::AuthorizationServerMismatch {
            received_issuer, ..
        } => other_issuer(received_issuer),
        AuthError::ProtectedResourceMetadataInvalid { url, reason } => TokenError::new(
            TokenErrorKind::Unsafe,
            format!(
                "the metadata at {} are not those of this server, so nobody is asked to sign in: {}",
                quoted(url.as_str(), 100),
                quoted(&reason.to_string(), 200)
            ),
        ),
        AuthError::AuthorizationServersUnavailable {
            authorization_servers,
            ..
        } => unusable_servers(http, authorization_servers),
        _ => TokenError::new(
            TokenErrorKind::Unavailable,
            "the server did not answer the question where to sign in; try again later",
        ),
    }
}

fn unusable_servers(http: &OAuthHttp, named: &[String]) -> TokenError {
    let refused = named.iter().find_map(|text| {
        let url = Url::parse(text).ok()?;
        http.check(&url).err()
    });
    let shown = quoted(&named.join(", "), 200);
    match refused {
        Some(why) => TokenError::new(
            TokenErrorKind::Unsafe,
            format!(
                "the server names an authorization server that is not asked: {why}; if it is yours, \
                 name it yourself with --issuer"
            ),
        ),
        None => TokenError::new(
            TokenErrorKind::Unavailable,
            format!(
                "the authorization server {shown} publishes no usable metadata; try again later"
            ),
        ),
    }
}

fn other_issuer(issuer: &str) -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        format!(
            "the metadata of the authorization server are those of another issuer ({}) than the \
             server named, so it is not used (RFC 8414 section 3.3); tell whoever runs the server",
            quoted(issuer, 100)
        ),
    )
}

fn no_issuer() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        "the metadata of the authorization server do not name their issuer, so they are not used \
         (RFC 8414 section 3.3); tell whoever runs it",
    )
}

fn too_slow() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unavailable,
        "it takes too long to learn where to sign in; try again later",
    )
}
