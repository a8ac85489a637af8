//! Who has had which lists walked, and when.
//!
//! A handler may list to some callers what it does not list to others. So what one walk has not
//! shown is looked for once more with the lists of whoever asks for it; but not at each request,
//! since names are easily made up.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

use crate::{AccessToken, Principal, ScopeSet};

/// For so long nothing is walked again for the same caller.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// Of so many callers it is remembered; the one who walked longest ago makes room.
const MOST_CALLERS: usize = 1_000;

/// The walks through the lists of one kind.
#[derive(Default)]
pub(super) struct Walks {
    by_caller: Mutex<HashMap<Walker, Walk>>,
    /// Whether there has ever been one to the end.
    any: AtomicBool,
}

/// Whom a handler may list the same to: a principal with the same scopes, or nobody.
pub(super) type Walker = Option<(Principal, ScopeSet)>;

#[derive(Clone)]
struct Walk {
    began: Instant,
    done: Arc<OnceCell<()>>,
}

/// For whom lists are walked.
pub(super) fn walker(caller: Option<&AccessToken>) -> Walker {
    let caller = caller?;
    Some((caller.principal().clone(), caller.scopes().clone()))
}

impl Walks {
    /// Walks for this caller, unless that has been done a short while ago. Of several requests at
    /// the same time one walks, and the others wait for it.
    pub(super) async fn walk<F, E>(&self, walker: Walker, walk: impl FnOnce() -> F) -> Result<(), E>
    where
        F: Future<Output = Result<(), E>>,
    {
        let done = self.latest(walker, Instant::now());
        done.get_or_try_init(walk).await?;
        self.any.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether anybody has walked to the end.
    pub(super) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    fn latest(&self, walker: Walker, now: Instant) -> Arc<OnceCell<()>> {
        let is_fresh = |walk: &Walk| now.saturating_duration_since(walk.began) < FRESH;
        let mut walks = self
            .by_caller
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(walk) = walks.get(&walker).filter(|walk| is_fresh(walk)) {
            return Arc::clone(&walk.done);
        }
        if walks.len() >= MOST_CALLERS {
            walks.retain(|_, walk| is_fresh(walk));
        }
        if walks.len() >= MOST_CALLERS {
            let oldest = walks.iter().min_by_key(|(_, walk)| walk.began);
            if let Some(oldest) = oldest.map(|(walker, _)| walker.clone()) {
                walks.remove(&oldest);
            }
        }
        let done = Arc::<OnceCell<()>>::default();
        let walk = Walk {
            began: now,
            done: Arc::clone(&done),
        };
        walks.insert(walker, walk);
        done
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn who(subject: &str) -> Walker {
        walker(Some(&AccessToken::new(subject)))
    }

    #[tokio::test]
    async fn each_caller_walks_once_and_a_walk_that_failed_is_none() {
        let (walks, count) = (Walks::default(), Cell::new(0));
        let walk = |result: Result<(), ()>| {
            let count = &count;
            move || async move {
                count.set(count.get() + 1);
                result
            }
        };
        assert_eq!(walks.walk(None, walk(Err(()))).await, Err(()));
        assert!(!walks.any());
        for _ in 0..3 {
            assert_eq!(walks.walk(None, walk(Ok(()))).await, Ok(()));
            assert_eq!(walks.walk(who("alice"), walk(Ok(()))).await, Ok(()));
        }
        assert_eq!(count.get(), 3);
        assert!(walks.any());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_grows_old() {
        let (walks, start) = (Walks::default(), Instant::now());
        let first = walks.latest(who("first"), start);
        assert!(Arc::ptr_eq(
            &first,
            &walks.latest(who("first"), start + FRESH / 2)
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &walks.latest(who("first"), start + FRESH)
        ));
        for n in 0..2 * MOST_CALLERS {
            walks.latest(who(&n.to_string()), start + FRESH);
        }
        assert_eq!(walks.by_caller.lock().unwrap().len(), MOST_CALLERS);
    }
}
