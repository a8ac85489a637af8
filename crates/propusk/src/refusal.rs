//! Why a request may not go on.

use std::{fmt, sync::Arc, time::Duration};

use crate::{AccessToken, ProofDefect, ScopeSet};

/// Why a request was refused, with the scopes that would do.
///
/// It is data; how it looks on the wire (status and challenge) is rendered in one place of the
/// layer. A tool returns one too: `Err(Refusal::needs("notes:write"))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    reason: Reason,
    needs: ScopeSet,
    scheme: Scheme,
    ruling: Option<Arc<Ruling>>,
}

/// What a rule beyond scopes says of its refusal.
#[derive(Debug, PartialEq, Eq)]
struct Ruling {
    /// For the audit log.
    why: String,
    /// For the client.
    message: Option<String>,
}

/// The authentication scheme of a request, in which a refusal answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Bearer,
    Dpop,
}

impl Scheme {
    /// The scheme under which an accepted token came: a bound one is accepted under no other.
    pub(crate) fn of(token: &AccessToken) -> Self {
        match token.confirmation() {
            Some(_) => Self::Dpop,
            None => Self::Bearer,
        }
    }
}

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No credentials came (401 without an error code, RFC 6750 §3).
    NoToken,
    /// The credentials are malformed, or there are two of them (400, `invalid_request`).
    BadRequest(Malformed),
    /// The token is not valid (401, `invalid_token`).
    InvalidToken(Defect),
    /// The proof of the token's key is not valid (401, `invalid_dpop_proof` or `use_dpop_nonce`,
    /// RFC 9449 §7.1 and §9).
    InvalidProof(ProofDefect),
    /// The token is valid and does not permit this (403, `insufficient_scope`).
    InsufficientScope,
    /// The caller may not do this, and no scope would help (403 without a challenge: RFC 6750 has
    /// a code for missing scopes only, and a client that reads it would ask for a wider token).
    Forbidden,
    /// A rule beyond scopes does not allow this (403 without a challenge, as above).
    Ruled,
    /// A rule says that what is named does not exist for this caller (a JSON-RPC error, as of a name
    /// that there is not).
    Hidden,
    /// There were too many requests (429 with `Retry-After`).
    Limited {
        /// What the client is told to wait.
        retry_after: Duration,
    },
    /// The verifier cannot tell now (503 with `Retry-After`).
    Unavailable {
        /// What the client is told to wait.
        retry_after: Duration,
    },
}

/// What is malformed about credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// More than one credential: two headers, or a header and a query parameter.
    TwoCredentials,
    /// What stands after `Bearer` is not a token.
    NotAToken,
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// The verifier does not accept it: unknown, forged or revoked.
    NotAccepted,
    /// It was valid once.
    Expired,
    /// It was issued for another resource.
    WrongAudience,
    /// It is bound to a key, and no proof of that key came with it (RFC 9449 §7.1).
    NeedsProof,
    /// It is bound to another key than the one that was proven (RFC 9449 §7.1).
    WrongKey,
    /// It is not bound to a key, and this server wants it to be, or it came as if it were.
    NotBound,
}

impl Refusal {
    /// A refusal for this reason, where `needs` would do.
    #[must_use]
    pub fn new(reason: Reason, needs: ScopeSet) -> Self {
        Self {
            reason,
            needs,
            scheme: Scheme::Bearer,
            ruling: None,
        }
    }

    /// A refusal by a rule beyond scopes: why it was, for the audit log, and a sentence for the client.
    #[cfg(feature = "layer")]
    pub(crate) fn by_rule(reason: Reason, why: String, message: Option<String>) -> Self {
        Self {
            ruling: Some(Arc::new(Ruling { why, message })),
            ..Self::new(reason, ScopeSet::default())
        }
    }

    /// Why a rule beyond scopes refused it: the operator's own words, for an audit log.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.ruling.as_ref().map(|ruling| &*ruling.why)
    }

    /// The same, to a request with this scheme.
    pub(crate) fn under(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    #[cfg(feature = "layer")]
    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The operation needs these space-separated scopes; for a tool that finds out by itself. Text
    /// that is not a scope is left out of the answer, never the refusal.
    #[must_use]
    pub fn needs(scopes: &str) -> Self {
        Self::new(Reason::InsufficientScope, ScopeSet::from_claim(scopes))
    }

    /// This caller may not do it and no scope would help: only the owner may, for example.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(Reason::Forbidden, ScopeSet::default())
    }

    /// Nobody has signed in, and the operation needs somebody.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(Reason::NoToken, ScopeSet::default())
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// All scopes that the operation needs.
    #[must_use]
    pub fn needed_scopes(&self) -> &ScopeSet {
        &self.needs
    }
}

/// One sentence for a human. It says nothing about other tokens or users.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(message) = self.ruling.as_ref().and_then(|own| own.message.as_deref()) {
            return f.write_str(message);
        }
        f.write_str(match self.reason {
            Reason::NoToken => "This server requires an access token.",
            Reason::BadRequest(Malformed::TwoCredentials) => {
                "The request carries more than one credential; send one Authorization header."
            }
            Reason::BadRequest(Malformed::NotAToken) => {
                "The Authorization header does not carry a well-formed bearer token."
            }
            Reason::InvalidToken(Defect::NotAccepted) => "The access token is not valid.",
            Reason::InvalidToken(Defect::Expired) => "The access token has expired.",
            Reason::InvalidToken(Defect::WrongAudience) => {
                "The access token was issued for another resource."
            }
            Reason::InvalidToken(Defect::NeedsProof) => {
                "The access token is bound to a key and came without a proof of that key."
            }
            Reason::InvalidToken(Defect::WrongKey) => {
                "The access token is bound to another key than that of the DPoP proof."
            }
            Reason::InvalidToken(Defect::NotBound) => "The access token is not bound to a key.",
            Reason::InvalidProof(defect) => return write!(f, "The DPoP proof {defect}."),
            Reason::InsufficientScope => "The access token does not permit this operation.",
            Reason::Forbidden => "This caller may not do that, whatever the scopes of its token.",
            Reason::Ruled => "A rule of this server does not allow this request.",
            Reason::Hidden => "There is nothing of that name.",
            Reason::Limited { retry_after } => {
                let seconds = whole_seconds(retry_after);
                return write!(f, "Too many requests; come again in {seconds} s.");
            }
            Reason::Unavailable { .. } => "Access tokens cannot be verified at the moment.",
        })?;
        if self.reason == Reason::InsufficientScope && !self.needs.is_empty() {
            write!(f, " It needs: {}.", self.needs)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// As `Retry-After` says it (RFC 9110 §10.2.3): rounded up, so that nobody comes too early.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs()
        .saturating_add(u64::from(time.subsec_nanos() > 0))
}
