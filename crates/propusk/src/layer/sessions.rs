//! Who opened which 2025-11-25 session. A session id is no credential (MCP Security Best
//! Practices, session hijacking): each belongs to the principal of its `initialize` request.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName};

use crate::Principal;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// The first revision without sessions. Revisions are dates and compare as text.
const FIRST_WITHOUT_SESSIONS: &str = "2026-07-28";

/// A session that nobody has used for this long is forgotten; its client opens a new one.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// More sessions than this and the one that idled longest is forgotten.
const MOST: usize = 10_000;

/// The owners of the sessions that this layer has seen opened.
#[derive(Default)]
pub(super) struct Sessions {
    owners: Mutex<HashMap<String, Owned>>,
}

struct Owned {
    /// `None`: an anonymous caller opened it.
    by: Option<Principal>,
    last_used: Instant,
}

/// The session of a request is unknown, or another's; which of them is not told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnknownSession;

impl Sessions {
    /// Checks the session that a request names against its caller, and returns it.
    ///
    /// A request of a revision without sessions loses the header instead, as if it had not been
    /// sent: that revision says to ignore it.
    pub(super) fn check(
        &self,
        headers: &mut HeaderMap,
        caller: Option<&Principal>,
    ) -> Result<Option<String>, UnknownSession> {
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
        let mut owners = self.lock();
        let owned = owners
            .get_mut(&id)
            .filter(|owned| owned.by.as_ref() == caller);
        owned.ok_or(UnknownSession)?.last_used = Instant::now();
        Ok(Some(id))
    }

    /// Remembers the session that a response opens, if it does.
    pub(super) fn learn(&self, response: &HeaderMap, caller: Option<Principal>) {
        let Some(id) = response.get(SESSION_ID).and_then(|id| id.to_str().ok()) else {
            return;
        };
        let mut owners = self.lock();
        if owners.len() >= MOST {
            make_room(&mut owners);
        }
        owners.insert(
            id.to_owned(),
            Owned {
                by: caller,
                last_used: Instant::now(),
            },
        );
    }

    /// Forgets a session that has ended.
    pub(super) fn forget(&self, id: &str) {
        self.lock().remove(id);
    }

    /// How many are remembered.
    pub(super) fn open(&self) -> u64 {
        u64::try_from(self.lock().len()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Owned>> {
        // Every change is a single insertion or removal, so a panic elsewhere leaves no half of one.
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

fn make_room(owners: &mut HashMap<String, Owned>) {
    owners.retain(|_, owned| owned.last_used.elapsed() < IDLE);
    if owners.len() >= MOST {
        let idlest = owners
            .iter()
            .min_by_key(|(_, owned)| owned.last_used)
            .map(|(id, _)| id.clone());
        idlest.and_then(|id| owners.remove(&id));
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

    fn principal(subject: &str) -> Principal {
        AccessToken::new(subject).principal().clone()
    }

    #[test]
    fn only_the_principal_that_opened_a_session_may_use_it() {
        let sessions = Sessions::default();
        let (alice, bob) = (principal("alice"), principal("bob"));
        sessions.learn(&headers(&[("mcp-session-id", "a")]), Some(alice.clone()));
        sessions.learn(&headers(&[("mcp-session-id", "nobody")]), None);
        let check =
            |id: &str, caller| sessions.check(&mut headers(&[("mcp-session-id", id)]), caller);
        assert_eq!(check("a", Some(&alice)), Ok(Some("a".to_owned())));
        assert_eq!(check("nobody", None), Ok(Some("nobody".to_owned())));
        for (id, caller) in [
            ("a", Some(&bob)),
            ("a", None),
            ("nobody", Some(&alice)),
            ("other", Some(&alice)),
            ("A", Some(&alice)),
        ] {
            assert_eq!(check(id, caller), Err(UnknownSession), "{id} {caller:?}");
        }
        sessions.forget("a");
        assert_eq!(check("a", Some(&alice)), Err(UnknownSession));
    }

    #[test]
    fn a_session_id_does_not_ride_on_a_revision_without_sessions() {
        let sessions = Sessions::default();
        let mut modern = headers(&[
            ("mcp-session-id", "x"),
            ("mcp-protocol-version", "2026-07-28"),
        ]);
        assert_eq!(sessions.check(&mut modern, None), Ok(None));
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
            assert_eq!(
                sessions.check(&mut headers(legacy), None),
                Err(UnknownSession),
                "{legacy:?}"
            );
        }
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let sessions = Sessions::default();
        for n in 0..MOST + 10 {
            sessions.learn(&headers(&[("mcp-session-id", &n.to_string())]), None);
        }
        assert_eq!(sessions.lock().len(), MOST);
    }
}
