//! Times of last use: collected in memory, written later.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::runtime::Handle;

use crate::{StoreError, TokenId, backend::Backend, time::to_seconds};

/// How long uses are collected before they are written.
const INTERVAL: Duration = Duration::from_secs(10);

/// Times of last use that are not written yet.
///
/// The task that writes them is started by the first use and ends when nothing is left to write, so
/// a command that only lists tokens never has one.
pub(crate) struct LastUsed {
    backend: Arc<dyn Backend>,
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    uses: HashMap<TokenId, SystemTime>,
    writer_is_running: bool,
}

impl LastUsed {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Arc<Self> {
        Arc::new(Self {
            backend,
            pending: Mutex::default(),
        })
    }

    /// Notes a use. `noted` is the second of the token's last noted use: within one second, and
    /// that is nearly always, it costs no lock.
    pub(crate) fn note(self: &Arc<Self>, id: TokenId, now: SystemTime, noted: &AtomicI64) {
        let second = to_seconds(now);
        if noted.swap(second, Ordering::Relaxed) == second {
            return;
        }
        let mut pending = self.lock();
        pending.uses.insert(id, now);
        if !pending.writer_is_running
            && let Ok(runtime) = Handle::try_current()
        {
            pending.writer_is_running = true;
            runtime.spawn(write_until_idle(Arc::downgrade(self)));
        }
    }

    /// Writes what is pending; keeps it for later where that fails.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        let uses: Vec<_> = std::mem::take(&mut self.lock().uses).into_iter().collect();
        if uses.is_empty() {
            return Ok(());
        }
        let result = self.backend.note_uses(&uses).await;
        if result.is_err() {
            let mut pending = self.lock();
            for (id, time) in uses {
                pending.uses.entry(id).or_insert(time);
            }
        }
        result
    }

    /// Whether the writer shall end: nothing is pending. The next use starts another one.
    fn end_writer_if_idle(&self) -> bool {
        let mut pending = self.lock();
        pending.writer_is_running = !pending.uses.is_empty();
        !pending.writer_is_running
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds the store only while it writes, so that it does not keep a dropped store alive.
async fn write_until_idle(last_used: Weak<LastUsed>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(last_used) = last_used.upgrade() else {
            return;
        };
        match last_used.flush().await {
            Err(error) if error.is_closed() => return,
            Err(error) => {
                tracing::warn!(%error, "cannot write when tokens were last used; will try again");
            }
            Ok(()) => {}
        }
        if last_used.end_writer_if_idle() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::fake_backend::FakeBackend;

    fn second(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    #[tokio::test(start_paused = true)]
    async fn uses_are_written_together_and_again_after_a_failure() {
        let backend = Arc::new(FakeBackend::default());
        let last_used = LastUsed::new(backend.clone());
        let noted = AtomicI64::new(0);
        let id = TokenId::parse("0123456789AB").expect("an id");

        for now in [second(1), second(1), second(2), second(3)] {
            last_used.note(id, now, &noted);
        }
        tokio::time::sleep(INTERVAL / 2).await;
        assert_eq!(backend.uses(), [], "not yet");
        tokio::time::sleep(INTERVAL).await;
        assert_eq!(backend.uses(), [(id, second(3))], "the last one");

        backend.fail(true);
        last_used.note(id, second(4), &noted);
        tokio::time::sleep(INTERVAL * 2).await;
        assert_eq!(backend.uses().len(), 1);
        backend.fail(false);
        tokio::time::sleep(INTERVAL * 2).await;
        assert_eq!(
            backend.uses(),
            [(id, second(3)), (id, second(4))],
            "it tried again"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_writer_does_not_outlive_the_store() {
        let backend = Arc::new(FakeBackend::default());
        let last_used = LastUsed::new(backend.clone());
        let id = TokenId::parse("0123456789AB").expect("an id");
        last_used.note(id, second(1), &AtomicI64::new(0));
        drop(last_used);
        tokio::time::sleep(INTERVAL * 2).await;
        assert_eq!(Arc::strong_count(&backend), 1);
    }
}
