//! The request for new tokens (RFC 6749 §6, RFC 8707 §2.2, RFC 9449 §5).

use std::time::{Duration, SystemTime};

use reqwest::{RequestBuilder, Response, header, redirect};
use url::{
    Url,
    form_urlencoded::{Serializer, byte_serialize},
};
use zeroize::Zeroizing;

use super::{
    super::{
        super::{DpopKey, HttpSettings, TokenError, TokenErrorKind},
        Login,
    },
    answer::{self, Outcome},
};
use crate::ResourceUrl;

/// From the first packet to the last byte of the answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// In bytes; real answers are a few kilobytes.
const MOST_BODY: usize = 256 * 1024;

/// Presents the refresh token, once, at the token endpoint that this very login came from.
pub(super) async fn refresh(login: &Login, settings: &HttpSettings) -> Result<Outcome, TokenError> {
    let key = dpop_key(login)?;
    let first = exchange(login, settings, key.as_ref()).await?;
    match first {
        // The proof was refused, so the token was not looked at.
        Outcome::WantsNonce if key.is_some() => {
            let second = exchange(login, settings, key.as_ref()).await?;
            Ok(match second {
                Outcome::WantsNonce => Outcome::Declined("use_dpop_nonce"),
                outcome => outcome,
            })
        }
        Outcome::WantsNonce => Ok(Outcome::Declined("use_dpop_nonce")),
        outcome => Ok(outcome),
    }
}

async fn exchange(
    login: &Login,
    settings: &HttpSettings,
    key: Option<&DpopKey>,
) -> Result<Outcome, TokenError> {
    let url = endpoint(login, login.token_endpoint())?;
    // A redirect of a request with a secret is not followed, wherever it leads.
    let client = settings.builder(&url).redirect(redirect::Policy::none());
    let client = client.build().map_err(|error| {
        misconfigured("no HTTP client could be made for renewing the login").with_cause(error)
    })?;
    let request = client
        .post(login.token_endpoint())
        .timeout(TIMEOUT)
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let mut form = form(login);
    let mut request = authenticated(request, login, &mut form)?;
    if let Some(key) = key {
        let nonce = key.nonce(login.token_endpoint());
        let proof = key.proof("POST", login.token_endpoint(), None, nonce.as_deref());
        let proof = proof.ok_or_else(|| misconfigured("no DPoP proof could be made"))?;
        request = request.header("DPoP", proof.as_str());
    }
    let asked = SystemTime::now();
    let sent = request.body(form.to_string()).send().await;
    let answered = match sent {
        Ok(response) => read(response, login, key).await,
        Err(error) => Err(error),
    };
    Ok(match answered {
        Ok((status, body)) => answer::read(status, &body, login, asked),
        Err(error) => Outcome::Unavailable(explain(&error).to_owned()),
    })
}

/// The parameters that every client sends.
fn form(login: &Login) -> Zeroizing<String> {
    let mut form = Serializer::new(String::with_capacity(4096));
    form.append_pair("grant_type", "refresh_token");
    form.append_pair(
        "refresh_token",
        login.expose_refresh_token().unwrap_or_default(),
    );
    form.append_pair("client_id", &login.key.client_id);
    // MCP requires it in every token request, byte for byte as the metadata wrote it.
    form.append_pair("resource", &login.key.resource);
    Zeroizing::new(form.finish())
}

/// Adds who the client is to a request, or to its form.
pub(super) fn authenticated(
    request: RequestBuilder,
    login: &Login,
    form: &mut Zeroizing<String>,
) -> Result<RequestBuilder, TokenError> {
    Ok(match authentication(login)? {
        Authentication::None => request,
        Authentication::Basic(secret) => {
            // RFC 6749 §2.3.1: both parts are form-encoded first.
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let (id, secret) = (
                encoded(&login.key.client_id),
                Zeroizing::new(encoded(secret)),
            );
            request.basic_auth(id, Some(&*secret))
        }
        Authentication::Post(secret) => {
            form.push_str("&client_secret=");
            form.extend(byte_serialize(secret.as_bytes()));
            request
        }
    })
}

enum Authentication<'a> {
    None,
    Basic(&'a str),
    Post(&'a str),
}

/// How the client shows who it is. Where nothing was agreed upon: RFC 7591 §2, `client_secret_basic`.
fn authentication(login: &Login) -> Result<Authentication<'_>, TokenError> {
    match (
        login.token_endpoint_auth_method(),
        login.expose_client_secret(),
    ) {
        (Some("none"), _) | (None, None) => Ok(Authentication::None),
        (None | Some("client_secret_basic"), Some(secret)) => Ok(Authentication::Basic(secret)),
        (Some("client_secret_post"), Some(secret)) => Ok(Authentication::Post(secret)),
        (Some("client_secret_basic" | "client_secret_post"), None) => Err(misconfigured(
            "the login has no client secret, so it cannot be renewed",
        )),
        (Some(_), _) => Err(misconfigured(
            "the login cannot be renewed with the client authentication that it was made with",
        )),
    }
}

fn dpop_key(login: &Login) -> Result<Option<DpopKey>, TokenError> {
    let key = login.expose_dpop_key().map(DpopKey::from_pem).transpose();
    key.map_err(|error| misconfigured("the DPoP key of the login cannot be read").with_cause(error))
}

/// The endpoint, where a secret may go there: over https, or on this machine where the issuer is.
pub(super) fn endpoint(login: &Login, text: &str) -> Result<Url, TokenError> {
    let parse = ResourceUrl::parse_server;
    let endpoint = parse(text);
    let endpoint = endpoint.map_err(|error| unsafe_endpoint().with_cause(error))?;
    let issuer_is_here = parse(&login.key.issuer).is_ok_and(|issuer| issuer.is_loopback());
    let url = Url::parse(text).ok();
    let safe = endpoint.scheme() == "https" || (endpoint.is_loopback() && issuer_is_here);
    url.filter(|_| safe).ok_or_else(unsafe_endpoint)
}

/// The status and the body. A redirect is an answer like others: nothing follows it.
async fn read(
    mut response: Response,
    login: &Login,
    key: Option<&DpopKey>,
) -> Result<(u16, Zeroizing<Vec<u8>>), reqwest::Error> {
    let nonce = response.headers().get("DPoP-Nonce");
    if let (Some(key), Some(nonce)) = (key, nonce.and_then(|nonce| nonce.to_str().ok())) {
        key.remember_nonce(login.token_endpoint(), nonce);
    }
    let mut body = Zeroizing::new(Vec::with_capacity(16 * 1024));
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BODY {
            // As an answer that nobody understands.
            body.clear();
            break;
        }
    }
    Ok((response.status().as_u16(), body))
}

/// Which part of the way failed; the error itself may name URLs and proxies.
pub(super) fn explain(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "it cannot be reached"
    } else {
        "the connection to it broke"
    }
}

fn misconfigured(message: &str) -> TokenError {
    TokenError::new(TokenErrorKind::Misconfigured, message)
}

fn unsafe_endpoint() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        "nothing was sent to the issuer of the login: its endpoint is neither https nor on this machine",
    )
}
