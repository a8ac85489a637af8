//! Tokens that were issued to the gate, kept until near their end: for the gate as a whole, or for
//! each caller. However many requests wait for one, it is asked for once.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use propusk::client::IssuedToken;
use tokio::sync::Mutex as Flight;
use zeroize::Zeroizing;

use super::{CredentialsError, CredentialsErrorKind};

/// How long before its end a token is replaced, but not before half of its life is over.
const MARGIN: Duration = Duration::from_secs(30);

/// How long a token is kept whose issuer does not say how long it is valid.
const UNSAID: Duration = Duration::from_secs(300);

/// How long a failure is the answer to others who ask for the same.
const PAUSE: Duration = Duration::from_secs(5);

/// How many are remembered.
const MOST: usize = 10_000;

pub(super) struct Kept<K> {
    slots: Mutex<HashMap<K, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    /// Whoever holds it asks.
    flight: Flight<()>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    failed: Option<(Instant, CredentialsError)>,
}

struct Token {
    header: HeaderValue,
    renew_at: SystemTime,
    expires_at: SystemTime,
}

enum Look {
    Fresh(HeaderValue),
    Ageing(HeaderValue),
    Failed(CredentialsError),
    Nothing,
}

impl<K: Hash + Eq + Clone> Kept<K> {
    pub(super) fn new() -> Self {
        Self {
            slots: Mutex::default(),
        }
    }

    /// The `Authorization` header with the token that is kept under this key, or with the one that
    /// `ask` gets. It is not kept beyond `end`.
    pub(super) async fn headers<F>(
        &self,
        key: &K,
        end: Option<SystemTime>,
        ask: impl FnOnce() -> F,
    ) -> Result<HeaderMap, CredentialsError>
    where
        F: Future<Output = Result<IssuedToken, CredentialsError>>,
    {
        let header = self.header(key, end, ask).await?;
        Ok(HeaderMap::from_iter([(AUTHORIZATION, header)]))
    }

    async fn header<F>(
        &self,
        key: &K,
        end: Option<SystemTime>,
        ask: impl FnOnce() -> F,
    ) -> Result<HeaderValue, CredentialsError>
    where
        F: Future<Output = Result<IssuedToken, CredentialsError>>,
    {
        let slot = self.slot(key);
        match slot.look() {
            Look::Fresh(header) => return Ok(header),
            Look::Failed(error) => return Err(error),
            Look::Ageing(header) => {
                let Ok(_asking) = slot.flight.try_lock() else {
                    return Ok(header);
                };
                // The old one is good for a while.
                return Ok(slot.take(ask().await, end).unwrap_or(header));
            }
            Look::Nothing => {}
        }
        let _asking = slot.flight.lock().await;
        match slot.look() {
            Look::Fresh(header) | Look::Ageing(header) => Ok(header),
            Look::Failed(error) => Err(error),
            Look::Nothing => slot.take(ask().await, end),
        }
    }

    /// Forgets a token that was refused. Whether another one may be had: also where it was replaced
    /// meanwhile.
    pub(super) fn forget(&self, key: &K, refused: &HeaderMap) -> bool {
        let slot = self.slot(key);
        let mut state = slot.state();
        if state.token.as_ref().map(|token| &token.header) == refused.get(AUTHORIZATION) {
            state.token = None;
        }
        true
    }

    fn slot(&self, key: &K) -> Arc<Slot> {
        // Nothing panics while it is held.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        if slots.len() >= MOST {
            make_room(&mut slots);
        }
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

/// What is over goes first, else what will be over next.
fn make_room<K: Hash + Eq + Clone>(slots: &mut HashMap<K, Arc<Slot>>) {
    let now = SystemTime::now();
    let end = |slot: &Slot| slot.state().token.as_ref().map(|token| token.expires_at);
    slots.retain(|_, slot| Arc::strong_count(slot) > 1 || end(slot).is_some_and(|end| end > now));
    if slots.len() < MOST {
        return;
    }
    let next = slots.iter().min_by_key(|(_, slot)| end(slot));
    if let Some(key) = next.map(|(key, _)| key.clone()) {
        slots.remove(&key);
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) -> Look {
        let (state, now) = (self.state(), SystemTime::now());
        let failed = state.failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE);
        match (&state.token, failed) {
            (Some(token), None) if token.renew_at <= now && now < token.expires_at => {
                Look::Ageing(token.header.clone())
            }
            (Some(token), _) if now < token.expires_at => Look::Fresh(token.header.clone()),
            (_, Some((_, error))) => Look::Failed(error.clone()),
            _ => Look::Nothing,
        }
    }

