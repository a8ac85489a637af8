//! What a token endpoint answers (RFC 6749 §5), read strictly: rmcp hands on whatever came.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::http::Posted;
use crate::{
    BearerToken, ScopeSet,
    client::{TokenError, TokenErrorKind},
};

/// Nobody means more than this; a token that claims to is good for this long.
const LONGEST_LIFETIME: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// A successful answer (RFC 6749 §5.1).
pub(in crate::client) struct TokenAnswer {
    pub(in crate::client) access_token: BearerToken,
    /// `token_type=DPoP`, RFC 9449 §5.
    pub(in crate::client) bound: bool,
    pub(in crate::client) expires_at: Option<SystemTime>,
    pub(in crate::client) refresh_token: Option<Zeroizing<String>>,
    /// `None`: what was asked for.
    pub(in crate::client) scopes: Option<ScopeSet>,
}

#[derive(Deserialize)]
struct Success {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
    refresh_token: Option<String>,
    scope: Option<String>,
    /// RFC 8693 §2.2.1.
    issued_token_type: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

impl TokenAnswer {
    /// Reads the answer to a token request.
    ///
    /// # Errors
    /// [`TokenError`], with the server's own words where they are an OAuth error.
    pub(in crate::client) fn read(posted: &Posted, now: SystemTime) -> Result<Self, TokenError> {
        let success = Success::read(posted)?;
        Self::of(success, now, false)
    }

    /// Reads the answer to an exchange of tokens (RFC 8693 §2.2.1), with what it says to have issued.
    /// That may be no access token; its type is then `N_A`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(in crate::client) fn read_any(
        posted: &Posted,
        now: SystemTime,
    ) -> Result<(Self, Option<String>), TokenError> {
        let mut success = Success::read(posted)?;
        let kind = success.issued_token_type.take();
        let other = kind
            .as_deref()
            .is_some_and(|kind| kind != "urn:ietf:params:oauth:token-type:access_token");
        Ok((Self::of(success, now, other)?, kind))
    }

    fn of(success: Success, now: SystemTime, other: bool) -> Result<Self, TokenError> {
        let refresh_token = success.refresh_token.filter(|text| !text.is_empty());
        let (access_token, refresh_token) = (
            Zeroizing::new(success.access_token),
            refresh_token.map(Zeroizing::new),
        );
        let bound = match &success.token_type {
            kind if kind.eq_ignore_ascii_case("bearer") => false,
            kind if kind.eq_ignore_ascii_case("dpop") => true,
            kind if other && kind.eq_ignore_ascii_case("n_a") => false,
            // RFC 6749 §7.1: a token of a kind that is not understood MUST NOT be used.
            _ => return Err(unknown_kind()),
        };
        let access_token = BearerToken::parse_b64token(&access_token)
            .map_err(|_| unusable("its token cannot go into a header"))?;
        let lifetime = success.expires_in.map(Duration::from_secs);
        let expires_at = lifetime.map(|lifetime| now + lifetime.min(LONGEST_LIFETIME));
        let scopes = success.scope.as_deref().map(ScopeSet::from_claim);
        Ok(Self {
            access_token,
            bound,
            expires_at,
            refresh_token,
            scopes,
        })
    }
}

impl Success {
    fn read(posted: &Posted) -> Result<Self, TokenError> {
        if posted.status != StatusCode::OK {
            return Err(refused(posted, "the token endpoint"));
        }
        // The cause is left out: it may repeat what came.
        serde_json::from_slice(&posted.body).map_err(|_| unusable("it is no token answer"))
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
