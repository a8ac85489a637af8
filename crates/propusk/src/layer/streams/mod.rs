//! A stream does not outlive its token: it ends when the token expires or is revoked.
//!
//! One task watches for all streams, and only while there are any. It looks at the expiry of each
//! token and asks the verifier again, once per interval for each token however many streams hang
//! on it. Where the layer gets other settings or another verifier, everything is looked at by those,
//! and where it gets other rules, by them.

mod watching;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime},
};

use sha2::{Digest, Sha256};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{gate::Gate, opened::Opened, trail::Trail};
use crate::{
    AccessToken, AuthSettings, Presented,
    decide::{decide, within_scopes},
    rules::RuleSet,
};

/// So many tokens are verified again at the same time: an identity server is not flooded.
const QUESTIONS_AT_ONCE: usize = 64;

/// The digest of a token's text, so that no map of secrets comes about.
type Key = [u8; 32];

/// The tokens with open streams.
pub(super) struct Streams {
    state: Mutex<State>,
    /// Told when a token comes that expires before the next look.
    sooner: Notify,
    questions: Semaphore,
}

#[derive(Default)]
struct State {
    tokens: HashMap<Key, Watched>,
    /// Those of callers without a token. Only other settings or rules can end them.
    nobodys: HashMap<u64, Carried>,
    next_id: u64,
    /// When the watching task looks next; `None`: there is no such task.
    next_look: Option<Instant>,
}

struct Watched {
    token: AccessToken,
    streams: HashMap<u64, Carried>,
    end: CancellationToken,
    /// `None`: not since the verifier was exchanged.
    asked: Option<Instant>,
    asking: bool,
}

/// A stream as its token carries it.
#[derive(Clone)]
struct Carried {
    opened: Arc<Opened>,
    /// Cancelled with the token's own.
    end: CancellationToken,
}

/// One open stream.
pub(super) struct StreamUse {
    streams: Arc<Streams>,
    /// `None`: nobody's.
    key: Option<Key>,
    id: u64,
    end: CancellationToken,
}

