//! Who opened which 2025-11-25 session. A session id is no credential (MCP Security Best
//! Practices, session hijacking): each belongs to the principal of its `initialize` request.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use http::{HeaderMap, HeaderName, Method};
use tokio_util::sync::CancellationToken;

use super::session_table::{Owner, SessionTable};
use crate::SessionLimits;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");

/// The first revision without sessions. Revisions are dates and compare as text.
const FIRST_WITHOUT_SESSIONS: &str = "2026-07-28";

type EndHook = Arc<dyn Fn(&str) + Send + Sync>;

/// The sessions that this layer has seen opened.
pub(super) struct Sessions {
    table: Mutex<SessionTable>,
    end_hooks: Mutex<Vec<EndHook>>,
}

/// The session of a request is unknown, or another's; which of them is not told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnknownSession;

/// A request or a stream inside a session. While it lives the session is not idle.
pub(super) struct SessionUse {
    sessions: Arc<Sessions>,
    owner: Owner,
    id: String,
    end: CancellationToken,
}

impl Sessions {
    pub(super) fn new(limits: SessionLimits) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::new(SessionTable::new(limits, Instant::now())),
            end_hooks: Mutex::default(),
        })
    }

    /// Sets other limits. What is over them ends as if it had become so now.
    pub(super) fn limit(&self, limits: SessionLimits) {
        let ended = lock(&self.table).limit(limits, Instant::now());
        self.say_ended(&ended);
    }

    /// Has this called with the id of every session that a limit ends.
    pub(super) fn on_end(&self, hook: EndHook) {
        lock(&self.end_hooks).push(hook);
    }

    /// Checks the session that a request names against its caller, and marks it as in use.
    ///
    /// A request of a revision without sessions loses the header instead, as if it had not been
    /// sent: that revision says to ignore it.
    pub(super) fn check(
        self: &Arc<Self>,
        headers: &mut HeaderMap,
        owner: Owner,
    ) -> Result<Option<SessionUse>, UnknownSession> {
        let mut ids = headers.get_all(SESSION_ID).iter();
        let id = match (ids.next(), ids.next()) {
            (None, _) => return Ok(None),
            (Some(id), None) => id.to_str().map_err(|_| UnknownSession)?.to_owned(),
            (Some(_), Some(_)) => return Err(UnknownSession),
        };
        if is_sessionless(headers) {
            headers.remove(SESSION_ID);
            return Ok(None);
        }
        let (ended, end) = {
            let (mut table, now) = (lock(&self.table), Instant::now());
            (table.sweep_if_due(now), table.begin_use(&owner, &id, now))
        };
        self.say_ended(&ended);
        Ok(Some(SessionUse {
            sessions: Arc::clone(self),
            owner,
            id,
            end: end.ok_or(UnknownSession)?,
        }))
    }

    /// Remembers the session that a response opens, if it does.
    pub(super) fn learn(&self, response: &HeaderMap, owner: Owner) {
        let Some(id) = opened_by(response) else {
            return;
        };
        let ended = lock(&self.table).insert(owner, id.to_owned(), Instant::now());
        self.say_ended(&ended);
    }

    /// Ends the session that a response opens, if it does, since nobody is there to use it.
    pub(super) fn discard(&self, response: &HeaderMap) {
        if let Some(id) = opened_by(response) {
            tracing::debug!("a session whose client has gone is closed");
            self.call_hooks(&[id.to_owned()]);
        }
    }

    /// How many there are, without those that have idled too long.
    pub(super) fn count(&self) -> usize {
        let (ended, count) = {
            let mut table = lock(&self.table);
            (table.sweep(Instant::now()), table.len())
        };
        self.say_ended(&ended);
        count
    }

    /// Outside of the lock of the table, since a hook may do anything.
    fn say_ended(&self, ids: &[String]) {
        if ids.is_empty() {
            return;
        }
        tracing::info!(sessions = ids.len(), "ended by a limit");
        self.call_hooks(ids);
    }

    fn call_hooks(&self, ids: &[String]) {
        let hooks = lock(&self.end_hooks).clone();
        for (hook, id) in hooks
            .iter()
            .flat_map(|hook| ids.iter().map(move |id| (hook, id)))
        {
            hook(id);
        }
    }
}

impl SessionUse {
    /// Cancelled when the session ends.
    pub(super) fn ended(&self) -> &CancellationToken {
        &self.end
    }

    /// The client has ended the session.
    pub(super) fn forget(&self) {
        lock(&self.sessions.table).remove(&self.owner, &self.id);
    }
}

