//! Where rules beyond scopes are asked.

use std::{
    fmt,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Response, request::Parts};
use http_body_util::Full;
use serde_json::{Value, value::RawValue};

use super::{gate::Gate, render, trail::Trail};
use crate::{
    AccessToken, Operation, Permit, Reason, Refusal,
    rules::{Allowance, Asked, Hold, RuleSet, Rules, Verdict},
};

/// How long the answer to a request may take, in all: in the request's extensions behind an
/// [`AuthLayer`](crate::AuthLayer), where a rule said so. Whoever answers keeps it, with a JSON-RPC
/// error, or with HTTP 504 where nothing has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimit(pub Duration);

/// The rules that are in force. They can be exchanged while requests are under way: each is judged by
/// those that it met.
#[derive(Default)]
pub(super) struct Rulebook {
    /// So that who has no rules pays nothing for them.
    any: AtomicBool,
    rules: RwLock<RuleSet>,
}

impl Rulebook {
    pub(super) fn add(&self, rules: impl Rules) {
        let mut own = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        *own = own.clone().with(rules);
        self.any.store(true, Ordering::Release);
    }

    pub(super) fn replace(&self, rules: RuleSet) {
        let mut own = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        self.any.store(!rules.is_empty(), Ordering::Release);
        *own = rules;
    }

    /// A book of these rules, or of the same.
    pub(super) fn renewed(&self, rules: Option<RuleSet>) -> Self {
        let book = Self::default();
        if let Some(rules) = rules.or_else(|| self.current()) {
            book.replace(rules);
        }
        book
    }

    pub(super) fn current(&self) -> Option<RuleSet> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let own = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        (!own.is_empty()).then(|| own.clone())
    }
}

impl fmt::Debug for Rulebook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rulebook").field(&self.current()).finish()
    }
}

/// A request that the rules let through.
pub(super) struct Ruled {
    pub(super) rules: RuleSet,
    /// What they were asked about.
    pub(super) operation: Operation,
    pub(super) time_limit: Option<TimeLimit>,
    /// Kept until its answer has ended.
    pub(super) holds: Vec<Hold>,
}

/// Whether a body of this method could be acted upon, whatever it says of its type.
pub(super) fn may_ask(method: &Method) -> bool {
    ![Method::GET, Method::HEAD, Method::DELETE].contains(method)
}

/// What the rules are asked about, beside the request's own head.
pub(super) struct Question<'a> {
    pub(super) operation: Operation,
    pub(super) arguments: Option<&'a RawValue>,
    pub(super) id: Option<Value>,
}

impl Question<'_> {
    /// A request without a message that asks for something.
    pub(super) fn about_no_message() -> Self {
        Self {
            operation: Operation::Request,
            arguments: None,
            id: None,
        }
    }
}

/// The refusal of something that is hidden, whatever its caller may do. It comes before the scopes,
/// whose refusals say what is there.
pub(super) fn hidden(
    rules: &RuleSet,
    operation: &Operation,
    caller: Option<&AccessToken>,
) -> Option<Refusal> {
    let Operation::Method { targets, .. } = operation else {
        return None;
    };
    let why = targets
        .iter()
        .find_map(|target| rules.hides(target, caller))?;
    Some(Refusal::by_rule(Reason::Hidden, why, None))
}

/// Asks the rules about a request that the scopes allow.
pub(super) fn judge(
    gate: &Gate,
    rules: RuleSet,
    permit: &Permit,
    parts: &Parts,
    question: Question<'_>,
    trail: &mut Trail,
) -> Result<Ruled, Box<Response<Full<Bytes>>>> {
    let Question {
        operation,
        arguments,
        id,
    } = question;
    let verdict = rules.judge(&Asked {
        operation: &operation,
        arguments,
        caller: permit.caller(),
        remote: crate::audit::RemoteAddress::of(&parts.extensions).map(|address| address.ip()),
        now: gate.now(),
    });
    let refusal = match verdict {
        Verdict::Allow(Allowance {
            reason,
            time_limit,
            holds,
        }) => {
            trail.ruled(&rules, reason);
            return Ok(Ruled {
                operation,
                rules,
                time_limit: time_limit.map(TimeLimit),
                holds,
            });
        }
        Verdict::Deny { reason, message } => Refusal::by_rule(Reason::Ruled, reason, message),
        Verdict::Hide { reason } => Refusal::by_rule(Reason::Hidden, reason, None),
        Verdict::Limit {
            retry_after,
            reason,
        } => Refusal::by_rule(Reason::Limited { retry_after }, reason, None),
    };
    Err(Box::new(render::ruled(&refusal, &operation, id)))
}