impl Streams {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            sooner: Notify::new(),
            questions: Semaphore::new(QUESTIONS_AT_ONCE),
        })
    }

    /// How many streams are open.
    pub(super) fn count(&self) -> usize {
        self.lock()
            .tokens
            .values()
            .map(|watched| watched.streams.len())
            .sum()
    }

    /// Notes a stream that was opened with this token, or without one, by the request of this trail.
    /// `None` where the token has no text to ask about.
    pub(super) fn open(
        gate: &Arc<Gate>,
        token: Option<&AccessToken>,
        trail: &Trail,
    ) -> Option<StreamUse> {
        let opened = Arc::new(Opened::by(trail));
        let stream = Self::note(gate, token, &opened)?;
        // Other rules may have come while it was opened, and have not seen it.
        let newest = gate.home().upgrade().map(|gates| gates.current());
        if let Some(newest) = newest
            && let Some(rules) = newest.rules().current()
            && !trail.rules().is_some_and(|judged| judged.is(&rules))
        {
            Carried::new(&opened, &stream.end).judge_again(&rules, token, newest.now());
        }
        Some(stream)
    }

    fn note(
        gate: &Arc<Gate>,
        token: Option<&AccessToken>,
        opened: &Arc<Opened>,
    ) -> Option<StreamUse> {
        let streams = gate.streams();
        let Some(token) = token else {
            let opened = streams.note_nobodys(opened);
            // Other settings may have come while it was opened, and have not seen it.
            match gate.home().upgrade() {
                None => streams.end_all_nobodys(),
                Some(gates) if !gate.is_current() => {
                    streams.end_nobodys(gates.current().settings());
                }
                Some(_) => {}
            }
            return Some(opened);
        };
        let key = Sha256::digest(token.expose_token_text()?.as_bytes()).into();
        let (id, end, next_look) = {
            let mut state = streams.lock();
            let (id, end) = state.note(key, token, opened);
            // Outside of the lock a task is started; here it is only announced.
            let before = state.next_look;
            state.next_look = before.or_else(|| Some(Instant::now()));
            (id, end, before)
        };
        match next_look {
            None => watching::begin(gate),
            Some(next) if gate.expires_before(token, next) => streams.sooner.notify_one(),
            Some(_) => {}
        }
        Some(streams.used(Some(key), id, end))
    }

    /// Has everything looked at by other settings, and asked about again.
    pub(super) fn look_again(&self, settings: &AuthSettings) {
        for watched in self.lock().tokens.values_mut() {
            watched.asked = None;
            // An answer of the former verifier counts for nothing, and nobody waits for it.
            watched.asking = false;
        }
        self.sooner.notify_one();
        self.end_nobodys(settings);
    }

    /// Ends those streams that nobody watches once their layer is gone.
    pub(super) fn end_all_nobodys(&self) {
        let state = self.lock();
        let nobodys = state.nobodys.values();
        nobodys.for_each(|stream| stream.end.cancel());
    }

    /// Ends what these rules do not allow. They are asked outside of the lock: it may take them long.
    pub(super) fn judge_again(&self, rules: &RuleSet, now: SystemTime) {
        let open: Vec<_> = {
            let state = self.lock();
            let nobodys = state.nobodys.values().map(|stream| (None, stream));
            let of_tokens = state.tokens.values().flat_map(|watched| {
                let streams = watched.streams.values();
                streams.map(|stream| (Some(&watched.token), stream))
            });
            let all = nobodys.chain(of_tokens);
            let open = all.filter(|(_, stream)| !stream.end.is_cancelled());
            open.map(|(token, stream)| (token.cloned(), stream.clone()))
                .collect()
        };
        for (token, stream) in open {
            stream.judge_again(rules, token.as_ref(), now);
        }
    }

    fn note_nobodys(self: &Arc<Self>, opened: &Arc<Opened>) -> StreamUse {
        let mut state = self.lock();
        let (id, end) = (state.new_id(), CancellationToken::new());
        state.nobodys.insert(id, Carried::new(opened, &end));
        drop(state);
        self.used(None, id, end)
    }

    /// Ends the streams that nobody may open without a token any more.
    fn end_nobodys(&self, settings: &AuthSettings) {
        let now = SystemTime::now();
        for stream in self.lock().nobodys.values() {
            let allowed = decide(settings, stream.opened.operation(), Presented::Nothing, now);
            if allowed.is_err() && !stream.end.is_cancelled() {
                tracing::info!("a stream ends that needs a token by now");
                stream.end.cancel();
            }
        }
    }

    fn used(self: &Arc<Self>, key: Option<Key>, id: u64, end: CancellationToken) -> StreamUse {
        StreamUse {
            streams: Arc::clone(self),
            key,
            id,
            end,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(
        &mut self,
        key: Key,
        token: &AccessToken,
        opened: &Arc<Opened>,
    ) -> (u64, CancellationToken) {
        let id = self.new_id();
        let watched = self
            .tokens
            .entry(key)
            .or_insert_with(|| Watched::new(token));
        if watched.end.is_cancelled() {
            // It was refused a moment ago and has just been accepted again.
            let streams = std::mem::take(&mut watched.streams);
            *watched = Watched::new(token);
            watched.streams = streams;
        }
        let end = watched.end.child_token();
        watched.streams.insert(id, Carried::new(opened, &end));
        (id, end)
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

impl Carried {
    fn new(opened: &Arc<Opened>, end: &CancellationToken) -> Self {
        Self {
            opened: Arc::clone(opened),
            end: end.clone(),
        }
    }

    /// Ends it where these rules do not allow it.
    fn judge_again(&self, rules: &RuleSet, token: Option<&AccessToken>, now: SystemTime) {
        if let Some(reason) = self.opened.ended_by(rules, token, now) {
            let caller = token.map(AccessToken::principal);
            let operation = self.opened.operation();
            tracing::info!(?caller, %operation, reason, "a stream ends that the rules do not allow by now");
            self.end.cancel();
        }
    }
}

impl Watched {
    fn new(token: &AccessToken) -> Self {
        Self {
            token: token.clone(),
            streams: HashMap::new(),
            end: CancellationToken::new(),
            asked: Some(Instant::now()),
            asking: false,
        }
    }

    /// Ends the streams whose own operation this token may no longer do.
    fn end_what_is_refused(&self, settings: &AuthSettings) {
        let token = Some(&self.token);
        for stream in self.streams.values().filter(|s| !s.end.is_cancelled()) {
            if within_scopes(settings, stream.opened.operation(), token).is_err() {
                let caller = self.token.principal();
                tracing::info!(?caller, "a stream ends for which scopes are missing by now");
                stream.end.cancel();
            }
        }
    }

    fn end_for(&mut self, reason: &'static str) {
        tracing::info!(caller = ?self.token.principal(), reason, "streams end with their token");
        self.end.cancel();
    }
}

impl StreamUse {
    /// Cancelled when the token no longer carries the stream.
    pub(super) fn ended(&self) -> &CancellationToken {
        &self.end
    }
}

impl Drop for StreamUse {
    fn drop(&mut self) {
        let mut state = self.streams.lock();
        let Some(key) = self.key else {
            state.nobodys.remove(&self.id);
            return;
        };
        if let Some(watched) = state.tokens.get_mut(&key) {
            watched.streams.remove(&self.id);
            if watched.streams.is_empty() {
                state.tokens.remove(&key);
            }
        }
    }
}
