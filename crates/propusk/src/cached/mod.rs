//! Answers of a verifier, remembered.

mod flights;
mod memory;

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use flights::Flights;
use memory::{Memory, TokenDigest};

use crate::{
    AccessToken, Clock, Explanation, SystemClock, TokenVerifier, Unavailable, metrics::CacheCounts,
};

/// Remembers the answers of a verifier, so that a token is not verified again with every request.
///
/// - A valid token is remembered until it expires, at most for [`ceiling`](Cached::ceiling); one
///   that is not valid for [`negatives`](Cached::negatives). "Cannot tell" is never remembered.
/// - Before an answer is used, the verifier is asked for its
///   [`revision_of`](TokenVerifier::revision_of) the token: a revocation that changes the revision is
///   effective at once. [`forget`](Cached::forget) and its siblings do it by hand; keep an `Arc` of
///   the `Cached` for that, which is a verifier too.
/// - Requests with the same unknown token at the same time cost one verification.
/// - Memory is bounded ([`capacity`](Cached::capacity)); what was not used for long goes first.
///   Tokens that are not valid have a space of their own, so a flood of guesses pushes no valid
///   token out.
/// - A token is found by the SHA-256 of its text; the text itself is not kept.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use propusk::{AccessToken, BearerToken, Cached, Unavailable};
///
/// # async fn ask_the_identity_server(_: &str) -> Result<Option<AccessToken>, Unavailable> { Ok(None) }
/// let verifier = |token: BearerToken| async move {
///     ask_the_identity_server(token.expose_secret()).await
/// };
/// let cached = Arc::new(Cached::new(verifier).ceiling(Duration::from_secs(10)));
/// // Hand `Arc::clone(&cached)` to the server; later, when alice signs out:
/// cached.forget_where(|token| token.subject() == "alice");
/// ```
///
/// `TokenStore`, `IntrospectionVerifier` and their like remember by themselves; a second memory
/// around them saves nothing. Around verifiers that are composed
/// ([`AnyOf`](crate::AnyOf), `Routing`) it works as well as around each.
pub struct Cached<V> {
    inner: V,
    ceiling: Duration,
    negatives: Duration,
    clock: Box<dyn Clock>,
    valid: Memory,
    invalid: Memory,
    flights: Flights<Landed>,
    /// Counts what was forgotten by hand; an answer from before is not kept after.
    forgotten: AtomicU64,
    counts: CacheCounts,
}

/// What was said of a token, and for how long that holds.
#[derive(Clone)]
struct Kept {
    answer: Option<AccessToken>,
    revision: u64,
    since: SystemTime,
    /// `None`: for ever.
    until: Option<SystemTime>,
}

impl Kept {
    /// A clock that was set back must not prolong an answer, hence the beginning.
    fn holds_at(&self, now: SystemTime) -> bool {
        self.since <= now && self.until.is_none_or(|until| now < until)
    }
}

/// What a verification came to.
#[derive(Clone)]
struct Landed {
    answer: Result<Option<AccessToken>, Unavailable>,
    /// That of the answer before the verification began, if it could be told.
    revision: Option<u64>,
    forgotten: u64,
}

impl<V: TokenVerifier> Cached<V> {
    /// For how long a valid token is remembered at most, if not told otherwise.
    pub const DEFAULT_CEILING: Duration = Duration::from_secs(60);
    /// For how long a token that is not valid is remembered, if not told otherwise.
    pub const DEFAULT_NEGATIVES: Duration = Duration::from_secs(5);
    /// How many tokens of either kind are remembered, if not told otherwise.
    pub const DEFAULT_CAPACITY: usize = 10_000;

    /// Remembers the answers of this verifier, with the defaults.
    pub fn new(inner: V) -> Self {
        Self {
            inner,
            ceiling: Self::DEFAULT_CEILING,
            negatives: Self::DEFAULT_NEGATIVES,
            clock: Box::new(SystemClock),
            valid: Memory::with_capacity(Self::DEFAULT_CAPACITY),
            invalid: Memory::with_capacity(Self::DEFAULT_CAPACITY),
            flights: Flights::default(),
            forgotten: AtomicU64::new(0),
            counts: CacheCounts::default(),
        }
    }

    /// Sets for how long a valid token is remembered at most: a revocation that the verifier does
    /// not notice by itself is effective after this time. Zero: not at all.
    #[must_use]
    pub fn ceiling(mut self, ceiling: Duration) -> Self {
        self.ceiling = ceiling;
        self
    }

    /// Sets for how long it is remembered that a token is not valid. Zero: not at all.
    #[must_use]
    pub fn negatives(mut self, negatives: Duration) -> Self {
        self.negatives = negatives;
        self
    }

