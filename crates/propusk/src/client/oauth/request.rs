//! The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2): rmcp makes it.

use rmcp::transport::auth::OAuthClientConfig;
use url::Url;

use super::{
    AuthorizationUrl, discovery::Discovered, http::OAuthHttp, registration::ClientIdentity,
};
use crate::{
    Scope, ScopeSet,
    client::{TokenError, TokenErrorKind},
};

/// The longest address that is handed to a browser, in bytes; most take at least that.
const LONGEST: usize = 16 * 1024;

/// An authorization request as it goes to the browser.
pub(super) struct Asked {
    pub(super) url: AuthorizationUrl,
    pub(super) state: String,
    pub(super) resource: String,
}

/// Has rmcp make the authorization request.
pub(super) async fn ask(
    found: &mut Discovered,
    http: &OAuthHttp,
    client: &ClientIdentity,
    redirect_uri: &str,
    scopes: &ScopeSet,
) -> Result<Asked, TokenError> {
    let method = client.authentication(found);
    let mut metadata = found.metadata.clone();
    // rmcp chooses the method by what is offered; it was chosen already.
    let offered = serde_json::json!([method]);
    let member = "token_endpoint_auth_methods_supported".to_owned();
    metadata.additional_fields.insert(member, offered);
    found.manager.set_metadata(metadata);
    let mut config = OAuthClientConfig::new(&*client.id, redirect_uri);
    if let Some(secret) = client.secret.as_ref().filter(|_| method != "none") {
        config = config.with_client_secret(&**secret);
    }
    let configured = found.manager.configure_client(config);
    configured.map_err(|_| unusable_request("its endpoints are no URLs"))?;
    let scopes: Vec<_> = scopes.iter().map(Scope::as_str).collect();
    let url = found.manager.get_authorization_url(&scopes).await;
    let url = url.map_err(|_| unusable_request("it does not offer the response type code"))?;
    asked(http, &url)
}

/// Reads the request that rmcp made: state and resource are among its parameters.
fn asked(http: &OAuthHttp, text: &str) -> Result<Asked, TokenError> {
    if text.len() > LONGEST {
        return Err(unusable_request(
            "the page to sign in at has too long an address",
        ));
    }
    let url = Url::parse(text).map_err(|_| unusable_request("its endpoints are no URLs"))?;
    http.check(&url)
        .map_err(|_| unusable_request("its authorization endpoint is not a place to go to"))?;
    let only = |name: &str| {
        let mut values = url.query_pairs().filter(|(own, _)| own == name);
        let value = values.next().map(|(_, value)| value.into_owned());
        value.filter(|_| values.next().is_none())
    };
    let twice = || unusable_request("its authorization endpoint has parameters of its own");
    for name in [
        "client_id",
        "redirect_uri",
        "code_challenge",
        "response_type",
    ] {
        only(name).ok_or_else(twice)?;
    }
    Ok(Asked {
        state: only("state").ok_or_else(twice)?,
        resource: only("resource").ok_or_else(twice)?,
        url: AuthorizationUrl::new(url.into()),
    })
}

fn unusable_request(why: &str) -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        format!("the authorization server's metadata cannot be used: {why}; tell whoever runs it"),
    )
}
