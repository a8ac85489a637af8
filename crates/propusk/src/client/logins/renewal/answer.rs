//! What a token endpoint answers to a refresh (RFC 6749 §5.1, §5.2).

use std::time::SystemTime;

use serde::Deserialize;

use super::super::Login;
use crate::client::token_answer::{TokenAnswer, Unusable};

/// The codes that are shown (RFC 6749 §5.2, RFC 8707 §2, RFC 9449 §5). Another text may be anything,
/// also what was sent.
const CODES: [&str; 8] = [
    "access_denied",
    "invalid_client",
    "invalid_dpop_proof",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// What came of a refresh.
#[derive(Debug)]
pub(super) enum Outcome {
    Renewed(Box<Login>),
    /// `invalid_grant`: the refresh token is no longer good.
    Spent,
    /// Another refusal that trying again does not cure, with its code.
    Declined(&'static str),
    /// The issuer cannot answer now, and why.
    Unavailable(String),
    /// It wants a nonce in the DPoP proof (RFC 9449 §8), which is known by now.
    WantsNonce,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// Reads an answer to the refresh of `login` that was sent at `asked`.
pub(super) fn read(status: u16, body: &[u8], login: &Login, asked: SystemTime) -> Outcome {
    if status == 200 {
        return match renewed(body, login, asked) {
            Ok(login) => Outcome::Renewed(Box::new(login)),
            Err(why) => Outcome::Unavailable(why.to_owned()),
        };
    }
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    match refusal.as_ref().map(|refusal| refusal.error.as_str()) {
        _ if status >= 500 || status == 408 || status == 429 => {
            Outcome::Unavailable(format!("it answered with HTTP {status}"))
        }
        Some("temporarily_unavailable" | "server_error" | "slow_down") => {
            Outcome::Unavailable("it says that it cannot answer now".to_owned())
        }
        Some("use_dpop_nonce") => Outcome::WantsNonce,
        Some("invalid_grant") => Outcome::Spent,
        Some(code) => {
            let known = CODES.iter().find(|known| **known == code);
            Outcome::Declined(known.copied().unwrap_or("an error of its own"))
        }
        // A page of a proxy, or a redirect: it says nothing about the login.
        None => Outcome::Unavailable(format!("it answered with HTTP {status} and no OAuth error")),
    }
}

/// The login with its new tokens. The sentence of an error repeats nothing of the answer.
fn renewed(body: &[u8], login: &Login, asked: SystemTime) -> Result<Login, &'static str> {
    const OF_ANOTHER_TYPE: &str = "its token is of a type that this client cannot use";
    let answer = TokenAnswer::parse(body, asked).map_err(|why| match why {
        Unusable::NoTokenAnswer => "its answer is no token answer",
        Unusable::NotForAHeader => "its token cannot go into a header",
        Unusable::UnknownType => OF_ANOTHER_TYPE,
    })?;
    if answer.bound && login.dpop_key.is_none() {
        return Err(OF_ANOTHER_TYPE);
    }
    let mut renewed = login.clone();
    renewed.access_token = answer.access_token;
    renewed.bound = answer.bound;
    if answer.refresh_token.is_some() {
        renewed.refresh_token = answer.refresh_token;
    }
    if let Some(scopes) = answer.scopes {
        renewed.scopes = scopes;
    }
    renewed.obtained_at = asked;
    renewed.expires_at = answer.expires_at;
    Ok(renewed)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::super::test_logins::login, *};

    fn read_success(answer: &Value) -> Outcome {
        read(
            200,
            answer.to_string().as_bytes(),
            &login("a"),
            SystemTime::UNIX_EPOCH,
        )
    }

    fn good(member: &str, value: Value) -> Login {
        let mut answer = json!({"access_token": "new", "token_type": "Bearer"});
        answer[member] = value;
        match read_success(&answer) {
            Outcome::Renewed(login) => *login,
            other => panic!("{answer}: {other:?}"),
        }
    }

    #[test]
    fn rfc6749_6_what_is_not_said_stays() {
        let kept = good("other", json!(1));
        assert_eq!(kept.expose_refresh_token(), Some("refresh-a"));
        assert_eq!(kept.scopes(), login("a").scopes());
        assert_eq!(kept.key(), login("a").key());
        let rotated = good("refresh_token", json!("rotated"));
        assert_eq!(rotated.expose_refresh_token(), Some("rotated"));
        assert_eq!(
            good("refresh_token", json!("")).expose_refresh_token(),
            Some("refresh-a")
        );
        assert_eq!(
            good("scope", json!("notes:read")).scopes().to_string(),
            "notes:read"
        );
    }

    #[test]
    fn a_token_that_cannot_be_used_is_not() {
        for answer in [
            json!({}),
            // There is no key that it could be bound to.
            json!({"access_token": "hunter2", "token_type": "DPoP"}),
            json!({"access_token": "hunter2 x", "token_type": "Bearer"}),
        ] {
            let Outcome::Unavailable(why) = read_success(&answer) else {
                panic!("{answer}");
            };
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn rfc6749_5_2_refusals() {
        for (status, body, expected) in [
            (400, r#"{"error":"invalid_grant"}"#, "Spent"),
            (401, r#"{"error":"invalid_grant"}"#, "Spent"),
            (
                400,
                r#"{"error":"invalid_client"}"#,
                r#"Declined("invalid_client")"#,
            ),
            (
                401,
                r#"{"error":"invalid_client"}"#,
                r#"Declined("invalid_client")"#,
            ),
            (400, r#"{"error":"use_dpop_nonce"}"#, "WantsNonce"),
            (400, r#"{"error":"temporarily_unavailable"}"#, "Unavailable"),
            (
                400,
                r#"{"error":"\u001b[2J"}"#,
                "Declined(\"an error of its own\")",
            ),
            (400, "<html>", "Unavailable"),
            (403, "", "Unavailable"),
            (302, "", "Unavailable"),
            (503, r#"{"error":"invalid_grant"}"#, "Unavailable"),
            (500, "", "Unavailable"),
            (429, "", "Unavailable"),
            (204, "", "Unavailable"),
        ] {
            let outcome = read(status, body.as_bytes(), &login("a"), SystemTime::now());
            let shown = format!("{outcome:?}");
            assert!(shown.starts_with(expected), "{status} {body}: {shown}");
            assert!(!shown.contains('\u{1b}'), "{shown}");
        }
    }
}
