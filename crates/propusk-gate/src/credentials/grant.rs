//! What the refusal of a token endpoint means for the request that waits.

use propusk::{
    AccessToken, BearerToken,
    client::{IssuedToken, NotIssued, TokenErrorKind},
};

use super::{CredentialsError, CredentialsErrorKind};

/// RFC 8693 §3.
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// RFC 8693 §2.1.
pub(super) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A refusal about the gate as a client. Whatever its code, no caller can do anything about it.
pub(super) fn about_the_gate(refused: &NotIssued) -> CredentialsError {
    let kind = match refused.error().kind() {
        TokenErrorKind::Unavailable => CredentialsErrorKind::Unavailable,
        _ => CredentialsErrorKind::Misconfigured,
    };
    CredentialsError::new(kind, refused.to_string())
}

/// A refusal where the caller's token was shown. RFC 8693 §2.2.2 says `invalid_request` for one that
/// is unacceptable for whatever reason, and most servers say `invalid_grant`.
///
/// That is 403 for the caller and not 401: its token was verified here, and another one of the same
/// kind would do no better.
pub(super) fn about_the_caller(refused: &NotIssued) -> CredentialsError {
    match refused.code() {
        Some("invalid_grant" | "invalid_request" | "access_denied") => {
            CredentialsError::new(CredentialsErrorKind::Forbidden, refused.to_string())
        }
        _ => about_the_gate(refused),
    }
}

/// The token of a caller, which may be shown to a token endpoint and to nobody else.
pub(super) fn token_of(
    caller: Option<&AccessToken>,
) -> Result<(&AccessToken, &str), CredentialsError> {
    let nobody = || {
        CredentialsError::new(
            CredentialsErrorKind::Anonymous,
            "tokens are exchanged for a caller, and this one has none",
        )
    };
    let caller = caller.ok_or_else(nobody)?;
    let text = caller.expose_token_text().ok_or_else(nobody)?;
    Ok((caller, text))
}

/// What was issued is of this kind (a server that does not say so means it), and is not the caller's
/// own token, which must not go upstream in whatever way.
pub(super) fn checked(
    issued: IssuedToken,
    kinds: &[&str],
    callers: &str,
) -> Result<IssuedToken, CredentialsError> {
    let misconfigured = |text| CredentialsError::new(CredentialsErrorKind::Misconfigured, text);
    if issued
        .kind
        .as_deref()
        .is_some_and(|kind| !kinds.contains(&kind))
    {
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
