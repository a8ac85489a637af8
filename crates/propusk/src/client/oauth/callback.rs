//! What came back through the browser: the authorization response (RFC 6749 §4.1.2), of which
//! nothing is believed before its `state` (§10.12) and its `iss` (RFC 9207 §2.4) are right.

use std::borrow::Cow;

use subtle::ConstantTimeEq;
use url::Url;
use zeroize::Zeroizing;

use super::answer::declined;
use crate::client::{TokenError, TokenErrorKind};

/// What an authorization response must say to be the answer to our request.
pub(super) struct Expected<'a> {
    pub(super) redirect_uri: &'a str,
    pub(super) state: &'a str,
    /// Compared byte for byte: nothing is normalised.
    pub(super) issuer: &'a str,
    /// Whether the issuer advertises that it always says `iss`.
    pub(super) says_issuer: bool,
}

/// A successful response. The code is a secret.
pub(super) struct Callback {
    pub(super) code: Zeroizing<String>,
    pub(super) issuer: Option<String>,
}

impl Expected<'_> {
    /// Reads the URL that the browser was sent to.
    ///
    /// # Errors
    /// [`TokenErrorKind::Unsafe`] where it is not the answer of this issuer to this request; what it
    /// says besides is then not repeated. [`TokenErrorKind::Declined`] where it is, and says no.
    pub(super) fn read(&self, redirect: &str) -> Result<Callback, TokenError> {
        let url = Url::parse(redirect.trim()).map_err(|_| not_the_address())?;
        let before_query = url.as_str().split(['?', '#']).next();
        if before_query != Some(self.redirect_uri) {
            return Err(not_the_address());
        }
        let only = |name| only(&url, name);
        let state = only("state")?.ok_or_else(wrong_state)?;
        if !bool::from(state.as_bytes().ct_eq(self.state.as_bytes())) {
            return Err(wrong_state());
        }
        let issuer = only("iss")?;
        match issuer.as_deref() {
            Some(issuer) if issuer != self.issuer => return Err(wrong_issuer()),
            None if self.says_issuer => return Err(missing_issuer()),
            _ => {}
        }
        if let Some(error) = only("error")? {
            let description = only("error_description")?;
            let who = "the authorization server";
            return Err(declined(who, &error, description.as_deref()));
        }
        let code = only("code")?.filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| {
            TokenError::new(
                TokenErrorKind::Declined,
                "the authorization server sent the browser back without a code; sign in again",
            )
        })?;
        Ok(Callback {
            code: Zeroizing::new(code.into_owned()),
            issuer: issuer.map(Cow::into_owned),
        })
    }
}

/// The only value of a parameter (RFC 6749 §3.1: not more than once).
fn only<'a>(url: &'a Url, name: &str) -> Result<Option<Cow<'a, str>>, TokenError> {
    let mut values = url.query_pairs().filter(|(own, _)| own == name);
    let value = values.next().map(|(_, value)| value);
    match values.next() {
        Some(_) => Err(suspicious("it says one thing twice")),
        None => Ok(value),
    }
}

fn suspicious(why: &str) -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        format!(
            "what the browser brought back is not used: {why}; sign in again, and do not follow \
             links that others send you meanwhile"
        ),
    )
}

fn wrong_state() -> TokenError {
    suspicious("it does not belong to this sign-in (state)")
}

fn wrong_issuer() -> TokenError {
    suspicious("it comes from another authorization server than was asked (RFC 9207 iss)")
}

fn missing_issuer() -> TokenError {
    suspicious("it does not say which authorization server it comes from (RFC 9207 iss)")
}

