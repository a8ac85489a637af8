//! Which refusals no new token helped against.
//!
//! The specification has clients track attempts for each resource and operation. Without that, a
//! server that always answers 403 would make every call begin a sign-in.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::client::RefusedRequest;

/// For how long nobody is asked again after a 403: a user who just signed in for nothing.
const AFTER_FORBIDDEN: Duration = Duration::from_secs(10 * 60);

/// And after a 401. It is short, since what was wrong there is soon put right.
const AFTER_UNAUTHENTICATED: Duration = Duration::from_secs(10);

/// More operations than a client ever has.
const MOST: usize = 1_000;

/// The refusals of one server that a new token did not help against, each until then.
#[derive(Debug, Default)]
pub(super) struct Tried(Mutex<HashMap<Refusal, Instant>>);

/// A token that is not valid is so for every operation; what it may do differs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Refusal {
    Unauthenticated,
    Forbidden(String),
}

impl Tried {
    /// A new token did not help.
    pub(super) fn in_vain(&self, refused: &RefusedRequest, now: Instant) {
        let refusal = Refusal::of(refused);
        let until = now + refusal.remembered_for();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, until| *until > now);
        }
        if known.len() < MOST {
            known.insert(refusal, until);
        }
    }

    /// Whether another attempt is in vain, as far as is known.
    pub(super) fn is_in_vain(&self, refused: &RefusedRequest, now: Instant) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&Refusal::of(refused))
            .is_some_and(|until| *until > now)
    }

    /// The operation was allowed.
    pub(super) fn allowed(&self, operation: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.is_empty() {
            known.remove(&Refusal::Unauthenticated);
            known.remove(&Refusal::Forbidden(operation.to_owned()));
        }
    }
}

impl Refusal {
    fn of(refused: &RefusedRequest) -> Self {
        match refused.status {
            401 => Self::Unauthenticated,
            _ => Self::Forbidden(refused.operation.clone()),
        }
    }

    fn remembered_for(&self) -> Duration {
        match self {
            Self::Unauthenticated => AFTER_UNAUTHENTICATED,
            Self::Forbidden(_) => AFTER_FORBIDDEN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, operation: &str) -> RefusedRequest {
        RefusedRequest {
            status,
            header: None,
            challenge: None,
            sent: None,
            operation: operation.to_owned(),
        }
    }

    #[test]
    fn attempts_are_tracked_for_each_operation() {
        let (tried, now) = (Tried::default(), Instant::now());
        let (a, b) = (refused(403, "tools/call:a"), refused(403, "tools/call:b"));
        assert!(!tried.is_in_vain(&a, now));
        tried.in_vain(&a, now);
        assert!(tried.is_in_vain(&a, now));
        assert!(!tried.is_in_vain(&b, now));
        assert!(!tried.is_in_vain(&refused(401, "tools/call:a"), now));
        assert!(!tried.is_in_vain(&a, now + AFTER_FORBIDDEN));
        tried.allowed("tools/call:b");
        assert!(tried.is_in_vain(&a, now));
        tried.allowed("tools/call:a");
        assert!(!tried.is_in_vain(&a, now));
    }

    #[test]
    fn a_token_that_is_not_valid_is_so_everywhere() {
        let (tried, now) = (Tried::default(), Instant::now());
        tried.in_vain(&refused(401, "a"), now);
        assert!(tried.is_in_vain(&refused(401, "b"), now));
        assert!(!tried.is_in_vain(&refused(401, "b"), now + AFTER_UNAUTHENTICATED));
        tried.allowed("c");
        assert!(!tried.is_in_vain(&refused(401, "b"), now));
    }

    #[test]
    fn a_flood_of_operations_is_bounded() {
        let (tried, now) = (Tried::default(), Instant::now());
        for index in 0..3 * MOST {
            tried.in_vain(&refused(403, &index.to_string()), now);
        }
        assert_eq!(tried.0.lock().expect("not poisoned").len(), MOST);
        let later = now + AFTER_FORBIDDEN;
        tried.in_vain(&refused(403, "later"), later);
        assert!(tried.is_in_vain(&refused(403, "later"), later));
    }
}
