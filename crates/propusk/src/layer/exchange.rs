//! A request with its answer, from the head of the one to the end of the other.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use http::{Request, StatusCode};

use super::{course::Course, gate::Gate, trail::Trail};
use crate::audit::{Cause, Ending, Finished, Span};

/// Tells who wants to know how a request ended, at its end, or when it is dropped before: it travels
/// with the body of the answer. Where nobody wants to, there is nothing in it.
#[derive(Default)]
pub(super) struct Exchange(Option<Box<Open>>);

struct Open {
    gate: Arc<Gate>,
    began: Instant,
    began_at: SystemTime,
    course: Course,
    decided: Option<(Trail, Option<Cause>)>,
    status: Option<StatusCode>,
    bytes: u64,
    ending: Ending,
}

impl Exchange {
    /// Where spans are wanted, the request's `traceparent` is that of its own from here on.
    pub(super) fn begin<B>(gate: &Arc<Gate>, request: &mut Request<B>) -> Self {
        let Some(wanted) = gate.observer().wants_ends() else {
            return Self(None);
        };
        if let Some(names) = gate.observer().names_to_learn() {
            request.extensions_mut().insert(names.clone());
        }
        let span = wanted.spans.then(|| Span::begin(request.headers_mut()));
        let course = Course::new(span);
        request.extensions_mut().insert(course.clone());
        Self(Some(Box::new(Open {
            gate: Arc::clone(gate),
            began: Instant::now(),
            began_at: gate.now(),
            course,
            decided: None,
            status: None,
            bytes: 0,
            ending: Ending::Abandoned,
        })))
    }

    /// It was decided upon. Without that there is nothing to tell.
    pub(super) fn decided(&mut self, trail: &Trail, cause: Option<&Cause>) {
        if let Some(open) = &mut self.0 {
            open.decided = Some((trail.clone(), cause.cloned()));
        }
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        if let Some(open) = &mut self.0 {
            open.status = Some(status);
        }
    }

    /// Some of the answer was taken.
    pub(super) fn passes(&mut self, bytes: usize) {
        if let Some(open) = &mut self.0 {
            open.bytes = open.bytes.saturating_add(bytes as u64);
        }
    }

    /// There is no more of it, which is told at once.
    pub(super) fn ends(&mut self, ending: Ending) {
        if let Some(mut open) = self.0.take() {
            open.ending = ending;
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // A sink that panics while another panic is on its way would end the process.
        if let Some((trail, cause)) = &self.decided
            && !std::thread::panicking()
        {
            let observer = self.gate.observer();
            observer.finished(&Finished {
                facts: trail.facts(),
                cause: cause.as_ref(),
                upstream: observer.upstream(),
                began: self.began_at,
                duration: self.began.elapsed(),
                status: self.status,
                bytes: self.bytes,
                ending: match self.course.has_failed() {
                    true => Ending::Broken,
                    false => self.ending,
                },
                span: self.course.span(None),
            });
        }
    }
}
