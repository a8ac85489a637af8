//! Who has had which lists walked, and when.
//!
//! A handler may list to some callers what it does not list to others. So what one walk has not
//! shown is looked for once more with the lists of whoever asks for it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rmcp::ErrorData;

use crate::{AccessToken, Principal, ScopeSet};

/// For so long what has been listed to a caller is not walked through again for the same caller.
const FRESH: Duration = Duration::from_secs(60);

/// Of so many callers it is remembered; the one who walked longest ago makes room.
const MOST_CALLERS: usize = 1_000;

/// The walks through the lists of one kind.
#[derive(Default)]
pub(super) struct Walks {
    by_caller: Mutex<HashMap<Walker, Arc<Walk>>>,
    /// Whether there has ever been one to the end.
    any: AtomicBool,
}

/// Whom a handler may list the same to: a principal with the same scopes, or nobody.
pub(super) type Walker = Option<(Principal, ScopeSet)>;

/// The walks for one caller.
#[derive(Default)]
struct Walk {
    /// When the latest that came to its end began.
    began: Mutex<Option<Instant>>,
    /// How the latest that failed did, and when.
    failed: Mutex<Option<(Instant, ErrorData)>>,
    /// Held while one is on its way, so that there is one at a time.
    under_way: tokio::sync::Mutex<()>,
}

