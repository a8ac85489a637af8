//! Answers that the identity server has signed (RFC 9701).

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value};

use super::Failure;
use crate::{
    Clock, IssuerUrl,
    fetch::Fetcher,
    jwt::{numeric_date::numeric_date, refused::NotVerified, rules::text, statement::Statements},
};

/// What is asked for, so that the answer is signed (RFC 9701 §4).
pub(super) const MEDIA_TYPE: &str = "application/token-introspection+jwt";
/// The `typ` of an answer (RFC 9701 §5).
const TYPE: &str = "token-introspection+jwt";
/// An older answer was given to somebody else, or to another question.
const LONGEST_AGE: Duration = Duration::from_secs(60);

/// How signed answers are opened.
pub(super) struct SignedAnswers {
    statements: Statements,
    issuer: IssuerUrl,
}

impl SignedAnswers {
    pub(super) fn of(issuer: IssuerUrl, fetcher: Fetcher) -> Self {
        let statements = Statements::of(issuer.clone(), fetcher);
        Self { statements, issuer }
    }

    /// The answer inside, if the issuer has signed it, just now, for this client.
    pub(super) async fn open(
        &self,
        body: &[u8],
        client_id: &str,
        leeway: Duration,
        clock: &Arc<dyn Clock>,
    ) -> Result<Map<String, Value>, Failure> {
        let body = std::str::from_utf8(body).map_err(|_| NOT_SIGNED)?;
        let opened = self.statements.open(body, TYPE, leeway, clock).await;
        let mut claims = opened.map_err(|error| match error {
            NotVerified::Refused(_) => NOT_SIGNED,
            NotVerified::Unavailable(unavailable) => Failure::Keys(unavailable.cause().to_string()),
        })?;
        if text(&claims, "iss").ok().flatten() != Some(self.issuer.as_str()) {
            return Err(Failure::NotAnAnswer(
                "is signed in the name of another issuer",
            ));
        }
        if !is_for(client_id, &claims) {
            return Err(Failure::NotAnAnswer("is signed for another client (`aud`)"));
        }
        let issued_at = numeric_date(&claims, "iat").ok().flatten();
        if !issued_at.is_some_and(|at| is_recent(at, clock.now(), leeway)) {
            return Err(Failure::NotAnAnswer("was not signed just now (`iat`)"));
        }
        match claims.remove("token_introspection") {
            Some(Value::Object(answer)) => Ok(answer),
            _ => Err(Failure::NotAnAnswer(
                "has no `token_introspection` (RFC 9701)",
            )),
        }
    }
}

const NOT_SIGNED: Failure =
    Failure::NotAnAnswer("is not a JSON Web Token that the issuer has signed as RFC 9701 wants");

fn is_for(client_id: &str, claims: &Map<String, Value>) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == client_id,
        Some(Value::Array(several)) => several.iter().any(|one| one == client_id),
        _ => false,
    }
}

fn is_recent(at: SystemTime, now: SystemTime, leeway: Duration) -> bool {
    at <= now + leeway && now <= at + LONGEST_AGE + leeway
}
