//! What a token endpoint answers (RFC 6749 §5), in words for whoever asked: rmcp hands on whatever
//! came.

use std::time::SystemTime;

use reqwest::StatusCode;
use serde::Deserialize;

use super::posted::Posted;
use crate::client::{
    TokenError, TokenErrorKind,
    token_answer::{TokenAnswer, Unusable},
};

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

/// Reads the answer to a token request.
///
/// # Errors
/// [`TokenError`], with the server's own words where they are an OAuth error.
pub(in crate::client) fn token_in(
    posted: &Posted,
    now: SystemTime,
) -> Result<TokenAnswer, TokenError> {
    TokenAnswer::parse(success(posted)?, now).map_err(unused)
}

/// Reads the answer to an exchange of tokens (RFC 8693 §2.2.1), with what it says to have issued. That
/// may be no access token.
///
/// # Errors
/// As [`token_in`].
pub(in crate::client) fn exchanged_in(
    posted: &Posted,
    now: SystemTime,
) -> Result<(TokenAnswer, Option<String>), TokenError> {
    TokenAnswer::parse_exchanged(success(posted)?, now).map_err(unused)
}

fn success(posted: &Posted) -> Result<&[u8], TokenError> {
    if posted.status != StatusCode::OK {
        return Err(refused(posted, "the token endpoint"));
    }
    Ok(&posted.body)
}

fn unused(why: Unusable) -> TokenError {
    match why {
        Unusable::NoTokenAnswer => unusable("it is no token answer"),
        Unusable::NotForAHeader => unusable("its token cannot go into a header"),
        Unusable::UnknownType => unknown_kind(),
    }
}

/// The code of an OAuth error (RFC 6749 §5.2), where an answer is one.
pub(in crate::client) fn error_code(posted: &Posted) -> Option<String> {
    if posted.status.is_success() {
        return None;
    }
    let said = serde_json::from_slice::<Refusal>(&posted.body).ok()?;
    (said.error.len() <= 60 && !posted.repeats_secret(&said.error)).then_some(said.error)
}

/// What an answer that is no success says, as an error.
pub(super) fn refused(posted: &Posted, who: &str) -> TokenError {
    let status = posted.status.as_u16();
    if posted.status.is_redirection() {
        return TokenError::new(
            TokenErrorKind::Unsafe,
            format!(
                "{who} redirects (HTTP {status}); codes and secrets do not follow; tell whoever runs \
                 the authorization server"
            ),
        );
    }
    let said = serde_json::from_slice::<Refusal>(&posted.body).ok();
    let temporary = posted.status.is_server_error() || status == 429 || status == 408;
    match said {
        Some(Refusal {
            error,
            error_description,
        }) => {
            let description = error_description.filter(|text| !posted.repeats_secret(text));
            let error = if posted.repeats_secret(&error) {
                "no reason"
            } else {
                &error
            };
            declined(who, error, description.as_deref())
        }
        None if temporary => TokenError::new(
            TokenErrorKind::Unavailable,
            format!("{who} failed (HTTP {status}); try again later"),
        ),
        None => TokenError::new(
            TokenErrorKind::Declined,
            format!("{who} refused (HTTP {status}) and did not say why"),
        ),
    }
}

/// An OAuth error (RFC 6749 §4.1.2.1, §5.2) in the server's words.
pub(in crate::client) fn declined(who: &str, error: &str, description: Option<&str>) -> TokenError {
    let kind = match error {
        "server_error" | "temporarily_unavailable" => TokenErrorKind::Unavailable,
        _ => TokenErrorKind::Declined,
    };
    let mut text = format!("{who} declined: {}", quoted(error, 60));
    if let Some(description) = description.filter(|text| !text.trim().is_empty()) {
        text.push_str(": ");
        text.push_str(&quoted(description, 200));
    }
    TokenError::new(kind, text)
}

/// A stranger's words for a terminal or a log: plain ASCII and not too many of it (RFC 6749 §5.2
/// allows no more), so that they can neither move the cursor nor fill the screen.
pub(in crate::client) fn quoted(text: &str, most: usize) -> String {
    let plain = |c: char| c == ' ' || c.is_ascii_graphic();
    let mut shown: String = text
        .chars()
        .take(most)
        .map(|c| if plain(c) { c } else { '?' })
        .collect();
    if text.chars().nth(most).is_some() {
        shown.push_str("...");
    }
    shown
}

fn unusable(why: &str) -> TokenError {
    TokenError::new(
        TokenErrorKind::Unavailable,
        format!("the answer of the token endpoint cannot be used: {why}; try again later"),
    )
}

fn unknown_kind() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        "the authorization server issued a token that is neither of type Bearer nor DPoP, so it is \
         not used; check the client's registration",
    )
}
