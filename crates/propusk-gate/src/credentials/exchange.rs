//! One exchange of a caller's token for another one (RFC 8693 §2.1), for an access token or for an
//! assertion.

use propusk::{
    BearerToken, Scope, ScopeSet,
    client::{IssuedToken, TokenEndpoint},
};

use super::{CredentialsError, CredentialsErrorKind, grant};

/// RFC 8693 §3.
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
pub(super) const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// What is asked for.
pub(super) struct Exchange<'a> {
    pub(super) subject_token: &'a str,
    pub(super) subject_token_type: &'a str,
    pub(super) requested_token_type: &'static str,
    pub(super) resource: Option<&'a str>,
    pub(super) audience: Option<&'a str>,
    pub(super) scopes: &'a ScopeSet,
}

impl Exchange<'_> {
    pub(super) async fn at(
        &self,
        endpoint: &TokenEndpoint,
    ) -> Result<IssuedToken, CredentialsError> {
        let scopes: Vec<_> = self.scopes.iter().map(Scope::as_str).collect();
        let scopes = scopes.join(" ");
        let mut parameters = vec![
            ("grant_type", TOKEN_EXCHANGE),
            ("subject_token", self.subject_token),
            ("subject_token_type", self.subject_token_type),
            ("requested_token_type", self.requested_token_type),
        ];
        for (name, value) in [("resource", self.resource), ("audience", self.audience)] {
            parameters.extend(value.map(|value| (name, value)));
        }
        if !scopes.is_empty() {
            parameters.push(("scope", &scopes));
        }
        let issued = endpoint.ask(&parameters).await;
        let issued = issued.map_err(|refused| grant::about_the_caller(&refused))?;
        checked(issued, self.requested_token_type, self.subject_token)
    }
}

/// What was issued is what was asked for (a server that does not say so means it), and is not the
/// caller's own token, which must not go upstream in whatever way.
pub(super) fn checked(
    issued: IssuedToken,
    wanted: &str,
    callers: &str,
) -> Result<IssuedToken, CredentialsError> {
    let misconfigured = |text| CredentialsError::new(CredentialsErrorKind::Misconfigured, text);
    let is_wanted = |kind: &str| kind == wanted || (kind == JWT && wanted == ACCESS_TOKEN);
    if !issued.kind.as_deref().is_none_or(is_wanted) {
        return Err(misconfigured(
            "what was issued is another kind of token than was asked for",
        ));
    }
    let same = BearerToken::parse(callers).is_ok_and(|callers| callers == issued.secret);
    if same {
        return Err(misconfigured(
            "the caller's own token came back instead of another one",
        ));
    }
    Ok(issued)
}
