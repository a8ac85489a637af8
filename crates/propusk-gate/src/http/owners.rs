//! Whose what is that an upstream gives its clients to keep: task ids, request states, and the ids of
//! events outside of sessions. The upstream may know nobody, so the gate remembers to whom it has told
//! what, and lets nobody else come with it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use propusk::{AccessToken, Principal};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::events::lines;

/// Of each principal; beyond that its own oldest are forgotten.
const MOST_OF_ONE: usize = 1024;

/// Of all together; beyond that the older half of whoever has most is forgotten.
const MOST_IN_ALL: usize = 128 * 1024;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Task,
    State,
    Event,
}

/// What all principals have been told. What is not known here is nobody's.
#[derive(Default)]
pub(super) struct Owners(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// All anonymous callers are one.
    told: HashMap<Option<Principal>, VecDeque<[u8; 32]>>,
    in_all: usize,
}

/// Takes note for one caller.
#[derive(Clone)]
pub(super) struct Learner {
    owners: Arc<Owners>,
    /// Apart, since there are many. `None` in a session, whose ids they are then.
    events: Option<Arc<Owners>>,
    owner: Option<Principal>,
}

impl Learner {
    pub(super) fn new(owners: &Arc<Owners>, caller: Option<&AccessToken>) -> Self {
        Self {
            owners: Arc::clone(owners),
            events: None,
            owner: caller.map(AccessToken::principal).cloned(),
        }
    }

    /// One that takes note of the ids of events, too.
    pub(super) fn of_events(mut self, events: &Arc<Owners>) -> Self {
        self.events = Some(Arc::clone(events));
        self
    }

    /// Whether this caller may come with the id of an event: it has been told of it, or its session
    /// has.
    pub(super) fn may_resume(&self, id: &[u8]) -> bool {
        let Some(events) = &self.events else {
            return true;
        };
        str::from_utf8(id).is_ok_and(|id| self.is_in(events, Kind::Event, id))
    }

    /// Whether this caller has been told this.
    pub(super) fn has(&self, kind: Kind, id: &str) -> bool {
        self.is_in(&self.owners, kind, id)
    }

    fn is_in(&self, owners: &Owners, kind: Kind, id: &str) -> bool {
        let table = owners.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = table.told.get(&self.owner);
        own.is_some_and(|own| own.contains(&digest(kind, id)))
    }

    /// Whether there may be something to learn from a text. What is written in another way (with
    /// escapes) is not learned, so that nobody can use it.
    pub(super) fn may_learn_from(&self, text: &[u8]) -> bool {
        let has = |name: &[u8]| text.windows(name.len()).any(|part| part == name);
        has(b"\"taskId\"") || has(b"\"requestState\"")
    }

    /// Takes note of the id of an event to this caller (WHATWG HTML §9.2.6).
    pub(super) fn learn_id(&self, event: &[u8]) {
        let Some(events) = &self.events else {
            return;
        };
        let Ok(event) = str::from_utf8(event) else {
            return;
        };
        let ids = lines(event).filter_map(|line| line.strip_prefix("id:"));
        // A header has no white space around it.
        if let Some(id) = ids.last().map(str::trim).filter(|id| !id.is_empty()) {
            self.note_in(events, Kind::Event, id);
        }
    }

    /// Takes note of what a message to this caller tells.
    pub(super) fn learn(&self, message: &str) {
        if !self.may_learn_from(message.as_bytes()) {
            return;
        }
        let Ok(Answer { result: Some(told) }) = serde_json::from_str(message) else {
            return;
        };
        let task = told.task.as_ref().and_then(|task| task.get("taskId"));
        let tasks = [told.task_id.as_ref(), task];
        for id in tasks.into_iter().flatten().filter_map(Value::as_str) {
            self.note(Kind::Task, id);
        }
        if let Some(state) = told.state.as_ref().and_then(Value::as_str) {
            self.note(Kind::State, state);
        }
    }

    fn note(&self, kind: Kind, id: &str) {
        self.note_in(&self.owners, kind, id);
    }

    fn note_in(&self, owners: &Owners, kind: Kind, id: &str) {
        let mut table = owners.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.insert(&self.owner, digest(kind, id));
    }
}

impl Table {
    fn insert(&mut self, owner: &Option<Principal>, what: [u8; 32]) {
        let own = self.told.entry(owner.clone()).or_default();
        if own.contains(&what) {
            return;
        }
        own.push_back(what);
        self.in_all += 1;
        if own.len() > MOST_OF_ONE {
            own.pop_front();
            self.in_all -= 1;
        }
        if self.in_all > MOST_IN_ALL
            && let Some(most) = self.told.values_mut().max_by_key(|own| own.len())
        {
            let half = most.len().div_ceil(2);
            most.drain(..half);
            self.in_all -= half;
            self.told.retain(|_, own| !own.is_empty());
        }
    }
}

fn digest(kind: Kind, id: &str) -> [u8; 32] {
    let kind: &[u8] = match kind {
        Kind::Task => b"task ",
        Kind::State => b"state ",
        Kind::Event => b"event ",
    };
    Sha256::new()
        .chain_update(kind)
        .chain_update(id)
        .finalize()
        .into()
}

#[derive(Deserialize)]
struct Answer {
    result: Option<Told>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(rename = "taskId")]
    task_id: Option<Value>,
    /// Of 2025-11-25.
    task: Option<Value>,
    #[serde(rename = "requestState")]
    state: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learner(owners: &Arc<Owners>, subject: &str) -> Learner {
        Learner::new(owners, Some(&AccessToken::new(subject)))
    }

    #[test]
    fn what_one_was_told_is_no_others_and_the_oldest_is_forgotten() {
        let owners = Arc::default();
        let (alice, bob) = (learner(&owners, "alice"), learner(&owners, "bob"));
        alice.learn(r#"{"result":{"task":{"taskId":"a"},"requestState":"s"}}"#);
        assert!(alice.has(Kind::Task, "a") && alice.has(Kind::State, "s"));
        assert!(!alice.has(Kind::State, "a"));
        assert!(!bob.has(Kind::Task, "a") && !bob.has(Kind::State, "s"));
        // Whoever makes many pushes out only his own.
        for n in 0..=MOST_OF_ONE {
            bob.learn(&format!(r#"{{"result":{{"taskId":"{n}"}}}}"#));
        }
        assert!(!bob.has(Kind::Task, "0") && bob.has(Kind::Task, "1"));
        assert!(alice.has(Kind::Task, "a"));
    }

    #[test]
    fn all_together_have_a_most() {
        let owners = Arc::<Owners>::default();
        for n in 0..=MOST_IN_ALL / 1000 {
            let someone = learner(&owners, &n.to_string());
            for id in 0..1000 {
                someone.note(Kind::Task, &id.to_string());
            }
        }
        assert!(owners.0.lock().expect("not poisoned").in_all <= MOST_IN_ALL);
    }
}
