//! Calls that wait for an answer of a client that can only be asked by an answer.
//!
//! A 2025-11-25 server asks in the middle of a call; a 2026-07-28 client cannot be asked then. So the
//! call goes on at the server, and the client is answered that input is required, with the question.
//! When it asks again with the answer, the call is found by the request state and goes on.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    asker::Owner,
    link::{Flight, Link, Question},
};

/// Calls that may wait.
const MOST: usize = 1000;

/// Of which one caller may have this many.
const MOST_OF_ONE: usize = 16;

/// All calls that wait, by their request state.
#[derive(Default)]
pub(super) struct Parked(Mutex<HashMap<String, Waiting>>);

/// A call that waits.
pub(super) struct Waiting {
    pub(super) link: Arc<Link>,
    pub(super) flight: Flight,
    pub(super) question: Question,
    /// Whose call it is.
    pub(super) owner: Owner,
    pub(super) method: &'static str,
}

impl Parked {
    /// Keeps a call for a while. What has no room is given back.
    pub(super) fn keep(
        self: &Arc<Self>,
        waiting: Waiting,
        while_: Duration,
    ) -> Result<String, Box<Waiting>> {
        let Ok(state) = random() else {
            return Err(Box::new(waiting));
        };
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = calls.values().filter(|call| call.owner == waiting.owner);
        if calls.len() >= MOST || own.count() >= MOST_OF_ONE {
            return Err(Box::new(waiting));
        }
        calls.insert(state.clone(), waiting);
        drop(calls);
        let (parked, expired) = (Arc::downgrade(self), state.clone());
        tokio::spawn(async move {
            tokio::time::sleep(while_).await;
            let waiting = parked.upgrade().and_then(|parked| parked.remove(&expired));
            if let Some(Waiting { flight, .. }) = waiting {
                flight.cancel("the client did not answer in time");
            }
        });
        Ok(state)
    }

    /// The call of this caller that waits under this state.
    pub(super) fn take(&self, state: &str, owner: &Owner, method: &str) -> Option<Waiting> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_own = |call: &Waiting| call.owner == *owner && call.method == method;
        calls.get(state).filter(|call| is_own(call))?;
        calls.remove(state)
    }

    fn remove(&self, state: &str) -> Option<Waiting> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.remove(state)
    }
}

/// A name that cannot be guessed.
fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
