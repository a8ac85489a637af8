//! The open `subscriptions/listen` streams (2026-07-28, basic/patterns/subscriptions).

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rmcp::service::SubscriptionSink;

/// Everyone who listens at the moment.
#[derive(Debug, Default)]
pub(crate) struct Subscribers {
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    taken: BTreeMap<u64, SubscriptionSink>,
}

/// One listener's place, given up on drop: also when the request is cancelled half way.
#[derive(Debug)]
pub(crate) struct Seat<'a> {
    subscribers: &'a Subscribers,
    number: u64,
}

impl Subscribers {
    /// Adds a listener for as long as the returned seat lives.
    pub(crate) fn join(&self, sink: SubscriptionSink) -> Seat<'_> {
        let mut seats = self.seats();
        let number = seats.next;
        seats.next += 1;
        seats.taken.insert(number, sink);
        Seat {
            subscribers: self,
            number,
        }
    }

    /// Tells everyone who asked for it that the list of tools changed.
    pub(crate) async fn tools_changed(&self) {
        for sink in self.sinks() {
            // A listener that filtered this out, or has just left, is no failure.
            let _ = sink.notify_tool_list_changed().await;
        }
    }

    /// Tells everyone who asked for it that the list of prompts changed.
    pub(crate) async fn prompts_changed(&self) {
        for sink in self.sinks() {
            let _ = sink.notify_prompt_list_changed().await;
        }
    }

    /// A copy, so that the lock is not held while a slow client is written to.
    fn sinks(&self) -> Vec<SubscriptionSink> {
        self.seats().taken.values().cloned().collect()
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        // Each change of the map is a single call: a panic elsewhere cannot leave it half done.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.subscribers.seats().taken.remove(&self.number);
    }
}
