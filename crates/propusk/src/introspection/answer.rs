//! What an introspection answer (RFC 7662 §2.2) comes to.

use std::{borrow::Cow, time::SystemTime};

use serde_json::{Map, Value};

use crate::{
    AccessToken,
    jwt::{
        claimed::{RESERVED, confirmation, judge_subject},
        numeric_date::numeric_date,
        refused::Refused,
        rules::{Rules as ClaimRules, text},
    },
};

/// What an answer must say for a token to be valid here.
pub(super) struct Rules {
    /// The rules that the claims of a JSON Web Token share.
    pub(super) claims: ClaimRules,
    /// The only issuer whose tokens these are.
    pub(super) issuer: Option<String>,
    /// Whom an answer without `iss` is ascribed to where no issuer is known: never nobody, or its
    /// subjects would be those of a token store beside it.
    pub(super) endpoint: Option<String>,
    /// Issuers that this identity server may not speak for.
    pub(super) others: Vec<String>,
}

/// Why a token is not valid, for a human. It repeats nothing of the token.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum NotValid {
    #[error("the identity server says that it is not active")]
    Inactive,
    #[error("the identity server does not introspect tokens of this kind")]
    Unsupported,
    #[error("it is not an access token: its `token_type` is another")]
    TokenType,
    #[error("it is bound to a key (`token_type` DPoP), and the answer does not say which (`cnf`)")]
    NoConfirmation,
    #[error("the answer names neither a subject (`sub`) nor a client (`client_id`)")]
    Nobody,
    #[error(
        "the answer names a user by `username` alone, which may be given to somebody else later; \
         the identity server has to send `sub`"
    )]
    UsernameOnly,
    #[error(
        "it names an issuer whose JSON Web Tokens are verified here, and the endpoint is not known \
         to answer for that issuer; if it does, say so: --introspect-issuer"
    )]
    NotForIssuer,
    #[error(transparent)]
    Claim(#[from] Refused),
}

impl NotValid {
    /// The reason with the local clock beside the times of the token.
    pub(super) fn in_words(&self, now: SystemTime) -> String {
        match self {
            Self::Claim(refused) => refused.in_words(now),
            other => other.to_string(),
        }
    }
}

impl Rules {
    /// Judges an answer. `exp` may be absent: the server itself says that the token is active at
    /// this moment, and what is remembered of it has a ceiling.
    pub(super) fn judge(
        &self,
        answer: Map<String, Value>,
        now: SystemTime,
    ) -> Result<AccessToken, NotValid> {
        if is_unsupported(&answer) {
            return Err(NotValid::Unsupported);
        }
        if answer.get("active") != Some(&Value::Bool(true)) {
            return Err(NotValid::Inactive);
        }
        let issuer = self.judge_issuer(&answer)?;
        let audience = self.claims.judge_audience(&answer)?;
        let expires_at = self.judge_times(&answer, now)?;
        let mut token = AccessToken::new(&*subject(&answer)?)
            .with_leeway(self.claims.leeway)
            .with_scope_claim(text(&answer, "scope")?.unwrap_or_default());
        if let Some(confirmation) = judge_kind(&answer)? {
            token = token.with_confirmation(confirmation);
        }
        if let Some(issuer) = issuer {
            token = token.with_issuer(issuer);
        }
        if let Some(client) = text(&answer, "client_id")? {
            token = token.with_client_id(client);
        }
        if let Some(id) = text(&answer, "jti")? {
            token = token.with_token_id(id);
        }
        if let Some(expires_at) = expires_at {
            token = token.with_expires_at(expires_at);
        }
        token = audience.into_iter().fold(token, AccessToken::with_audience);
        let mut claims = answer;
        claims.remove("active");
        Ok(token.with_claims(claims))
    }

    fn judge_issuer<'a>(
        &'a self,
        answer: &'a Map<String, Value>,
    ) -> Result<Option<&'a str>, NotValid> {
        match (text(answer, "iss")?, self.issuer.as_deref()) {
            (Some(issuer), Some(expected)) if issuer != expected => {
                Err(Refused::OtherIssuer.into())
            }
            (Some(issuer), None) if self.others.iter().any(|other| other == issuer) => {
                Err(NotValid::NotForIssuer)
            }
            (issuer, expected) => Ok(issuer.or(expected).or(self.endpoint.as_deref())),
        }
    }

    /// RFC 7519 §4.1.4 to §4.1.6: when it expires, if it says so.
    fn judge_times(
        &self,
        answer: &Map<String, Value>,
        now: SystemTime,
    ) -> Result<Option<SystemTime>, Refused> {
        let leeway = self.claims.leeway;
        let expires_at = numeric_date(answer, "exp")?;
        if let Some(end) = expires_at.filter(|end| now >= *end + leeway) {
            return Err(Refused::Expired(end));
        }
        let is_ahead = |time: &SystemTime| *time > now + leeway;
        if let Some(start) = numeric_date(answer, "nbf")?.filter(is_ahead) {
            return Err(Refused::NotYet(start));
        }
        if let Some(issued) = numeric_date(answer, "iat")?.filter(is_ahead) {
            return Err(Refused::FromTheFuture(issued));
        }
        Ok(expires_at)
    }
}

/// Whether the answer is that of a server for other kinds of tokens (RFC 7009 §2.2.1).
pub(super) fn is_unsupported(answer: &Map<String, Value>) -> bool {
    answer.get("error").and_then(Value::as_str) == Some("unsupported_token_type")
}

/// Whom the token speaks for: `sub`, else the client itself, under a name that no user can have
/// (RFC 9068 §5 warns of a client whose id is a user's `sub`). Never `username`, which is for humans
/// to read and may be given to somebody else later; and where there is one, the token is not the
/// client's own.
fn subject(answer: &Map<String, Value>) -> Result<Cow<'_, str>, NotValid> {
    if let Some(subject) = text(answer, "sub")? {
        judge_subject(subject)?;
        return Ok(subject.into());
    }
    if text(answer, "username")?.is_some() {
        return Err(NotValid::UsernameOnly);
    }
    match text(answer, "client_id")? {
        Some("") => Err(Refused::Claim("client_id").into()),
        Some(client) => Ok(format!("{RESERVED}client:{client}").into()),
        None => Err(NotValid::Nobody),
    }
}

/// Whether it is an access token (RFC 7662 §2.2), and the key that it is bound to (RFC 9449 §6.2).
fn judge_kind(answer: &Map<String, Value>) -> Result<Option<crate::Confirmation>, NotValid> {
    let kind = text(answer, "token_type")?;
    let is_kind = |name: &str| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(name));
    let is_bound = is_kind("DPoP");
    if kind.is_some() && !is_bound && !is_kind("Bearer") && !is_kind("access_token") {
        return Err(NotValid::TokenType);
    }
    match confirmation(answer)? {
        None if is_bound => Err(NotValid::NoConfirmation),
        confirmation => Ok(confirmation),
    }
}
