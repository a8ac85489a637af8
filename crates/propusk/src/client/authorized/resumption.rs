//! How often a stream of events is taken up again. `retry: 0` and the end of the stream, again and
//! again, would have a client ask without a pause and for ever.
//!
//! rmcp waits as long as the server asks (`retry`); here a second passes in any case. A server that is
//! in more of a hurry than that, and has nothing to say, is left after a few times. One that lets its
//! clients come back at its leisure is not: that is how it saves open connections during a long task.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::Stream;
use rmcp::transport::streamable_http_client::SseError;
use sse_stream::Sse;
use tokio::time::Instant;

use super::Events;

/// The time between two requests for the same stream.
const PAUSE: Duration = Duration::from_secs(1);

/// How often in a row a stream is taken up again that had to be waited for and brought nothing.
const MOST_HASTY: u32 = 5;

/// How many streams are known that may be taken up again.
const MOST_STREAMS: usize = 256;

/// The streams of one client.
#[derive(Default)]
pub(super) struct Resumptions {
    hashes: RandomState,
    /// By the hash of their last event's id, which may be long; the one used last is the last.
    known: Mutex<VecDeque<(u64, Arc<Progress>)>>,
}

/// How it goes with one stream, over all the answers that it came in.
#[derive(Default)]
pub(super) struct Progress(Mutex<Course>);

#[derive(Default)]
struct Course {
    asked: Option<Instant>,
    hasty: u32,
}

impl Resumptions {
    /// The stream that had this event last; without one it is the stream that belongs to no request.
    pub(super) fn of(&self, last_event_id: Option<&str>) -> Arc<Progress> {
        let hash = self.hashes.hash_one(last_event_id);
        let mut known = lock(&self.known);
        let at = known.iter().position(|(own, _)| *own == hash);
        let progress = at.and_then(|at| known.remove(at)).map(|(_, known)| known);
        let progress = progress.unwrap_or_default();
        keep(&mut known, hash, &progress);
        progress
    }

    fn note(&self, event_id: &str, progress: &Arc<Progress>) {
        let hash = self.hashes.hash_one(Some(event_id));
        let mut known = lock(&self.known);
        known.retain(|(own, other)| *own != hash && !Arc::ptr_eq(other, progress));
        keep(&mut known, hash, progress);
    }

    /// Notes what comes in this stream.
    pub(super) fn follow(self: &Arc<Self>, events: Events, progress: Arc<Progress>) -> Events {
        Box::pin(Followed {
            events,
            progress,
            all: Arc::clone(self),
        })
    }
}

impl Progress {
    /// Waits until the stream may be asked for; `false` where it is not worth it any more.
    pub(super) async fn may_ask(&self) -> bool {
        let at = {
            let mut course = lock(&self.0);
            let now = Instant::now();
            let at = course.asked.map_or(now, |asked| (asked + PAUSE).max(now));
            if at > now {
                course.hasty += 1;
            }
            if course.hasty > MOST_HASTY {
                return false;
            }
            course.asked = Some(at);
            at
        };
        tokio::time::sleep_until(at).await;
        true
    }

    fn brought_something(&self) {
        lock(&self.0).hasty = 0;
    }
}

struct Followed {
    events: Events,
    progress: Arc<Progress>,
    all: Arc<Resumptions>,
}

impl Stream for Followed {
    type Item = Result<Sse, SseError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.events.as_mut().poll_next(cx));
        if let Some(Ok(event)) = &event {
            if event.data.as_ref().is_some_and(|data| !data.is_empty()) {
                self.progress.brought_something();
            }
            if let Some(id) = &event.id {
                self.all.note(id, &self.progress);
            }
        }
        Poll::Ready(event)
    }
}

fn keep(known: &mut VecDeque<(u64, Arc<Progress>)>, hash: u64, progress: &Arc<Progress>) {
    if known.len() >= MOST_STREAMS {
        known.pop_front();
    }
    known.push_back((hash, Arc::clone(progress)));
}

// Nothing panics while one is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
