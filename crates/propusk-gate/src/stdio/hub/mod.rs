//! The sessions and subscribers of clients, which stay while children come and go.

mod notices;
mod sight;
mod wanted;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use propusk::rules::RuleSet;
use rmcp::{
    RoleServer,
    model::{ServerNotification, Tool},
    service::{Peer, SubscriptionSink},
};

use self::notices::Notices;
pub(super) use self::{notices::Reach, sight::Sight, wanted::Wanted};
use super::{asker::User, level::Level, wire::Method};

/// Questions by URL whose end a client is told of.
const MOST_ELICITATIONS: usize = 1000;

/// All that clients keep open at one child.
pub(super) struct Hub {
    serves: Serves,
    state: Mutex<State>,
}

/// Whom a child serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Serves {
    /// Everybody.
    All,
    /// All whose name is not known.
    Strangers,
    /// One known caller.
    One,
}

/// Who has used a child, in all the time of its place: what it knows of one, it may still know after
/// it has been started again.
#[derive(Default)]
enum Users {
    #[default]
    Nobody,
    Only(User),
    Several,
}

#[derive(Default)]
struct State {
    users: Users,
    sessions: HashMap<Arc<str>, Session>,
    listeners: BTreeMap<u64, Listener>,
    next_listener: u64,
    /// Which session was asked to open a URL, by the id of the question.
    elicitations: HashMap<String, Arc<str>>,
    tools: HashMap<String, Tool>,
    /// The lowest level that a request of 2026-07-28 has asked for.
    requests_level: Option<Level>,
}

struct Session {
    /// What its caller may know of, by the rules of its last request.
    sight: Sight,
    peer: Peer<RoleServer>,
    notices: Notices,
    level: Option<Level>,
    uris: BTreeSet<String>,
    /// Counts up with each session.
    age: u64,
}

struct Listener {
    sink: SubscriptionSink,
    notices: Notices,
}