    /// Sets how many valid tokens are remembered, and how many others.
    #[must_use]
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.valid = Memory::with_capacity(capacity);
        self.invalid = Memory::with_capacity(capacity);
        self
    }

    /// Counts its looks there, for the metrics.
    #[must_use]
    pub fn counting(mut self, counts: CacheCounts) -> Self {
        self.counts = counts;
        self
    }

    /// Sets the clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The verifier whose answers are remembered.
    pub fn inner(&self) -> &V {
        &self.inner
    }

    /// The same, while it is set up.
    #[cfg(feature = "introspection")]
    pub(crate) fn inner_mut(&mut self) -> &mut V {
        &mut self.inner
    }

    /// Forgets what was said of a token. A verification that is under way is not remembered either.
    pub fn forget(&self, token: &str) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        let digest = TokenDigest::of(token);
        self.valid.remove(&digest);
        self.invalid.remove(&digest);
    }

    /// Forgets the valid tokens of which this is true: those of a subject, or with a token id.
    pub fn forget_where(&self, is_meant: impl Fn(&AccessToken) -> bool) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.valid
            .retain(|kept| !kept.answer.as_ref().is_some_and(&is_meant));
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.valid.retain(|_| false);
        self.invalid.retain(|_| false);
    }

    /// What is remembered of a token and still holds.
    async fn recall(&self, digest: &TokenDigest, token: &str) -> Option<Option<AccessToken>> {
        let now = self.clock.now();
        for memory in [&self.valid, &self.invalid] {
            let Some(kept) = memory.find(digest).filter(|kept| kept.holds_at(now)) else {
                continue;
            };
            match self.inner.revision_of(token, kept.answer.as_ref()).await {
                Ok(revision) if revision == kept.revision => return Some(kept.answer),
                Ok(_) => memory.remove(digest),
                // It may hold later; now the verifier itself has to say that it cannot tell.
                Err(_) => {}
            }
        }
        None
    }

    /// Verifies a token that is not remembered, together with others who ask for it at this moment.
    async fn verify_together(
        &self,
        digest: TokenDigest,
        token: &str,
    ) -> Result<Option<AccessToken>, Unavailable> {
        let flight = self.flights.join(digest);
        // Whoever gets the lock first verifies. If it is dropped or panics meanwhile, the next does.
        let mut slot = flight.slot().await;
        if let Some(landed) = slot.clone() {
            drop(slot);
            // It may have begun before this request came, and before a revocation in between.
            if self.holds_now(&landed, token).await {
                return landed.answer;
            }
            return self.verify_and_keep(digest, token).await.answer;
        }
        // Another flight may have landed after the first look.
        if let Some(answer) = self.recall(&digest, token).await {
            return Ok(answer);
        }
        let landed = self.verify_and_keep(digest, token).await;
        *slot = Some(landed.clone());
        flight.end();
        landed.answer
    }

    async fn holds_now(&self, landed: &Landed, token: &str) -> bool {
        let Ok(answer) = &landed.answer else {
            return true;
        };
        let now = self.inner.revision_of(token, answer.as_ref()).await.ok();
        now.is_some() && now == landed.revision && landed.forgotten == self.forgotten()
    }

    async fn verify_and_keep(&self, digest: TokenDigest, token: &str) -> Landed {
        // All of this before the verification: what is withdrawn from now on counts.
        let forgotten = self.forgotten();
        let since = self.clock.now();
        let before = self.inner.revision_of(token, None).await.ok();
        let answer = self.inner.verify_token(token).await;
        let revision = match &answer {
            Ok(Some(token)) => token.provenance().revision(before),
            _ => before,
        };
        if let (Ok(answer), Some(revision)) = (&answer, revision) {
            let until = self.until(answer.as_ref(), since);
            let answer = answer.clone();
            let kept = Kept {
                answer,
                revision,
                since,
                until,
            };
            self.keep(digest, kept, forgotten);
        }
        Landed {
            answer,
            revision,
            forgotten,
        }
    }

    fn until(&self, answer: Option<&AccessToken>, since: SystemTime) -> Option<SystemTime> {
        let Some(token) = answer else {
            return since.checked_add(self.negatives);
        };
        let ceiling = since.checked_add(self.ceiling);
        // Not its leeway: what may end at any moment is asked for again.
        ceiling.into_iter().chain(token.expires_at()).min()
    }

    fn keep(&self, digest: TokenDigest, kept: Kept, forgotten: u64) {
        let (memory, other) = match kept.answer {
            Some(_) => (&self.valid, &self.invalid),
            None => (&self.invalid, &self.valid),
        };
        other.remove(&digest);
        if kept.holds_at(kept.since) {
            memory.insert_if(digest, kept, || forgotten == self.forgotten());
        }
    }

    fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }
}

impl<V: TokenVerifier> TokenVerifier for Cached<V> {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        let digest = TokenDigest::of(token);
        let remembered = self.recall(&digest, token).await;
        self.counts.count(remembered.is_some());
        match remembered {
            Some(answer) => Ok(answer),
            None => self.verify_together(digest, token).await,
        }
    }

    async fn revision(&self) -> Result<u64, Unavailable> {
        self.inner.revision().await
    }

    async fn revision_of(
        &self,
        token: &str,
        answer: Option<&AccessToken>,
    ) -> Result<u64, Unavailable> {
        self.inner.revision_of(token, answer).await
    }

    /// That of the verifier itself, asked anew.
    async fn explain_token(&self, token: &str) -> Explanation {
        self.inner.explain_token(token).await
    }
}

impl<V: fmt::Debug> fmt::Debug for Cached<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("inner", &self.inner)
            .field("ceiling", &self.ceiling)
            .field("negatives", &self.negatives)
            .finish_non_exhaustive()
    }
}
