//! The answer to a request that carried secrets, and whether it repeats one.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{StatusCode, header::AUTHORIZATION};
use zeroize::Zeroizing;

use super::http::Answer;

/// The answer to the last POST. It may contain tokens.
#[derive(Clone)]
pub(in crate::client) struct Posted {
    pub(in crate::client) status: StatusCode,
    pub(in crate::client) body: Zeroizing<Vec<u8>>,
    secrets: Vec<Zeroizing<String>>,
}

impl Posted {
    /// The answer to a request with these [`secrets`].
    pub(super) fn new(answer: &Answer, secrets: Vec<Zeroizing<String>>) -> Self {
        Self {
            status: answer.status(),
            body: Zeroizing::new(answer.body().clone()),
            secrets,
        }
    }

    /// Whether a text of the answer repeats a secret of the request, so that it is not shown.
    pub(super) fn repeats_secret(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| text.contains(&***secret))
    }
}

/// The secrets of a token request: of its form, and of its header.
pub(super) fn secrets(request: &reqwest::Request) -> Vec<Zeroizing<String>> {
    const PUBLIC: [&str; 9] = [
        "audience",
        "client_assertion_type",
        "client_id",
        "grant_type",
        "redirect_uri",
        "requested_token_type",
        "resource",
        "scope",
        "subject_token_type",
    ];
    let header = request.headers().get(AUTHORIZATION);
    let basic = header
        .and_then(|value| value.as_bytes().strip_prefix(b"Basic "))
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|pair| String::from_utf8(pair).ok());
    let basic = basic
        .as_deref()
        .and_then(|pair| Some(pair.split_once(':')?.1));
    let form = request.body().and_then(|body| body.as_bytes());
    let form = url::form_urlencoded::parse(form.unwrap_or_default())
        .filter(|(name, _)| !PUBLIC.contains(&&**name))
        .map(|(_, value)| value.into_owned());
    // RFC 6749 §2.3.1: the secret is form-encoded inside the header.
    let basic = basic.map(|secret| {
        let pair = format!("secret={secret}");
        let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
        decoded
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    });
    form.chain(basic)
        .filter(|value| !value.is_empty())
        .map(Zeroizing::new)
        .collect()
}