impl Drop for SessionUse {
    fn drop(&mut self) {
        lock(&self.sessions.table).end_use(&self.owner, &self.id, Instant::now());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No change of these is left half done by a panic: hooks run outside of the locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The session that a response opens.
pub(super) fn opened_by(response: &HeaderMap) -> Option<&str> {
    response.get(SESSION_ID)?.to_str().ok()
}

/// Whether rmcp might open a session for a request that names none. It does so for `initialize`,
/// whatever version that names; a newer request says by a header of its own what it asks for.
pub(super) fn may_open_session(method: &Method, headers: &HeaderMap) -> bool {
    let mut asks = headers.get_all(METHOD).iter().peekable();
    let is_another = is_sessionless(headers) && asks.peek().is_some();
    *method == Method::POST && (!is_another || asks.any(|method| method == "initialize"))
}

fn is_sessionless(headers: &HeaderMap) -> bool {
    let mut versions = headers.get_all(PROTOCOL_VERSION).iter();
    match (
        versions.next().and_then(|v| v.to_str().ok()),
        versions.next(),
    ) {
        (Some(version), None) => version >= FIRST_WITHOUT_SESSIONS,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccessToken;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("header"));
        }
        headers
    }

    #[test]
    fn what_may_open_a_session() {
        let (modern, older) = (
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-protocol-version", "2025-11-25"),
        );
        let calls = ("mcp-method", "tools/call");
        let opens = ("mcp-method", "initialize");
        for (pairs, expected) in [
            (&[][..], true),
            (&[older], true),
            // rmcp does not look at the method's header then.
            (&[older, calls], true),
            (&[calls], true),
            (&[modern], true),
            (&[modern, opens], true),
            (&[modern, calls, opens], true),
            (&[modern, calls], false),
        ] {
            let headers = headers(pairs);
            assert_eq!(
                may_open_session(&Method::POST, &headers),
                expected,
                "{pairs:?}"
            );
            assert!(!may_open_session(&Method::GET, &headers), "{pairs:?}");
        }
    }

    fn owner(subject: &str) -> Owner {
        Some(AccessToken::new(subject).principal().clone())
    }

    fn is_known(sessions: &Arc<Sessions>, id: &str, owner: &Owner) -> bool {
        let mut headers = headers(&[("mcp-session-id", id)]);
        matches!(sessions.check(&mut headers, owner.clone()), Ok(Some(_)))
    }

    #[test]
    fn only_the_principal_that_opened_a_session_may_use_it() {
        let sessions = Sessions::new(SessionLimits::default());
        let (alice, bob) = (owner("alice"), owner("bob"));
        sessions.learn(&headers(&[("mcp-session-id", "a")]), alice.clone());
        sessions.learn(&headers(&[("mcp-session-id", "nobody")]), None);
        for (id, owner, known) in [
            ("a", &alice, true),
            ("nobody", &None, true),
            ("a", &bob, false),
            ("a", &None, false),
            ("nobody", &alice, false),
            ("other", &alice, false),
            ("A", &alice, false),
        ] {
            assert_eq!(is_known(&sessions, id, owner), known, "{id} {owner:?}");
        }
        let in_use = sessions
            .check(&mut headers(&[("mcp-session-id", "a")]), alice.clone())
            .ok()
            .flatten()
            .expect("hers");
        in_use.forget();
        assert!(in_use.ended().is_cancelled());
        drop(in_use);
        assert!(!is_known(&sessions, "a", &alice));
        assert_eq!(sessions.count(), 1);
    }

    #[test]
    fn a_session_id_does_not_ride_on_a_revision_without_sessions() {
        let sessions = Sessions::new(SessionLimits::default());
        let mut modern = headers(&[
            ("mcp-session-id", "x"),
            ("mcp-protocol-version", "2026-07-28"),
        ]);
        assert!(matches!(sessions.check(&mut modern, None), Ok(None)));
        assert!(!modern.contains_key(SESSION_ID), "the header is gone");
        for legacy in [
            &[
                ("mcp-session-id", "x"),
                ("mcp-protocol-version", "2025-11-25"),
            ][..],
            &[("mcp-session-id", "x"), ("mcp-session-id", "x")],
            &[
                ("mcp-session-id", "x"),
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-protocol-version", "2025-11-25"),
            ],
        ] {
            let outcome = sessions.check(&mut headers(legacy), None);
            assert!(outcome.is_err(), "{legacy:?}");
        }
    }

    #[test]
    fn hooks_hear_of_every_session_that_a_limit_ends_and_of_no_other() {
        let sessions = Sessions::new(SessionLimits::default().in_all(2));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = Arc::clone(&heard);
        sessions.on_end(Arc::new(move |id| lock(&hear).push(id.to_owned())));
        for id in ["1", "2", "3"] {
            sessions.learn(&headers(&[("mcp-session-id", id)]), None);
        }
        let mut third = headers(&[("mcp-session-id", "3")]);
        let in_use = sessions.check(&mut third, None).ok().flatten();
        in_use.expect("there").forget();
        assert_eq!(*lock(&heard), ["1"]);
    }
}
