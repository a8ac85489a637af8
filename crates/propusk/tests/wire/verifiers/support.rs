//! A verifier that does as it is told, and a clock.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use propusk::{AccessToken, Clock, TokenVerifier, Unavailable};
use tokio::sync::watch;

/// Fails a test that waits for something that does not come. It is never waited out on success.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("it comes soon")
}

/// Lets every other task of this thread run as far as it can.
pub(crate) async fn let_others_run() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

/// What an answer looks like in a table: a subject, `no`, or `cannot tell`.
pub(crate) async fn said(verifier: &impl TokenVerifier, token: &str) -> String {
    match verifier.verify_token(token).await {
        Ok(Some(token)) => token.subject().to_owned(),
        Ok(None) => "no".to_owned(),
        Err(_) => "cannot tell".to_owned(),
    }
}

/// A clock that is set by hand.
#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    const START: u64 = 1_000_000;

    /// Sets it to so many seconds after the start of the test.
    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    /// A time relative to the start of the test.
    pub(crate) fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(Self::START + seconds)
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        Self::at(self.0.load(Ordering::SeqCst))
    }
}

/// What it is told to say of a token. It panics where it is told nothing.
#[derive(Clone)]
pub(crate) enum Say {
    Valid(AccessToken),
    Invalid,
    Unavailable,
}

/// A verifier that does as it is told, and counts.
#[derive(Clone)]
pub(crate) struct Scripted(Arc<Script>);

struct Script {
    says: Mutex<HashMap<String, Say>>,
    otherwise: Mutex<Say>,
    revision: Mutex<Option<u64>>,
    asked: watch::Sender<usize>,
    is_open: watch::Sender<bool>,
}

impl Scripted {
    /// Says this of every token.
    pub(crate) fn saying(otherwise: Say) -> Self {
        Self(Arc::new(Script {
            says: Mutex::default(),
            otherwise: Mutex::new(otherwise),
            revision: Mutex::new(Some(1)),
            asked: watch::Sender::new(0),
            is_open: watch::Sender::new(true),
        }))
    }

    /// Accepts every token as one of `alice`.
    pub(crate) fn accepting() -> Self {
        Self::saying(Say::Valid(AccessToken::new("alice")))
    }

    /// Says something of every token from now on.
    pub(crate) fn say(&self, say: Say) {
        *self.0.otherwise.lock().unwrap() = say;
    }

    /// Says something of one token from now on.
    pub(crate) fn say_of(&self, token: &str, say: Say) {
        self.0.says.lock().unwrap().insert(token.to_owned(), say);
    }

    /// `None`: it cannot tell its revision.
    pub(crate) fn set_revision(&self, revision: Option<u64>) {
        *self.0.revision.lock().unwrap() = revision;
    }

    /// How often it was asked about a token.
    pub(crate) fn asked(&self) -> usize {
        *self.0.asked.borrow()
    }

    /// Waits until it was asked so often.
    pub(crate) async fn until_asked(&self, times: usize) {
        let mut asked = self.0.asked.subscribe();
        soon(asked.wait_for(|asked| *asked >= times)).await.unwrap();
    }

    /// Answers no question before [`Scripted::open`], but knows the answer already.
    pub(crate) fn close(&self) {
        self.0.is_open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.0.is_open.send_replace(true);
    }
}

impl TokenVerifier for Scripted {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        let special = self.0.says.lock().unwrap().get(token).cloned();
        let say = special.unwrap_or_else(|| self.0.otherwise.lock().unwrap().clone());
        self.0.asked.send_modify(|asked| *asked += 1);
        let mut is_open = self.0.is_open.subscribe();
        is_open.wait_for(|open| *open).await.unwrap();
        assert_ne!(token, "panic", "as asked for");
        match say {
            Say::Valid(token) => Ok(Some(token)),
            Say::Invalid => Ok(None),
            Say::Unavailable => Err(Unavailable::new("as told")),
        }
    }

    async fn revision(&self) -> Result<u64, Unavailable> {
        let revision = *self.0.revision.lock().unwrap();
        revision.ok_or_else(|| Unavailable::new("as told"))
    }
}