    /// Keeps what was answered.
    fn take(
        &self,
        answer: Result<IssuedToken, CredentialsError>,
        end: Option<SystemTime>,
    ) -> Result<HeaderValue, CredentialsError> {
        let now = SystemTime::now();
        let mut state = self.state();
        let issued = answer.and_then(|issued| Ok((bearer(&issued)?, issued.expires_at)));
        let (header, expires_at) = match issued {
            Ok(issued) => issued,
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                return Err(error);
            }
        };
        let expires_at = expires_at.unwrap_or(now + UNSAID);
        let expires_at = end.map_or(expires_at, |end| end.min(expires_at));
        let life = expires_at.duration_since(now).unwrap_or_default();
        state.failed = None;
        state.token = Some(Token {
            header: header.clone(),
            renew_at: expires_at - MARGIN.min(life / 2),
            expires_at,
        });
        Ok(header)
    }
}

/// What an answer of a token endpoint becomes for the upstream (RFC 6750 §2.1).
fn bearer(issued: &IssuedToken) -> Result<HeaderValue, CredentialsError> {
    let misconfigured = |text| CredentialsError::new(CredentialsErrorKind::Misconfigured, text);
    if !issued.is_access_token {
        return Err(misconfigured("what was issued is no access token"));
    }
    let text = Zeroizing::new(format!("Bearer {}", issued.secret.expose_secret()));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| misconfigured("the token that was issued cannot go into a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use propusk::BearerToken;

    use super::*;

    fn issued(text: &str, seconds: Option<u64>) -> IssuedToken {
        let mut issued = IssuedToken::new(BearerToken::parse(text).expect("a token"));
        issued.expires_at = seconds.map(|left| SystemTime::now() + Duration::from_secs(left));
        issued
    }

    #[tokio::test]
    async fn a_token_is_asked_for_once_and_again_when_it_was_refused() {
        let kept = Kept::new();
        let asked = AtomicUsize::new(0);
        let ask = async || {
            let count = asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(issued(&format!("token-{count}"), Some(3600)))
        };
        let all = tokio::join!(
            kept.header(&1, None, ask),
            kept.header(&1, None, ask),
            kept.header(&1, None, ask)
        );
        let first = all.0.expect("a token");
        let refused = HeaderMap::from_iter([(AUTHORIZATION, first.clone())]);
        assert_eq!(all.1.expect("a token"), first);
        assert_eq!(all.2.expect("a token"), first);
        assert_ne!(
            kept.header(&2, None, ask).await.expect("a token"),
            first,
            "another key"
        );
        assert!(kept.forget(&1, &refused));
        let second = kept.header(&1, None, ask).await.expect("a token");
        assert_ne!(second, first);
        // Two requests were refused with the first one; the second is not thrown away for that.
        assert!(kept.forget(&1, &refused));
        assert_eq!(kept.header(&1, None, ask).await.expect("a token"), second);
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_token_is_not_used_beyond_its_end_nor_beyond_that_of_its_caller() {
        let past = SystemTime::now() - Duration::from_secs(1);
        for (seconds, end) in [
            (Some(0), None),
            (Some(3600), Some(past)),
            (None, Some(past)),
        ] {
            let kept = Kept::new();
            let ask = async |text: &'static str| Ok(issued(text, seconds));
            let first = kept.header(&1, end, || ask("a")).await.expect("a token");
            let second = kept.header(&1, end, || ask("b")).await.expect("a token");
            assert_ne!(first, second, "{seconds:?} {end:?}");
        }
    }

    #[tokio::test]
    async fn a_failure_answers_for_a_moment_and_an_old_token_goes_on() {
        let kept = Kept::new();
        let fails = async || {
            Err(CredentialsError::new(
                CredentialsErrorKind::Unavailable,
                "down",
            ))
        };
        assert!(kept.header(&1, None, fails).await.is_err());
        let works = async || Ok(issued("a", Some(3600)));
        assert!(
            kept.header(&1, None, works).await.is_err(),
            "nobody is asked"
        );
        let kept = Kept::new();
        let first = kept.header(&1, None, works).await.expect("a token");
        let slot = kept.slot(&1);
        if let Some(token) = &mut slot.state().token {
            token.renew_at = SystemTime::now();
        }
        assert_eq!(
            kept.header(&1, None, fails).await.expect("the old one"),
            first
        );
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let kept = Kept::new();
        for key in 0..MOST + 10 {
            let slot = kept.slot(&key);
            slot.take(Ok(issued("a", Some(key as u64 + 1000))), None)
                .expect("taken");
        }
        let slots = kept.slots.lock().expect("no panic");
        assert_eq!(slots.len(), MOST);
        assert!(!slots.contains_key(&0) && slots.contains_key(&(MOST + 9)));
    }
}
