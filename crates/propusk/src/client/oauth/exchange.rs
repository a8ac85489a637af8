//! The code for the tokens (RFC 6749 §4.1.3): rmcp asks, the answer is read strictly.

use std::time::SystemTime;

use super::{
    answer::token_in, callback::Callback, discovery::Discovered, failure, http::OAuthHttp,
    request::Asked,
};
use crate::client::{DpopKey, TokenError, TokenErrorKind, token_answer::TokenAnswer};

/// Exchanges the code for tokens.
pub(super) async fn exchange(
    found: &Discovered,
    http: &OAuthHttp,
    asked: &Asked,
    callback: Callback,
    dpop: Option<&DpopKey>,
) -> Result<TokenAnswer, TokenError> {
    if let Some(key) = dpop {
        http.bind(&found.metadata.token_endpoint, key.clone());
    }
    let issuer = callback.issuer.as_deref();
    let exchanged = found
        .manager
        .exchange_code_for_token_with_issuer(&callback.code, &asked.state, issuer)
        .await;
    let posted = http.take_posted();
    let answer = match (posted, http.take_failure()) {
        (None, Some(failure)) => {
            return Err(failure::of_exchange(&failure, "asking for a token"));
        }
        (Some(posted), _) => token_in(&posted, SystemTime::now())?,
        (None, None) => return Err(no_answer()),
    };
    if exchanged.is_err() {
        return Err(no_answer());
    }
    if dpop.is_some() && !answer.bound {
        return Err(not_bound());
    }
    Ok(answer)
}

fn no_answer() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unavailable,
        "the answer of the token endpoint cannot be used; try again later",
    )
}

pub(in crate::client) fn not_bound() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        "the authorization server issued a token that is not bound to the DPoP key, so it is not used",
    )
}
