//! A place for stores, a clock to set, and short ways to ask.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use propusk::{AccessToken, Clock, ScopeSet, TokenVerifier};
use propusk_store::{IssuedToken, NewToken, StoreUrl, TokenStore};
use tempfile::TempDir;

/// When the tests take place: 2026-11-23T08:43:41Z.
pub(crate) const NOW: u64 = 1_795_423_421;

/// Runs tests of the contract, `async fn(Place)`, against every database. On several threads, so that
/// interleavings are real.
macro_rules! on_every_database {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $test() {
                    super::$test($crate::support::Place::sqlite()).await;
                }
            )*
        }

        #[cfg(feature = "real-parts")]
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $test() {
                    super::$test($crate::support::Place::postgres()).await;
                }
            )*
        }
    };
}

/// Where a database is. Each call of `open` stands for another process.
pub(crate) struct Place {
    url: StoreUrl,
    /// Of a file.
    folder: Option<TempDir>,
    pub(crate) clock: TestClock,
}

impl Place {
    /// A file that is not there yet.
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let url = format!("sqlite:{}", folder.path().join("propusk.db").display());
        Self {
            folder: Some(folder),
            ..Self::at(&url)
        }
    }

    /// An empty database of a real server.
    #[cfg(feature = "real-parts")]
    pub(crate) fn postgres() -> Self {
        let url = propusk_testing::postgres::Postgres::shared().database();
        Self::at(&url.expect("created"))
    }

    pub(crate) fn at(url: &str) -> Self {
        Self {
            url: StoreUrl::parse(url).expect("a URL"),
            folder: None,
            clock: TestClock::default(),
        }
    }

    /// Another place of the same kind.
    pub(crate) fn another(&self) -> Self {
        match &self.folder {
            Some(_) => Self::sqlite(),
            #[cfg(feature = "real-parts")]
            None => Self::postgres(),
            #[cfg(not(feature = "real-parts"))]
            None => unreachable!("there are only files"),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        let folder = self.folder.as_ref().expect("a file");
        folder.path().join("propusk.db")
    }

    pub(crate) fn url(&self) -> StoreUrl {
        self.url.clone()
    }

    pub(crate) async fn open(&self) -> TokenStore {
        TokenStore::open_with_clock(&self.url, self.clock.clone())
            .await
            .expect("it opens")
    }
}

/// A clock that stands still until it is set.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(NOW * 1000)))
    }
}

impl TestClock {
    pub(crate) fn set_millis_after_now(&self, millis: u64) {
        self.0.store(NOW * 1000 + millis, SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.load(SeqCst))
    }
}

pub(crate) fn second(after_now: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW + after_now)
}

pub(crate) fn scopes(text: &str) -> ScopeSet {
    ScopeSet::parse(text).expect("scopes")
}

pub(crate) async fn issue(store: &TokenStore, subject: &str) -> IssuedToken {
    store.issue(NewToken::new(subject)).await.expect("issued")
}

pub(crate) async fn verify(store: &TokenStore, token: &str) -> Option<AccessToken> {
    store.verify_token(token).await.expect("available")
}

pub(crate) async fn is_valid(store: &TokenStore, issued: &IssuedToken) -> bool {
    verify(store, issued.token.expose_secret()).await.is_some()
}

/// Asks again and again until the answer is yes. A question that is asked later than the limit allows
/// must be answered so.
pub(crate) async fn within(limit: Duration, what: &str, mut question: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    loop {
        let asked = began.elapsed();
        if question().await {
            return;
        }
        assert!(asked < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The same token text with another character in its secret and the checksum that fits.
pub(crate) fn forged(token: &str) -> String {
    let (prefix, secret) = token.split_at("propusk_0123456789AB_".len());
    let other = if secret.starts_with('a') { 'b' } else { 'a' };
    let content = format!("{prefix}{other}{}", &secret[1..43]);
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = u64::from(crc32fast::hash(content.as_bytes()));
    let mut checksum = [b'0'; 6];
    for digit in checksum.iter_mut().rev() {
        *digit = digits[(rest % 62) as usize];
        rest /= 62;
    }
    content + str::from_utf8(&checksum).expect("ASCII")
}