impl Hub {
    pub(super) fn new(serves: Serves) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { serves, state })
    }

    /// Whether whatever the child says is for one and the same caller.
    pub(super) fn serves_one(&self) -> bool {
        self.serves == Serves::One
    }

    /// Whether there is only one child.
    pub(super) fn serves_all(&self) -> bool {
        self.serves == Serves::All
    }

    /// Remembers who uses the child, before anything of theirs gets to it.
    pub(super) fn used_by(&self, user: User) {
        if self.serves_one() {
            return;
        }
        let users = &mut self.state().users;
        match users {
            Users::Nobody => *users = Users::Only(user),
            Users::Only(only) if *only != user => *users = Users::Several,
            Users::Only(_) | Users::Several => {}
        }
    }

    /// Whether what the child does by itself may be on account of one or of another.
    pub(super) fn is_shared(&self) -> bool {
        self.state().is_shared()
    }

    /// A session that has just shown itself.
    pub(super) fn seen(&self, id: &Arc<str>, peer: &Peer<RoleServer>, sight: Sight) {
        let mut state = self.state();
        if let Some(session) = state.sessions.get_mut(id) {
            session.sight = sight;
            return;
        }
        state.next_listener += 1;
        let session = Session {
            sight,
            peer: peer.clone(),
            notices: Notices::to_session(peer.clone()),
            level: None,
            uris: BTreeSet::new(),
            age: state.next_listener,
        };
        state.sessions.insert(Arc::clone(id), session);
    }

    /// Other rules are in force than those of the last request of each session.
    pub(super) fn exchange_rules(&self, rules: &RuleSet) {
        for session in self.state().sessions.values_mut() {
            session.sight.exchange(rules);
        }
    }

    /// Forgets sessions that have ended. Says whether there were any.
    pub(super) fn sweep(&self) -> bool {
        let mut state = self.state();
        let before = state.sessions.len();
        state
            .sessions
            .retain(|_, session| !session.peer.is_transport_closed());
        let State {
            sessions,
            elicitations,
            ..
        } = &mut *state;
        elicitations.retain(|_, id| sessions.contains_key(id));
        before != state.sessions.len()
    }

    pub(super) fn set_level(&self, id: &Arc<str>, level: Level) {
        if let Some(session) = self.state().sessions.get_mut(id) {
            session.level = Some(level);
        }
    }

    pub(super) fn level(&self, id: &Arc<str>) -> Option<Level> {
        self.state().sessions.get(id)?.level
    }

    /// A request of 2026-07-28 asks for its log from this level on. Says whether that is news.
    pub(super) fn asks_level(&self, level: Level) -> bool {
        let mut state = self.state();
        let is_lower = state.requests_level.is_none_or(|lowest| level < lowest);
        if is_lower {
            state.requests_level = Some(level);
        }
        is_lower
    }

    /// Says whether it was not subscribed before.
    pub(super) fn subscribe(&self, id: &Arc<str>, uri: &str) -> bool {
        let mut state = self.state();
        let session = state.sessions.get_mut(id);
        session.is_some_and(|session| session.uris.insert(uri.to_owned()))
    }

    pub(super) fn unsubscribe(&self, id: &Arc<str>, uri: &str) -> bool {
        let mut state = self.state();
        let session = state.sessions.get_mut(id);
        session.is_some_and(|session| session.uris.remove(uri))
    }

    /// Adds a subscriber of 2026-07-28, until what is returned is dropped.
    pub(super) fn listen(self: &Arc<Self>, sink: SubscriptionSink) -> Listening {
        let mut state = self.state();
        state.next_listener += 1;
        let number = state.next_listener;
        let notices = Notices::to_listener(sink.clone());
        state.listeners.insert(number, Listener { sink, notices });
        Listening {
            hub: Arc::clone(self),
            number,
        }
    }

    /// Whether somebody waits for news.
    pub(super) fn is_listened_to(&self) -> bool {
        let state = self.state();
        let mut sessions = state.sessions.values();
        !state.listeners.is_empty() || sessions.any(|session| !session.uris.is_empty())
    }

    pub(super) fn has_sessions(&self) -> bool {
        let state = self.state();
        !(state.sessions.is_empty() && state.listeners.is_empty())
    }

    /// The session that began last.
    pub(super) fn newest(&self) -> Option<(Arc<str>, Peer<RoleServer>)> {
        let state = self.state();
        let open = state
            .sessions
            .iter()
            .filter(|(_, session)| !session.peer.is_transport_closed());
        let (id, session) = open.max_by_key(|(_, session)| session.age)?;
        Some((Arc::clone(id), session.peer.clone()))
    }

    /// Whether a session wants to be told of this.
    pub(super) fn admits(&self, id: &str, grave: Level) -> bool {
        let state = self.state();
        match state.sessions.get(id) {
            Some(session) => state.admits(session, grave),
            None => true,
        }
    }

    /// Remembers which session was asked to open a URL.
    pub(super) fn elicits(&self, id: &str, session: &Arc<str>) {
        let mut state = self.state();
        if state.elicitations.len() < MOST_ELICITATIONS {
            state
                .elicitations
                .insert(id.to_owned(), Arc::clone(session));
        }
    }

    pub(super) fn learn_tools(&self, tools: HashMap<String, Tool>) {
        self.state().tools = tools;
    }

    pub(super) fn tool(&self, name: &str) -> Option<Tool> {
        self.state().tools.get(name).cloned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_shared(&self) -> bool {
        matches!(self.users, Users::Several)
    }

    /// A session that has not said from which level on gets all that the child sends by itself; once
    /// somebody else has asked for more, at least information.
    fn admits(&self, session: &Session, grave: Level) -> bool {
        let mut sessions = self.sessions.values();
        let any = self.requests_level.is_some() || sessions.any(|other| other.level.is_some());
        match session.level {
            Some(from) => grave >= from,
            None => !any || grave >= Level::Info,
        }
    }
}

/// A subscriber; forgotten when dropped.
pub(super) struct Listening {
    hub: Arc<Hub>,
    number: u64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.hub.state().listeners.remove(&self.number);
    }
}

/// A notification of the child as rmcp's type.
pub(super) fn typed(told: Method) -> Option<ServerNotification> {
    serde_json::from_value(told.into_value()).ok()
}
