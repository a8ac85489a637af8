//! What a failed exchange means for a user.

use super::http::{Failure, OAuthHttp};
use crate::{
    client::{TokenError, TokenErrorKind},
    fetch::FetchError,
};

/// An exchange that did not come about or was cut short.
pub(in crate::client) fn of_exchange(failure: &Failure, doing: &str) -> TokenError {
    let (kind, way_out) = match failure {
        Failure::Fetch(FetchError::Forbidden(..)) => (
            TokenErrorKind::Unsafe,
            "if it is yours, name the authorization server yourself with --issuer",
        ),
        Failure::Fetch(FetchError::Redirected | FetchError::TooLarge(_)) | Failure::TooMany => {
            (TokenErrorKind::Unsafe, "tell whoever runs the server")
        }
        Failure::Fetch(_) => (TokenErrorKind::Unavailable, "try again later"),
        Failure::Request => (
            TokenErrorKind::Misconfigured,
            "tell whoever runs the server",
        ),
    };
    TokenError::new(kind, format!("{doing} failed: {failure}; {way_out}"))
}

/// What went wrong with a POST that rmcp gave up on.
pub(super) fn of_post(http: &OAuthHttp, who: &str, doing: &str) -> Option<TokenError> {
    // A redirect of a POST is a failure and an answer; the answer says more.
    if let Some(posted) = http.take_posted()
        && !posted.status.is_success()
    {
        return Some(super::answer::refused(&posted, who));
    }
    let failure = http.take_failure()?;
    Some(of_exchange(&failure, doing))
}