impl Walk {
    fn began(&self) -> MutexGuard<'_, Option<Instant>> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self) -> MutexGuard<'_, Option<(Instant, ErrorData)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How one failed that somebody who came at `came` has waited for.
    fn failed_since(&self, came: Instant) -> Result<(), ErrorData> {
        match &*self.failed() {
            Some((when, error)) if *when > came => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Whether there has been one after `since`, or without that a short while ago.
    fn is_enough(&self, since: Option<Instant>, now: Instant) -> bool {
        let began = *self.began();
        began.is_some_and(|began| match since {
            Some(since) => began > since,
            None => now.saturating_duration_since(began) < FRESH,
        })
    }
}

/// For whom lists are walked.
pub(super) fn walker(caller: Option<&AccessToken>) -> Walker {
    let caller = caller?;
    Some((caller.principal().clone(), caller.scopes().clone()))
}

impl Walks {
    /// Walks for this caller, unless a walk that began after `since` (or without that a short while
    /// ago) has come to its end. Of several requests at the same time one walks, and the others wait
    /// for it; who came after it had begun waits for the next. Where it fails it has failed for all who
    /// wait.
    pub(super) async fn walk<F>(
        &self,
        walker: Walker,
        since: Option<Instant>,
        walk: impl FnOnce() -> F,
    ) -> Result<(), ErrorData>
    where
        F: Future<Output = Result<(), ErrorData>>,
    {
        let came = Instant::now();
        let of_caller = self.of(walker, came);
        if of_caller.is_enough(since, came) {
            return Ok(());
        }
        let _only = of_caller.under_way.lock().await;
        let now = Instant::now();
        if of_caller.is_enough(since, now) {
            return Ok(());
        }
        of_caller.failed_since(came)?;
        if let Err(error) = walk().await {
            *of_caller.failed() = Some((Instant::now(), error.clone()));
            return Err(error);
        }
        *of_caller.began() = Some(now);
        self.any.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether anybody has walked to the end.
    pub(super) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    fn of(&self, walker: Walker, now: Instant) -> Arc<Walk> {
        let mut walks = self
            .by_caller
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(walk) = walks.get(&walker) {
            return Arc::clone(walk);
        }
        if walks.len() >= MOST_CALLERS {
            let in_use = |walk: &Arc<Walk>| Arc::strong_count(walk) > 1;
            walks.retain(|_, walk| in_use(walk) || walk.is_enough(None, now));
        }
        if walks.len() >= MOST_CALLERS {
            // One that is under way for the first time is the newest.
            let age = |walk: &Walk| {
                let began = *walk.began();
                (began.is_none(), began)
            };
            let oldest = walks.iter().min_by_key(|(_, walk)| age(walk));
            if let Some(oldest) = oldest.map(|(walker, _)| walker.clone()) {
                walks.remove(&oldest);
            }
        }
        Arc::clone(walks.entry(walker).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        task::{Context, Waker},
    };

    use super::*;

    fn who(subject: &str) -> Walker {
        walker(Some(&AccessToken::new(subject)))
    }

    fn failure() -> ErrorData {
        ErrorData::internal_error("no list", None)
    }

    /// Otherwise each would wait for all before it.
    #[tokio::test]
    async fn a_walk_that_fails_fails_for_all_who_wait_and_not_for_who_comes_later() {
        let (walks, count) = (Walks::default(), Cell::new(0));
        let gate = tokio::sync::Semaphore::new(0);
        let walk = || async {
            count.set(count.get() + 1);
            gate.acquire().await.map_err(|_| failure())?.forget();
            Err(failure())
        };
        let cx = &mut Context::from_waker(Waker::noop());
        let mut all: Vec<_> = (0..4)
            .map(|_| Box::pin(walks.walk(None, Some(Instant::now()), walk)))
            .collect();
        for waiting in &mut all {
            assert!(waiting.as_mut().poll(cx).is_pending());
        }
        gate.add_permits(1);
        for waiting in all {
            assert_eq!(waiting.await, Err(failure()));
        }
        assert_eq!(count.get(), 1);
        let later = walks.walk(None, None, || std::future::ready(Ok(())));
        assert_eq!(later.await, Ok(()));
    }

    #[tokio::test]
    async fn each_caller_walks_once_and_a_walk_that_failed_is_none() {
        let (walks, count) = (Walks::default(), Cell::new(0));
        let walk = |result: Result<(), ErrorData>| {
            let count = &count;
            move || async move {
                count.set(count.get() + 1);
                result
            }
        };
        let failed = walks.walk(None, None, walk(Err(failure()))).await;
        assert_eq!(failed, Err(failure()));
        assert!(!walks.any());
        for _ in 0..3 {
            assert_eq!(walks.walk(None, None, walk(Ok(()))).await, Ok(()));
            let alice = walks.walk(who("alice"), None, walk(Ok(())));
            assert_eq!(alice.await, Ok(()));
        }
        assert_eq!(count.get(), 3);
        assert!(walks.any());
    }

    /// What is added to a list while it is walked may stand before where the walk has come to.
    #[tokio::test]
    async fn who_came_after_a_walk_began_is_served_by_the_next_and_that_by_one() {
        let (walks, count) = (Walks::default(), Cell::new(0));
        let gate = tokio::sync::Semaphore::new(0);
        let walk = || async {
            count.set(count.get() + 1);
            gate.acquire().await.map_err(|_| failure())?.forget();
            Ok(())
        };
        let cx = &mut Context::from_waker(Waker::noop());
        let mut first = Box::pin(walks.walk(None, Some(Instant::now()), walk));
        assert!(first.as_mut().poll(cx).is_pending());
        let later = Instant::now();
        let mut all: Vec<_> = (0..3)
            .map(|_| Box::pin(walks.walk(None, Some(later), walk)))
            .collect();
        for waiting in &mut all {
            assert!(waiting.as_mut().poll(cx).is_pending());
        }
        gate.add_permits(1);
        assert_eq!(first.await, Ok(()));
        gate.add_permits(1);
        for waiting in all {
            assert_eq!(waiting.await, Ok(()));
        }
        assert_eq!(count.get(), 2);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_grows_old() {
        let (walks, start) = (Walks::default(), Instant::now());
        let first = walks.of(who("first"), start);
        assert!(!first.is_enough(None, start));
        *first.began() = Some(start);
        assert!(first.is_enough(None, start + FRESH / 2));
        assert!(!first.is_enough(None, start + FRESH));
        assert!(!first.is_enough(Some(start), start));
        assert!(Arc::ptr_eq(&first, &walks.of(who("first"), start)));
        for n in 0..2 * MOST_CALLERS {
            walks.of(who(&n.to_string()), start + FRESH);
        }
        assert!(walks.by_caller.lock().unwrap().len() <= MOST_CALLERS);
    }
}
