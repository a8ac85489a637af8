//! One decision, as it is told.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::Method;

use super::{Cause, ClientCertificate, RequestId};
use crate::{AccessToken, Operation, Principal, Reason, Refusal, Scope, ScopeHierarchy, ScopeSet};

/// One decision about one request. Borrowed from the request: a sink copies what it keeps.
///
/// There is no token in it, and nothing that could be used as one.
#[derive(Debug, Clone)]
pub struct AuditEvent<'a> {
    pub(crate) time: SystemTime,
    pub(crate) facts: &'a Facts,
    /// `None`: allowed.
    pub(crate) cause: Option<&'a Cause>,
    pub(crate) hierarchy: &'a ScopeHierarchy,
    pub(crate) upstream: Option<&'a str>,
}

/// What is known of a request when it is decided upon.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) request_id: RequestId,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) certificate: Option<Arc<ClientCertificate>>,
    pub(crate) http_method: Option<Method>,
    pub(crate) operation: Operation,
    pub(crate) rpc_id: Option<String>,
    /// What the verifier said of the token, without the token's text.
    pub(crate) token: Option<AccessToken>,
    pub(crate) verification: Option<Verification>,
    /// Why a rule beyond scopes allowed it, where it said so.
    pub(crate) rule: Option<String>,
    /// Why the verifier could not tell; for the log.
    pub(crate) outage: Option<String>,
    /// Whether it could not tell about this token alone.
    pub(crate) outage_of_one_token: bool,
}

/// How it was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The request goes on.
    Allowed,
    /// The request ended here.
    Refused,
}

impl Decision {
    /// `allowed` or `refused`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }
}

/// What asking the verifier gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// What it said.
    pub verified: Verified,
    /// How long it took.
    pub latency: Duration,
}

/// The three answers of a [`TokenVerifier`](crate::TokenVerifier).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// It accepts the token; the decision may still find it expired or meant for others.
    Valid,
    /// It does not accept the token.
    Invalid,
    /// It cannot tell.
    Unavailable,
}

impl Verified {
    pub(crate) const ALL: [Self; 3] = [Self::Valid, Self::Invalid, Self::Unavailable];

    /// `valid`, `invalid` or `unavailable`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
        }
    }
}

impl AuditEvent<'_> {
    /// When it was decided, by the clock of the layer.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// How it was decided.
    #[must_use]
    pub fn decision(&self) -> Decision {
        match self.cause {
            None => Decision::Allowed,
            Some(_) => Decision::Refused,
        }
    }

    /// Why, in one word from a fixed list: that of the [`Cause`] of a refusal; `authorized` or
    /// `anonymous` where it was allowed.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match (self.cause, self.principal()) {
            (Some(cause), _) => cause.as_str(),
            (None, Some(_)) => Cause::AUTHORIZED,
            (None, None) => Cause::ANONYMOUS,
        }
    }

    /// Why it was refused.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.cause
    }

    /// Why a rule beyond scopes decided so, in the words of its author; `None` where there is none, or
    /// it did not say.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self.cause {
            Some(cause) => cause.refusal().and_then(Refusal::rule),
            None => self.facts.rule.as_deref(),
        }
    }

    /// For whom the token speaks, as far as a verifier vouched for it. Of a refused request it may
    /// be one whose token has expired or is meant for others.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.facts.token.as_ref().map(AccessToken::principal)
    }

    /// The public identifier of the token, if it has one.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.facts.token.as_ref().and_then(AccessToken::token_id)
    }

    /// What was asked, as far as it was known when it was decided. It is the client's text.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.facts.operation
    }

    /// The method of the HTTP request; `None` where a
    /// [`Guard`](crate::server::Guard) decided on another transport.
    #[must_use]
    pub fn http_method(&self) -> Option<&Method> {
        self.facts.http_method.as_ref()
    }

    /// All scopes that a refused operation needs.
    #[must_use]
    pub fn needed_scopes(&self) -> Option<&ScopeSet> {
        let refusal = self.cause.and_then(Cause::refusal)?;
        Some(refusal.needed_scopes()).filter(|needed| !needed.is_empty())
    }

    /// Those that the caller did not have, where that was the reason.
    #[must_use]
    pub fn missing_scopes(&self) -> Option<ScopeSet> {
        let refusal = self.cause.and_then(Cause::refusal)?;
        match (refusal.reason(), &self.facts.token) {
            (Reason::InsufficientScope, Some(token)) => {
                let held = token.scopes();
                let lacks = |scope: &&Scope| !self.hierarchy.grants(held, scope);
                Some(
                    refusal
                        .needed_scopes()
                        .iter()
                        .filter(lacks)
                        .cloned()
                        .collect(),
                )
            }
            (Reason::InsufficientScope | Reason::NoToken, _) => {
                Some(refusal.needed_scopes().clone())
            }
            _ => None,
        }
        .filter(|missing| !missing.is_empty())
    }

    /// The id of the HTTP request; the same in all events of one request.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        &self.facts.request_id
    }

    /// The id of the JSON-RPC request as its JSON, if the body was read.
    #[must_use]
    pub fn rpc_id(&self) -> Option<&str> {
        self.facts.rpc_id.as_deref()
    }

    /// The certificate that the client has shown in the handshake of TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<&ClientCertificate> {
        self.facts.certificate.as_deref()
    }

    /// The other end of the connection (see [`RemoteAddress`](super::RemoteAddress)).
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.facts.remote
    }

    /// The name of the upstream, where one stands behind the layer
    /// ([`AuthLayer::upstream`](crate::AuthLayer::upstream)).
    #[must_use]
    pub fn upstream(&self) -> Option<&str> {
        self.upstream
    }

    /// What asking the verifier gave, if it was asked.
    #[must_use]
    pub fn verification(&self) -> Option<Verification> {
        self.facts.verification
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use http::HeaderMap;

    use super::*;

    /// The facts of a request of nobody.
    pub(crate) fn facts() -> Facts {
        Facts {
            request_id: RequestId::of(&HeaderMap::new()),
            remote: None,
            certificate: None,
            http_method: Some(Method::POST),
            operation: Operation::Request,
            rpc_id: None,
            token: None,
            verification: None,
            rule: None,
            outage: None,
            outage_of_one_token: false,
        }
    }

    #[test]
    fn the_scopes_that_were_missing() {
        let alice = || Some(AccessToken::new("alice").with_scope_claim("a c"));
        let refusal = |reason, needs| Refusal::new(reason, ScopeSet::from_claim(needs));
        let invalid = Reason::InvalidToken(crate::Defect::Expired);
        for (token, reason, needs, needed, missing) in [
            (alice(), Reason::InsufficientScope, "a b", "a b", "b"),
            (alice(), invalid, "a b", "a b", ""),
            (None, Reason::NoToken, "a b", "a b", "a b"),
            (None, Reason::NoToken, "", "", ""),
            (None, Reason::InsufficientScope, "x", "x", "x"),
        ] {
            let facts = Facts { token, ..facts() };
            let cause = Cause::from(refusal(reason, needs));
            let event = AuditEvent {
                time: SystemTime::UNIX_EPOCH,
                facts: &facts,
                cause: Some(&cause),
                hierarchy: &ScopeHierarchy::default(),
                upstream: None,
            };
            let shown = |scopes: Option<&ScopeSet>| scopes.map(ToString::to_string);
            let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            assert_eq!(shown(event.needed_scopes()), text(needed), "{cause:?}");
            assert_eq!(
                shown(event.missing_scopes().as_ref()),
                text(missing),
                "{cause:?}"
            );
        }
    }
}
