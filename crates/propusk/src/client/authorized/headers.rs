//! What the headers of an answer say.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::retry_after;
use crate::{Challenge, client::OutgoingToken};

/// The longest `WWW-Authenticate` that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// All challenges of an answer as one text: a server may send several headers, or several challenges
/// in one (RFC 9110 §11.6.1). Bytes that are not UTF-8 are Latin-1, which headers once were;
/// characters that could steer a terminal are replaced.
pub(super) fn challenges(headers: &HeaderMap) -> Option<String> {
    let mut joined = String::new();
    for value in headers.get_all(WWW_AUTHENTICATE) {
        let text = text(value);
        if joined.len() + text.len() > LONGEST {
            break;
        }
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(&text);
    }
    headers.contains_key(WWW_AUTHENTICATE).then_some(joined)
}

fn text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    let steers = |c: char| c.is_control() && c != '\t';
    text.replace(steers, "\u{fffd}")
}

/// The challenge that this client answers: of the scheme that its token went out under, else
/// `Bearer`, else `DPoP`.
pub(in crate::client) fn challenge(
    header: &str,
    sent: Option<&OutgoingToken>,
) -> Option<Challenge> {
    let bearer = || Challenge::parse_bearer(header);
    let dpop = || Challenge::parse_dpop(header);
    if sent.is_some_and(OutgoingToken::is_bound_to_key) {
        dpop().or_else(bearer)
    } else {
        bearer().or_else(dpop)
    }
}

/// The nonce for the next proof (RFC 9449 §8.1).
pub(super) fn dpop_nonce(headers: &HeaderMap) -> Option<&str> {
    headers.get("dpop-nonce")?.to_str().ok()
}

/// How long the server asks to wait.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    retry_after::parse(text, SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BearerToken;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value).expect("a header");
            headers.append(WWW_AUTHENTICATE, value);
        }
        headers
    }

    #[test]
    fn rfc9110_11_6_1_several_challenges_in_one_header_or_in_several() {
        let long = [b'x'; LONGEST + 1];
        #[rustfmt::skip]
        let table: &[(&[&[u8]], Option<&str>)] = &[
            (&[], None),
            (&[b""], Some("")),
            (&[b"Bearer realm=\"a\""], Some("Bearer realm=\"a\"")),
            (&[b"Basic realm=\"a\"", b"Bearer error=\"invalid_token\""],
             Some("Basic realm=\"a\", Bearer error=\"invalid_token\"")),
            (&["Bearer realm=\"ключ\"".as_bytes()], Some("Bearer realm=\"ключ\"")),
            (&[b"Bearer realm=\"caf\xe9\""], Some("Bearer realm=\"café\"")),
            // 9B is what begins an escape sequence of a terminal, in Latin-1 and as UTF-8.
            (&[b"Bearer realm=\"\x9b2J\xff\""], Some("Bearer realm=\"\u{fffd}2Jÿ\"")),
            (&[b"Bearer realm=\"\xc2\x9b2J\""], Some("Bearer realm=\"\u{fffd}2J\"")),
            (&[b"Bearer", &long], Some("Bearer")),
        ];
        for (values, expected) in table {
            assert_eq!(challenges(&headers(values)).as_deref(), *expected);
        }
    }

    #[test]
    fn the_challenge_is_that_of_the_scheme_that_was_used() {
        let token = BearerToken::parse("x").expect("a token");
        let plain = OutgoingToken::new(token).bound_to_key(false);
        let bound = plain.clone().bound_to_key(true);
        let both = "DPoP error=\"a\", Basic realm=\"x\", Bearer error=\"b\"";
        for (header, sent, expected) in [
            (both, None, Some("b")),
            (both, Some(&plain), Some("b")),
            (both, Some(&bound), Some("a")),
            ("DPoP error=\"a\"", Some(&plain), Some("a")),
            ("Bearer error=\"b\"", Some(&bound), Some("b")),
            ("Basic realm=\"x\"", None, None),
            ("", None, None),
        ] {
            let found = challenge(header, sent);
            let error = found.as_ref().and_then(Challenge::error);
            assert_eq!(error, expected, "{header} {sent:?}");
        }
    }
}
