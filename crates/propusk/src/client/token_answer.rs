//! The answer of a token endpoint that gives a token (RFC 6749 §5.1), read strictly.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{BearerToken, ScopeSet};

/// A token that claims to be good for longer than a year is renewed after one.
const LONGEST_LIFETIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// RFC 8693 §3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What was issued.
pub(super) struct TokenAnswer {
    pub(super) access_token: BearerToken,
    /// `token_type=DPoP`, RFC 9449 §5.
    pub(super) bound: bool,
    /// False where `token_type` is `N_A` (RFC 8693 §2.2.1): an assertion, say.
    pub(super) is_access_token: bool,
    pub(super) expires_at: Option<SystemTime>,
    pub(super) refresh_token: Option<Zeroizing<String>>,
    /// `None`: what was asked for.
    pub(super) scopes: Option<ScopeSet>,
}

/// Why an answer is not used. It repeats nothing of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    NoTokenAnswer,
    NotForAHeader,
    /// RFC 6749 §7.1: a token of a type that is not understood MUST NOT be used.
    UnknownType,
}

#[derive(Deserialize)]
struct Success {
    access_token: String,
    token_type: String,
    #[serde(default, deserialize_with = "lifetime")]
    expires_in: Option<Duration>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    /// RFC 8693 §2.2.1.
    #[serde(default)]
    issued_token_type: Option<String>,
}

impl TokenAnswer {
    /// Reads the body of an answer with status 200 to a request that was sent at `asked`.
    pub(super) fn parse(body: &[u8], asked: SystemTime) -> Result<Self, Unusable> {
        Self::of(read(body)?, asked, false)
    }

    /// The same for the answer to an exchange of tokens (RFC 8693 §2.2.1), with what it says to have
    /// issued. That may be no access token; its `token_type` may then be `N_A`.
    pub(super) fn parse_exchanged(
        body: &[u8],
        asked: SystemTime,
    ) -> Result<(Self, Option<String>), Unusable> {
        let mut success = read(body)?;
        let kind = success.issued_token_type.take();
        let is_other = kind.as_deref().is_some_and(|kind| kind != ACCESS_TOKEN);
        Ok((Self::of(success, asked, is_other)?, kind))
    }

    fn of(success: Success, asked: SystemTime, is_other: bool) -> Result<Self, Unusable> {
        let refresh_token = success.refresh_token.filter(|text| !text.is_empty());
        let (access_token, refresh_token) = (
            Zeroizing::new(success.access_token),
            refresh_token.map(Zeroizing::new),
        );
        let (bound, is_access_token) = match &success.token_type {
            kind if kind.eq_ignore_ascii_case("bearer") => (false, true),
            kind if kind.eq_ignore_ascii_case("dpop") => (true, true),
            kind if is_other && kind.eq_ignore_ascii_case("n_a") => (false, false),
            _ => return Err(Unusable::UnknownType),
        };
        let access_token =
            BearerToken::parse_b64token(&access_token).map_err(|_| Unusable::NotForAHeader)?;
        Ok(Self {
            access_token,
            bound,
            is_access_token,
            expires_at: success.expires_in.map(|lifetime| asked + lifetime),
            refresh_token,
            scopes: success.scope.as_deref().map(ScopeSet::from_claim),
        })
    }
}

fn read(body: &[u8]) -> Result<Success, Unusable> {
    // The cause is left out: it may repeat what came.
    serde_json::from_slice(body).map_err(|_| Unusable::NoTokenAnswer)
}

/// `expires_in` in seconds, also from those who write it as a text or a fraction. What cannot be a
/// lifetime (zero, negative) says nothing, and the token is used until it is refused.
fn lifetime<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let text = value.as_str().map(str::trim);
    let seconds = text.map_or(value.as_f64(), |text| text.parse().ok());
    let seconds = seconds.filter(|seconds: &f64| *seconds > 0.0);
    Ok(seconds.map(|seconds| {
        let lifetime = Duration::try_from_secs_f64(seconds);
        lifetime.map_or(LONGEST_LIFETIME, |found| found.min(LONGEST_LIFETIME))
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(answer: &Value) -> Result<TokenAnswer, Unusable> {
        TokenAnswer::parse(answer.to_string().as_bytes(), SystemTime::UNIX_EPOCH)
    }

    fn good(member: &str, value: Value) -> TokenAnswer {
        let mut answer = json!({"access_token": "new", "token_type": "Bearer"});
        answer[member] = value;
        read(&answer).unwrap_or_else(|why| panic!("{answer}: {why:?}"))
    }

    #[test]
    fn rfc6749_5_1_expires_in() {
        const YEAR: u64 = 366 * 24 * 60 * 60;
        for (value, expected) in [
            (json!(3600), Some(3600)),
            (json!(2), Some(2)),
            (json!("3600"), Some(3600)),
            (json!(3600.0), Some(3600)),
            (json!(0), None),
            (json!(-5), None),
            (json!("soon"), None),
            (json!("NaN"), None),
            (Value::Null, None),
            (json!([1]), None),
            (json!(u64::MAX), Some(YEAR)),
            (json!(1e300), Some(YEAR)),
            (json!("inf"), Some(YEAR)),
        ] {
            let end = good("expires_in", value.clone()).expires_at;
            let seconds = end.map(|end| {
                end.duration_since(SystemTime::UNIX_EPOCH)
                    .expect("later")
                    .as_secs()
            });
            assert_eq!(seconds, expected, "{value}");
        }
        assert_eq!(good("other", json!(1)).expires_at, None, "missing");
    }

    #[test]
    fn rfc6749_5_1_what_is_not_said_is_not_there() {
        let plain = good("other", json!(1));
        assert!(plain.refresh_token.is_none() && plain.scopes.is_none() && !plain.bound);
        assert!(good("refresh_token", json!("")).refresh_token.is_none());
        assert!(good("token_type", json!("dPoP")).bound);
    }

    #[test]
    fn rfc8693_2_2_1_only_what_is_no_access_token_may_be_of_no_type() {
        let kind = |word: &str| format!("urn:ietf:params:oauth:token-type:{word}");
        for (issued, fine) in [
            (Some(kind("id-jag")), true),
            (Some(kind("access_token")), false),
            (None, false),
        ] {
            let answer =
                json!({"access_token": "x", "token_type": "N_A", "issued_token_type": issued});
            let body = answer.to_string();
            let read = TokenAnswer::parse_exchanged(body.as_bytes(), SystemTime::UNIX_EPOCH);
            let read = read.map(|(answer, kind)| (answer.is_access_token, kind));
            assert_eq!(read.ok(), fine.then_some((false, issued)), "{answer}");
        }
    }

    #[test]
    fn a_token_that_cannot_be_used_is_not() {
        for (answer, expected) in [
            (json!({}), Unusable::NoTokenAnswer),
            (json!("hunter2"), Unusable::NoTokenAnswer),
            (json!({"access_token": "hunter2"}), Unusable::NoTokenAnswer),
            (
                json!({"access_token": 2, "token_type": "Bearer"}),
                Unusable::NoTokenAnswer,
            ),
            (
                json!({"access_token": "hunter2", "token_type": "mac"}),
                Unusable::UnknownType,
            ),
            (
                json!({"access_token": "hunter2 x", "token_type": "Bearer"}),
                Unusable::NotForAHeader,
            ),
        ] {
            assert_eq!(read(&answer).err(), Some(expected), "{answer}");
        }
    }
}