fn not_the_address() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        "this is not the address that the browser is sent to at the end of this sign-in; copy the \
         whole address from the browser's address bar",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.example";

    fn read(says_issuer: bool, redirect: &str) -> Result<Callback, TokenError> {
        let expected = Expected {
            redirect_uri: "http://127.0.0.1:9/callback",
            state: "right",
            issuer: ISSUER,
            says_issuer,
        };
        expected.read(redirect)
    }

    #[test]
    fn an_answer_counts_when_state_and_issuer_are_right() {
        for (says_issuer, query) in [
            (false, "code=c&state=right"),
            (false, "code=c&state=right&iss=https%3A%2F%2Flogin.example"),
            (true, "code=c&state=right&iss=https://login.example&more=1"),
        ] {
            let redirect = format!(" http://127.0.0.1:9/callback?{query}\n");
            let callback = read(says_issuer, &redirect).unwrap_or_else(|error| {
                panic!("{query}: {error}");
            });
            assert_eq!(&*callback.code, "c", "{query}");
        }
    }

    /// RFC 9207 §2.4 and RFC 6749 §10.12; MCP 2026-07-28, authorization response validation: the
    /// issuer is compared as text, and an error of somebody else is neither acted on nor shown.
    #[test]
    fn rfc9207_2_4_nothing_is_believed_before_state_and_issuer() {
        for (says_issuer, redirect) in [
            (false, "http://127.0.0.1:9/callback?code=c"),
            (false, "http://127.0.0.1:9/callback?code=c&state="),
            (false, "http://127.0.0.1:9/callback?code=c&state=wrong"),
            (
                false,
                "http://127.0.0.1:9/callback?code=c&state=right&state=right",
            ),
            (
                false,
                "http://127.0.0.1:9/callback?code=c&code=d&state=right",
            ),
            (
                false,
                "http://127.0.0.1:9/callback?error=access_denied_by_evil",
            ),
            (
                false,
                "http://127.0.0.1:9/callback?state=wrong&error=by_evil",
            ),
            (true, "http://127.0.0.1:9/callback?code=c&state=right"),
            (
                true,
                "http://127.0.0.1:9/callback?error=by_evil&state=right",
            ),
            (
                false,
                "http://127.0.0.1:9/callback?state=right&error=by_evil&iss=https://evil.example",
            ),
            (false, "http://127.0.0.1:9/callback?code=c&state=right&iss="),
            (
                false,
                "http://127.0.0.1:9/callback?code=c&state=right&iss=https://login.example/",
            ),
            (
                false,
                "http://127.0.0.1:9/callback?code=c&state=right&iss=https://LOGIN.example",
            ),
            (
                false,
                "http://127.0.0.1:9/callback?code=c&state=right&iss=https://login.example:443",
            ),
            (
                false,
                "http://127.0.0.1:9/callback?code=c&state=right&iss=https%3A%2F%2Flogin%252eexample",
            ),
            (
                false,
                "http://127.0.0.1:9/callback?code=c&state=right&iss=https://login.example&iss=x",
            ),
            (false, "http://127.0.0.1:9/other?code=c&state=right"),
            (false, "http://127.0.0.1:8/callback?code=c&state=right"),
            (false, "https://127.0.0.1:9/callback?code=c&state=right"),
            (false, "http://evil@127.0.0.1:9/callback?code=c&state=right"),
            (false, "http://127.0.0.1:9/callback#code=c&state=right"),
            (false, "code=c&state=right"),
            (false, ""),
        ] {
            let error = read(says_issuer, redirect).err();
            let error = error.unwrap_or_else(|| panic!("believed {redirect}"));
            assert_eq!(error.kind(), TokenErrorKind::Unsafe, "{redirect}");
            assert!(!format!("{error} {error:?}").contains("evil"), "{error}");
        }
    }

    #[test]
    fn a_refusal_of_the_right_issuer_is_told_in_its_words_made_harmless() {
        for (query, kind, words) in [
            (
                "error=access_denied&error_description=The+user+said+no",
                TokenErrorKind::Declined,
                "access_denied: The user said no",
            ),
            (
                "error=temporarily_unavailable",
                TokenErrorKind::Unavailable,
                "temporarily_unavailable",
            ),
            (
                "error=a%1B%5B2Jb&error_description=%0D%0Ac%E2%80%AEd&code=hunter2",
                TokenErrorKind::Declined,
                "a?[2Jb: ??c?d",
            ),
            ("", TokenErrorKind::Declined, "without a code"),
        ] {
            let redirect = format!("http://127.0.0.1:9/callback?state=right&{query}");
            let error = read(false, &redirect).err().expect(query);
            assert_eq!(error.kind(), kind, "{query}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
