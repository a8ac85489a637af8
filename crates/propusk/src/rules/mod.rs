//! Rules beyond scopes: what an operator wants to hold whatever a token permits.
//!
//! An [`AuthLayer`](crate::AuthLayer) asks them once the scopes have allowed an operation. There are
//! limits and a table by name or pattern here ([`RuleTable`]); a policy language of another crate is
//! one more implementation of [`Rules`].

mod address;
mod buckets;
mod connections;
mod named;
mod places;
mod rate;
mod rule;
mod set;
mod table;
mod who;

use std::{
    fmt,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use serde_json::value::RawValue;

pub use address::AddressLimits;
pub use connections::ConnectionLimits;
pub use rate::{InvalidRate, Rate};
pub use rule::Rule;
pub use set::RuleSet;
pub use table::{Otherwise, RuleTable};

use crate::{AccessToken, Operation, Target};

/// Decides about operations that the scopes allow.
///
/// It is asked on the way of a request, so it must not block, and it fails closed: what it cannot
/// understand it denies.
pub trait Rules: Send + Sync + 'static {
    /// Decides about one operation. It is asked once for each request that the scopes allow: with
    /// [`Operation::Request`] where the request is no JSON-RPC message that asks for something (a
    /// `GET` that opens a stream, the end of a session, an answer to the server).
    fn judge(&self, asked: &Asked<'_>) -> Verdict;

    /// Why an answer that is under way may not go on, for the log; `None` where it may. It is asked of
    /// open streams when the rules are exchanged. Limits count what begins, so they end nothing, and
    /// nothing is taken from them: rules with limits say here what [`judge`](Rules::judge) says without
    /// them.
    fn ends(&self, asked: &Asked<'_>) -> Option<String> {
        match self.judge(asked) {
            Verdict::Deny { reason, .. } | Verdict::Hide { reason } => Some(reason),
            Verdict::Allow(_) | Verdict::Limit { .. } => None,
        }
    }

    /// Whether lists show this to this caller. All is shown by default: what depends on more than
    /// the name and the caller is not known when a list is made.
    fn shows(&self, target: &Target, caller: Option<&AccessToken>) -> bool {
        let _ = (target, caller);
        true
    }

    /// Why this does not exist for this caller, if it is hidden, for the audit log. It is asked before
    /// the scopes, so that no refusal tells which scopes a hidden thing would need; what it names,
    /// [`judge`](Rules::judge) hides too.
    fn hides(&self, target: &Target, caller: Option<&AccessToken>) -> Option<String> {
        let _ = (target, caller);
        None
    }

    /// Whether it looks at [`Asked::arguments`]. They are then read strictly: a message in whose
    /// arguments a name comes twice, at any depth, is refused.
    fn reads_arguments(&self) -> bool {
        false
    }
}

/// What a rule is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What the request asks for, with all that it acts upon.
    pub operation: &'a Operation,
    /// `params.arguments`, an object; `None` where the message has none or they are `null`, and where
    /// no rule reads arguments.
    pub arguments: Option<&'a RawValue>,
    /// Whose request it is; `None` is anonymous.
    pub caller: Option<&'a AccessToken>,
    /// The client's address, where it is known.
    pub remote: Option<IpAddr>,
    /// When it is decided, by the clock of the layer.
    pub now: SystemTime,
}

/// What a rule says.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// The request may go on.
    Allow(Allowance),
    /// It may not, and no scope would help (403 without a challenge).
    Deny {
        /// Why, for the audit log: without secrets.
        reason: String,
        /// A sentence for the client. Without one it is told that a rule does not allow this.
        message: Option<String>,
    },
    /// What is named does not exist for this caller: it is answered like a name that there is not.
    Hide {
        /// Why, for the audit log.
        reason: String,
    },
    /// Not now (429 with `Retry-After`).
    Limit {
        /// After which time it may be asked again; whole seconds are told, rounded up.
        retry_after: Duration,
        /// Which limit, for the audit log.
        reason: String,
    },
}

impl Verdict {
    /// Allows without any condition.
    #[must_use]
    pub fn allow() -> Self {
        Self::Allow(Allowance::default())
    }

    /// Denies, with a reason for the audit log.
    #[must_use]
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::Deny {
            reason: reason.into(),
            message: None,
        }
    }
}

/// Something that is dropped when the answer to a request has ended.
pub type Hold = Box<dyn Send + Sync>;

/// Under which conditions a request may go on.
#[derive(Default)]
pub struct Allowance {
    pub(crate) reason: Option<String>,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) holds: Vec<Hold>,
}

impl Allowance {
    /// Without conditions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says why, for the audit log.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Sets how long the answer may take, in all. Whoever answers finds it as a
    /// [`TimeLimit`](crate::layer::TimeLimit) in the request's extensions.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Keeps this until the answer has ended, however it does: a place among those that may be in
    /// flight at the same time.
    #[must_use]
    pub fn holding(mut self, hold: impl Send + Sync + 'static) -> Self {
        self.holds.push(Box::new(hold));
        self
    }

    /// Both: the shorter time limit, all that is held, and the reasons one after the other.
    fn and(&mut self, other: Self) {
        self.time_limit = match (self.time_limit, other.time_limit) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        self.holds.extend(other.holds);
        self.reason = match (self.reason.take(), other.reason) {
            (Some(one), Some(another)) => Some(format!("{one}; {another}")),
            (one, another) => one.or(another),
        };
    }
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowance")
            .field("reason", &self.reason)
            .field("time_limit", &self.time_limit)
            .field("holds", &self.holds.len())
            .finish()
    }
}
