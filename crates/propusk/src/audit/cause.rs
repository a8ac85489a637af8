//! Why a request was refused, in one word for machines.

use std::fmt;

use crate::{Defect, Malformed, ProofDefect, Reason, Refusal, host_policy::Foreign};

/// Why a request was refused.
///
/// It rides in the extensions of the response that an [`AuthLayer`](crate::AuthLayer) gives, so
/// that a log or a test around the layer need not parse a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Refused(Refusal),
    Foreign(Foreign),
    UnknownSession,
    Body(BadBody),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BadBody {
    Unclear,
    TooLong,
    Broken,
    Slow,
}

impl Cause {
    /// The word of a decision that let an authenticated caller through.
    pub const AUTHORIZED: &'static str = "authorized";

    /// The word of a decision that let an anonymous caller through.
    pub const ANONYMOUS: &'static str = "anonymous";

    /// Every word that [`Cause::as_str`] can give and these two, so that a counter is there before the first of its kind.
    pub(crate) const WORDS: [&'static str; 26] = [
        Self::AUTHORIZED,
        Self::ANONYMOUS,
        "no_token",
        "two_credentials",
        "malformed_token",
        "invalid_token",
        "expired",
        "wrong_audience",
        "needs_proof",
        "wrong_key",
        "not_bound",
        "invalid_proof",
        "nonce_needed",
        "insufficient_scope",
        "forbidden",
        "rule",
        "hidden",
        "limited",
        "unclear_message",
        "body_too_long",
        "broken_body",
        "slow_body",
        "unavailable",
        "unknown_session",
        "foreign_host",
        "foreign_origin",
    ];

    pub(crate) fn foreign(foreign: Foreign) -> Self {
        Self(Kind::Foreign(foreign))
    }

    /// A message that could be read in two ways, or in none. A service behind the layer that turns such
    /// a request away puts it into the extensions of its response.
    #[must_use]
    pub fn unclear_message() -> Self {
        Self(Kind::Body(BadBody::Unclear))
    }

    pub(crate) fn body_too_long() -> Self {
        Self(Kind::Body(BadBody::TooLong))
    }

    /// A body that did not come whole.
    pub(crate) fn broken_body() -> Self {
        Self(Kind::Body(BadBody::Broken))
    }

    /// A body that did not come in time.
    pub(crate) fn slow_body() -> Self {
        Self(Kind::Body(BadBody::Slow))
    }

    pub(crate) fn unknown_session() -> Self {
        Self(Kind::UnknownSession)
    }

    /// The word: stable, in lower case, from a fixed list.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match &self.0 {
            Kind::Refused(refusal) => word(refusal.reason()),
            Kind::Foreign(Foreign::BadHost | Foreign::UnknownHost) => "foreign_host",
            Kind::Foreign(Foreign::UnknownOrigin) => "foreign_origin",
            Kind::UnknownSession => "unknown_session",
            Kind::Body(BadBody::Unclear) => "unclear_message",
            Kind::Body(BadBody::TooLong) => "body_too_long",
            Kind::Body(BadBody::Broken) => "broken_body",
            Kind::Body(BadBody::Slow) => "slow_body",
        }
    }

    /// The refusal, where a token or the lack of one was the cause.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.0 {
            Kind::Refused(refusal) => Some(refusal),
            Kind::Foreign(_) | Kind::UnknownSession | Kind::Body(_) => None,
        }
    }

    /// Whether the operator, rather than the caller, may have something to mend.
    pub(crate) fn concerns_the_operator(&self) -> bool {
        match &self.0 {
            Kind::Refused(refusal) => matches!(refusal.reason(), Reason::Unavailable { .. }),
            Kind::Foreign(_) => true,
            Kind::UnknownSession | Kind::Body(_) => false,
        }
    }
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::NoToken => "no_token",
        Reason::BadRequest(Malformed::TwoCredentials) => "two_credentials",
        Reason::BadRequest(Malformed::NotAToken) => "malformed_token",
        Reason::InvalidToken(Defect::NotAccepted) => "invalid_token",
        Reason::InvalidToken(Defect::Expired) => "expired",
        Reason::InvalidToken(Defect::WrongAudience) => "wrong_audience",
        Reason::InvalidToken(Defect::NeedsProof) => "needs_proof",
        Reason::InvalidToken(Defect::WrongKey) => "wrong_key",
        Reason::InvalidToken(Defect::NotBound) => "not_bound",
        Reason::InvalidProof(ProofDefect::NonceNeeded) => "nonce_needed",
        Reason::InvalidProof(_) => "invalid_proof",
        Reason::InsufficientScope => "insufficient_scope",
        Reason::Forbidden => "forbidden",
        Reason::Ruled => "rule",
        Reason::Hidden => "hidden",
        Reason::Limited { .. } => "limited",
        Reason::Unavailable { .. } => "unavailable",
    }
}

