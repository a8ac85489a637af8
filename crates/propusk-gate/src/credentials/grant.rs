//! What the refusal of a token endpoint means for the request that waits.

use propusk::client::{NotIssued, TokenErrorKind};

use super::{CredentialsError, CredentialsErrorKind};

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
