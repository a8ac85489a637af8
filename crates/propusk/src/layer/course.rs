//! What whoever answers a request says of it while it is under way.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::audit::Span;

/// A place in a request's extensions for what the layer cannot see. It is there where somebody wants
/// to know how requests end ([`AuditSink::wants_ends`](crate::audit::AuditSink::wants_ends)).
///
/// An upstream over HTTP says with its status that it has failed. One that is spoken to in another way
/// has failed inside an answer whose status has been sent: whoever speaks to it says so here.
#[derive(Clone, Default)]
pub struct Course(Arc<Inner>);

#[derive(Default)]
struct Inner {
    failed: AtomicBool,
    span: Mutex<Option<Span>>,
}

impl Course {
    pub(super) fn new(span: Option<Span>) -> Self {
        Self(Arc::new(Inner {
            failed: AtomicBool::new(false),
            span: Mutex::new(span),
        }))
    }

    /// What was to answer this request has failed: its end is told as
    /// [`Broken`](crate::audit::Ending::Broken), whatever its status.
    pub fn fail(&self) {
        self.0.failed.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// The request's span, where spans are wanted; it is the parent of what happens from here on.
    ///
    /// `told` is the `traceparent` in the `_meta` of its message. Where no header named one, the span
    /// is from now on part of that trace; one that is not valid is as if it were not there.
    #[must_use]
    pub fn span(&self, told: Option<&str>) -> Option<Span> {
        let mut span = self.0.span.lock().unwrap_or_else(PoisonError::into_inner);
        let after = span.map(|span| told.map_or(span, |told| span.or_after(told)));
        *span = after;
        after
    }
}

impl fmt::Debug for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Course")
            .field("failed", &self.has_failed())
            .finish_non_exhaustive()
    }
}