impl From<Refusal> for Cause {
    fn from(refusal: Refusal) -> Self {
        Self(Kind::Refused(refusal))
    }
}

/// A sentence for a human.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Refused(refusal) => refusal.fmt(f),
            Kind::Foreign(foreign) => foreign.fmt(f),
            // To the operator it may be told apart from other causes; to the caller it is not.
            Kind::UnknownSession => f.write_str("unknown or foreign session"),
            Kind::Body(BadBody::Unclear) => f.write_str("the message can be read in two ways"),
            Kind::Body(BadBody::TooLong) => f.write_str("the body is too long"),
            Kind::Body(BadBody::Broken) => f.write_str("the body did not come whole"),
            Kind::Body(BadBody::Slow) => f.write_str("the body did not come in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ScopeSet;

    #[test]
    fn every_word_stands_in_the_documents() {
        let documents = include_str!("../../../../docs/cli.md");
        let (_, audit) = documents
            .split_once("### The audit log")
            .expect("a chapter about the audit log");
        let (audit, _) = audit.split_once("\n### ").expect("another chapter");
        let (_, reasons) = audit.split_once("| reason |").expect("a table of reasons");
        for word in Cause::WORDS {
            assert!(reasons.contains(&format!("`{word}`")), "{word}");
        }
    }

    #[test]
    fn every_cause_has_a_word_of_the_list() {
        let retry_after = Duration::from_secs(1);
        let refusals = [
            (Reason::NoToken, "no_token"),
            (
                Reason::BadRequest(Malformed::TwoCredentials),
                "two_credentials",
            ),
            (Reason::BadRequest(Malformed::NotAToken), "malformed_token"),
            (Reason::InvalidToken(Defect::NotAccepted), "invalid_token"),
            (Reason::InvalidToken(Defect::Expired), "expired"),
            (
                Reason::InvalidToken(Defect::WrongAudience),
                "wrong_audience",
            ),
            (Reason::InvalidToken(Defect::NeedsProof), "needs_proof"),
            (Reason::InvalidToken(Defect::WrongKey), "wrong_key"),
            (Reason::InvalidToken(Defect::NotBound), "not_bound"),
            (
                Reason::InvalidProof(ProofDefect::NonceNeeded),
                "nonce_needed",
            ),
            (Reason::InvalidProof(ProofDefect::Missing), "invalid_proof"),
            (Reason::InsufficientScope, "insufficient_scope"),
            (Reason::Forbidden, "forbidden"),
            (Reason::Ruled, "rule"),
            (Reason::Hidden, "hidden"),
            (Reason::Limited { retry_after }, "limited"),
            (Reason::Unavailable { retry_after }, "unavailable"),
        ];
        let refusals =
            refusals.map(|(reason, word)| (Refusal::new(reason, ScopeSet::default()).into(), word));
        let others = [
            (Cause::foreign(Foreign::BadHost), "foreign_host"),
            (Cause::foreign(Foreign::UnknownHost), "foreign_host"),
            (Cause::foreign(Foreign::UnknownOrigin), "foreign_origin"),
            (Cause::unknown_session(), "unknown_session"),
            (Cause::unclear_message(), "unclear_message"),
            (Cause::body_too_long(), "body_too_long"),
            (Cause::broken_body(), "broken_body"),
            (Cause::slow_body(), "slow_body"),
        ];
        for (cause, word) in refusals.into_iter().chain(others) {
            assert_eq!(cause.as_str(), word, "{cause:?}");
            assert!(Cause::WORDS.contains(&word), "{word}");
            assert!(!cause.to_string().is_empty());
        }
    }
}
