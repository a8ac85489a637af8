//! Revoking a login at its issuer (RFC 7009).

use reqwest::{header, redirect};
use serde::Deserialize;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::{
    super::{
        super::{HttpSettings, TokenError, TokenErrorKind},
        Login,
    },
    request::{TIMEOUT, authenticated, endpoint, explain},
};

/// In bytes; the answer to a revocation is empty, or an error of a line.
const MOST_BODY: usize = 16 * 1024;

/// What an issuer did about a login that is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// All tokens of the login are revoked.
    Revoked,
    /// The login cannot be renewed any more. Its access token, of a kind that this issuer does not
    /// revoke (RFC 7009 §2.2.1, `unsupported_token_type`), stays valid until its end.
    UntilAccessTokenEnds,
    /// The issuer offers no revocation.
    NotOffered,
}

impl Login {
    /// Asks the issuer to revoke the tokens of this login: the refresh token first, since an issuer
    /// may revoke with it whatever came of it (RFC 7009 §2.1), then the access token.
    ///
    /// The login itself stays where it is kept. Whoever calls this holds its lock.
    ///
    /// # Errors
    /// [`TokenError`] where the issuer cannot be reached or declines; some of the tokens may be
    /// revoked by then.
    pub async fn revoke(&self, settings: &HttpSettings) -> Result<Revocation, TokenError> {
        let Some(place) = self.revocation_endpoint() else {
            return Ok(Revocation::NotOffered);
        };
        if let Some(token) = self.expose_refresh_token() {
            let revoked = revoke(self, place, token, "refresh_token", settings).await?;
            if !revoked {
                return Err(declined(self, "unsupported_token_type"));
            }
        }
        let token = self.access_token().expose_secret();
        Ok(
            match revoke(self, place, token, "access_token", settings).await? {
                true => Revocation::Revoked,
                false => Revocation::UntilAccessTokenEnds,
            },
        )
    }
}

/// Revokes one token. `false`: this issuer does not revoke tokens of this kind.
async fn revoke(
    login: &Login,
    place: &str,
    token: &str,
    hint: &str,
    settings: &HttpSettings,
) -> Result<bool, TokenError> {
    let url = endpoint(login, place)?;
    // A redirect of a request with a secret is not followed, wherever it leads.
    let client = settings.builder(&url).redirect(redirect::Policy::none());
    let client = client.build().map_err(|error| {
        let message = "no HTTP client could be made for revoking the login";
        TokenError::new(TokenErrorKind::Misconfigured, message).with_cause(error)
    })?;
    let mut form = Serializer::new(String::with_capacity(4096));
    form.append_pair("token", token);
    form.append_pair("token_type_hint", hint);
    form.append_pair("client_id", &login.key().client_id);
    let mut form = Zeroizing::new(form.finish());
    let request = client
        .post(place)
        .timeout(TIMEOUT)
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = authenticated(request, login, &mut form)?;
    let sent = request.body(form.to_string()).send().await;
    let mut response = sent.map_err(|error| unavailable(login, explain(&error)))?;
    let status = response.status();
    if status.is_success() {
        return Ok(true);
    }
    if !status.is_client_error() {
        return Err(unavailable(login, "its answer is none"));
    }
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BODY {
            break;
        }
    }
    match serde_json::from_slice::<Refused>(&body) {
        Ok(refused) if refused.error == "unsupported_token_type" => Ok(false),
        Ok(refused) => Err(declined(login, known(&refused.error))),
        Err(_) => Err(declined(login, status.as_str())),
    }
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

/// Codes of RFC 6749 §5.2 and RFC 7009 §2.2.1; what else an issuer says may repeat the request.
fn known(code: &str) -> &'static str {
    const CODES: [&str; 3] = ["invalid_client", "invalid_request", "unauthorized_client"];
    let found = CODES.into_iter().find(|known| *known == code);
    found.unwrap_or("an unknown error")
}

fn unavailable(login: &Login, why: &str) -> TokenError {
    let issuer = &login.key().issuer;
    let message = format!("{issuer} could not be asked to revoke the login: {why}");
    TokenError::new(TokenErrorKind::Unavailable, message)
}

fn declined(login: &Login, code: &str) -> TokenError {
    let issuer = &login.key().issuer;
    let message = format!("{issuer} does not revoke the login ({code})");
    TokenError::new(TokenErrorKind::Declined, message)
}
