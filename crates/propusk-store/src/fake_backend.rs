//! A backend for unit tests: it counts, fails and stops when told to.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::SeqCst},
    },
    time::SystemTime,
};

use tokio::sync::Notify;

use crate::{
    StoreError, TokenId,
    backend::{Answer, Backend, StoredToken},
};

#[derive(Default)]
pub(crate) struct FakeBackend {
    rows: Mutex<Vec<StoredToken>>,
    uses: Mutex<Vec<(TokenId, SystemTime)>>,
    gate: Mutex<Option<Arc<Gate>>>,
    revision: AtomicI64,
    finds: AtomicUsize,
    failing: AtomicBool,
}

/// Where a look-up stops between reading and answering.
#[derive(Default)]
pub(crate) struct Gate {
    reached: Notify,
    opened: Notify,
}

impl Gate {
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    pub(crate) fn open(&self) {
        self.opened.notify_one();
    }
}

impl FakeBackend {
    pub(crate) fn fail(&self, failing: bool) {
        self.failing.store(failing, SeqCst);
    }

    pub(crate) fn finds(&self) -> usize {
        self.finds.load(SeqCst)
    }

    pub(crate) fn uses(&self) -> Vec<(TokenId, SystemTime)> {
        self.uses.lock().expect("not poisoned").clone()
    }

    pub(crate) fn stop_next_find(&self) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        *self.gate.lock().expect("not poisoned") = Some(gate.clone());
        gate
    }

    fn answer<T: Send>(&self, value: T) -> Result<T, StoreError> {
        if self.failing.load(SeqCst) {
            Err(StoreError::Busy {
                place: "fake".into(),
            })
        } else {
            Ok(value)
        }
    }

    fn row(&self, id: TokenId) -> Option<StoredToken> {
        let rows = self.rows.lock().expect("not poisoned");
        rows.iter().find(|row| row.record.id == id).cloned()
    }
}

impl Backend for FakeBackend {
    fn insert<'a>(&'a self, token: &'a StoredToken) -> Answer<'a, ()> {
        self.rows.lock().expect("not poisoned").push(token.clone());
        Box::pin(async { self.answer(()) })
    }

    fn find(&self, id: TokenId) -> Answer<'_, Option<StoredToken>> {
        Box::pin(async move {
            self.finds.fetch_add(1, SeqCst);
            let row = self.row(id);
            let gate = self.gate.lock().expect("not poisoned").take();
            if let Some(gate) = gate {
                gate.reached.notify_one();
                gate.opened.notified().await;
            }
            self.answer(row)
        })
    }

    fn list(&self) -> Answer<'_, Vec<StoredToken>> {
        Box::pin(async { self.answer(self.rows.lock().expect("not poisoned").clone()) })
    }

    fn revoke(&self, id: TokenId, at: SystemTime) -> Answer<'_, Option<StoredToken>> {
        for row in self.rows.lock().expect("not poisoned").iter_mut() {
            if row.record.id == id {
                row.record.revoked_at.get_or_insert(at);
            }
        }
        self.revision.fetch_add(1, SeqCst);
        Box::pin(async move { self.answer(self.row(id)) })
    }

    fn replace<'a>(&'a self, _: TokenId, _: SystemTime, _: &'a StoredToken) -> Answer<'a, bool> {
        unimplemented!("no unit test rotates")
    }

    fn note_uses<'a>(&'a self, uses: &'a [(TokenId, SystemTime)]) -> Answer<'a, ()> {
        Box::pin(async {
            self.answer(())?;
            self.uses
                .lock()
                .expect("not poisoned")
                .extend_from_slice(uses);
            Ok(())
        })
    }

    fn revision(&self) -> Answer<'_, i64> {
        Box::pin(async { self.answer(self.revision.load(SeqCst)) })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async { self.answer(()) })
    }
}
