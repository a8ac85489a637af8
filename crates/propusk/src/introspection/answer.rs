//! What an introspection answer (RFC 7662 §2.2) comes to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::{AccessToken, Confirmation, ResourceUrl};

/// What an answer must say for a token to be valid here.
pub(super) struct Rules {
    pub(super) resource: ResourceUrl,
    /// Other names of this server, compared exactly.
    pub(super) audiences: Vec<String>,
    /// Clients whose tokens need not say whom they are for.
    pub(super) without_audience: Vec<String>,
    pub(super) issuer: Option<String>,
    pub(super) leeway: Duration,
}

/// Why a token is not valid, for a human. It repeats nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotValid {
    #[error("the identity server says that it is not active")]
    Inactive,
    #[error("the `{0}` of the answer is not of the type that it must have")]
    Type(&'static str),
    #[error("it is not an access token: its `token_type` is another")]
    TokenType,
    #[error("it is from another issuer")]
    OtherIssuer,
    #[error("it has no audience (`aud`), so it may be meant for any server")]
    NoAudience,
    #[error("it was issued for another resource: its `aud` does not name this server")]
    OtherAudience,
    #[error("it has expired (`exp`)")]
    Expired,
    #[error("it is not valid yet: its `{0}` is in the future")]
    NotYet(&'static str),
    #[error(
        "it is bound to a key (`token_type` DPoP), and the answer does not say to which (`cnf`)"
    )]
    NoConfirmation,
    #[error("the answer names neither a subject (`sub`) nor a client (`client_id`)")]
    Nobody,
}

use NotValid::Type;

/// Members that become something else than a claim.
const CONSUMED: [&str; 8] = [
    "active",
    "iss",
    "sub",
    "aud",
    "exp",
    "scope",
    "client_id",
    "jti",
];

impl Rules {
    /// Judges an answer. `exp` may be absent: the server itself says that the token is active at
    /// this moment, and what is remembered of it has a ceiling.
    pub(super) fn judge(
        &self,
        answer: Map<String, Value>,
        now: SystemTime,
    ) -> Result<AccessToken, NotValid> {
        if answer.get("active") != Some(&Value::Bool(true)) {
            return Err(NotValid::Inactive);
        }
        let issuer = self.issuer(&answer)?;
        let audience = self.audience(&answer)?;
        let expires_at = self.times(&answer, now)?;
        let confirmation = confirmation(&answer)?;
        let client = text(&answer, "client_id")?;
        // A user name is not a subject: it may be given to somebody else.
        let subject = text(&answer, "sub")?.or(client).ok_or(NotValid::Nobody)?;
        let mut token = AccessToken::new(subject)
            .with_leeway(self.leeway)
            .with_scope_claim(text(&answer, "scope")?.unwrap_or_default());
        if let Some(issuer) = issuer {
            token = token.with_issuer(issuer);
        }
        if let Some(client) = client {
            token = token.with_client_id(client);
        }
        if let Some(id) = text(&answer, "jti")? {
            token = token.with_token_id(id);
        }
        if let Some(expires_at) = expires_at {
            token = token.with_expires_at(expires_at);
        }
        if let Some(confirmation) = confirmation {
            token = token.with_confirmation(confirmation);
        }
        token = audience.into_iter().fold(token, AccessToken::with_audience);
        let rest = answer.into_iter();
        let rest = rest.filter(|(name, _)| !CONSUMED.contains(&name.as_str()));
        Ok(rest.fold(token, |token, (name, value)| token.with_claim(name, value)))
    }

    fn issuer<'a>(&'a self, answer: &'a Map<String, Value>) -> Result<Option<&'a str>, NotValid> {
        let expected = self.issuer.as_deref();
        match (text(answer, "iss")?, expected) {
            (Some(issuer), Some(expected)) if issuer != expected => Err(NotValid::OtherIssuer),
            (issuer, expected) => Ok(issuer.or(expected)),
        }
    }

    /// The values of `aud`, one of which names this server; none where that is agreed upon.
    fn audience(&self, answer: &Map<String, Value>) -> Result<Vec<String>, NotValid> {
        let audience = match answer.get("aud") {
            None => return self.without_audience(answer),
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => {
                let texts = several.iter().map(|one| one.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().ok_or(Type("aud"))?
            }
            Some(_) => return Err(Type("aud")),
        };
        let is_ours =
            |name: &String| self.resource.is_named_by(name) || self.audiences.contains(name);
        if audience.iter().any(is_ours) {
            Ok(audience)
        } else {
            Err(NotValid::OtherAudience)
        }
    }

    fn without_audience(&self, answer: &Map<String, Value>) -> Result<Vec<String>, NotValid> {
        let client = text(answer, "client_id")?;
        let is_agreed = client
            .is_some_and(|client| self.without_audience.iter().any(|agreed| agreed == client));
        if is_agreed {
            Ok(Vec::new())
        } else {
            Err(NotValid::NoAudience)
        }
    }

    /// Judges the times of RFC 7519 §4.1.4 to §4.1.6, and returns the expiry.
    fn times(
        &self,
        answer: &Map<String, Value>,
        now: SystemTime,
    ) -> Result<Option<SystemTime>, NotValid> {
        let latest = now.checked_add(self.leeway).unwrap_or(now);
        for name in ["nbf", "iat"] {
            if time(answer, name)?.is_some_and(|time| time > latest) {
                return Err(NotValid::NotYet(name));
            }
        }
        let expires_at = time(answer, "exp")?;
        let earliest = now.checked_sub(self.leeway).unwrap_or(now);
        if expires_at.is_some_and(|end| end <= earliest) {
            return Err(NotValid::Expired);
        }
        Ok(expires_at)
    }
}

/// The key that the token is bound to (RFC 7800 §3.1, RFC 9449 §6.2), and whether it is an access
/// token at all (RFC 7662 §2.2).
fn confirmation(answer: &Map<String, Value>) -> Result<Option<Confirmation>, NotValid> {
    let kind = text(answer, "token_type")?;
    let is_kind = |name: &str| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(name));
    let is_bound = is_kind("DPoP");
    if kind.is_some() && !is_bound && !is_kind("Bearer") && !is_kind("access_token") {
        return Err(NotValid::TokenType);
    }
    match answer.get("cnf") {
        None if is_bound => Err(NotValid::NoConfirmation),
        None => Ok(None),
        Some(Value::Object(methods)) => Ok(Some(match methods.get("jkt") {
            // One method beside it is one that nobody would check.
            Some(Value::String(key)) if methods.len() == 1 => Confirmation::Jkt(key.clone()),
            _ => Confirmation::Unsupported,
        })),
        Some(_) => Err(Type("cnf")),
    }
}

/// A member that is a text, where it is there.
fn text<'a>(
    answer: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, NotValid> {
    match answer.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Type(name)),
    }
}

/// A member that is a time (NumericDate, RFC 7519 §2), where it is there.
fn time(answer: &Map<String, Value>, name: &'static str) -> Result<Option<SystemTime>, NotValid> {
    let Some(value) = answer.get(name) else {
        return Ok(None);
    };
    let since = match value.as_u64() {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => value
            .as_f64()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    };
    let time = since.and_then(|since| UNIX_EPOCH.checked_add(since));
    time.map(Some).ok_or(Type(name))
}
