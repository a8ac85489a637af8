//! All children of one upstream.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use propusk::{metrics::Metrics, rules::RuleSet};
use rmcp::model::ErrorData;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Sharing, StdioCommand, StdioSettings,
    asker::Owner,
    counts::Counts,
    errors,
    hub::Serves,
    slot::{Shared, Slot},
};

/// When a caller who found no room may try again.
const RETRY: Duration = Duration::from_secs(10);

/// The children, by whom they serve. `None` is the one for all.
pub(super) struct Pool {
    shared: Arc<Shared>,
    slots: Mutex<HashMap<Option<Owner>, Arc<Slot>>>,
}

impl Pool {
    pub(super) fn new(command: StdioCommand, settings: StdioSettings) -> Self {
        let most = match settings.per {
            Sharing::All => 1,
            Sharing::Principal => settings.most,
        };
        let shared = Shared {
            command,
            settings,
            room: Arc::new(Semaphore::new(most)),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            counts: Counts::default(),
        };
        Self {
            shared: Arc::new(shared),
            slots: Mutex::default(),
        }
    }

    pub(super) fn settings(&self) -> &StdioSettings {
        &self.shared.settings
    }

    /// The place of the child that serves this caller.
    ///
    /// # Errors
    /// The gate is being shut down, or there is no room for another child.
    pub(super) fn slot(&self, owner: Owner) -> Result<Arc<Slot>, ErrorData> {
        if self.shared.closing.is_cancelled() {
            return Err(errors::closed());
        }
        let (key, serves) = match (self.shared.settings.per, owner) {
            (Sharing::All, _) => (None, Serves::All),
            (Sharing::Principal, None) => (Some(None), Serves::Strangers),
            (Sharing::Principal, Some(principal)) => (Some(Some(principal)), Serves::One),
        };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key) {
            let slot = Arc::clone(slot);
            self.make_room(&slots, &slot)?;
            return Ok(slot);
        }
        slots.retain(|_, slot| {
            slot.hub.sweep();
            // Its keeper and this map have one each.
            let in_use = Arc::strong_count(slot) > 2;
            let stays = in_use || !slot.is_asleep() || slot.hub.has_sessions();
            if !stays {
                slot.close();
            }
            stays
        });
        let slot = Slot::open(serves, &self.shared);
        self.make_room(&slots, &slot)?;
        slots.insert(key, Arc::clone(&slot));
        Ok(slot)
    }

    /// The same, if there is one already.
    pub(super) fn known(&self, owner: Owner) -> Option<Arc<Slot>> {
        let key = match self.shared.settings.per {
            Sharing::All => None,
            Sharing::Principal => Some(owner),
        };
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.get(&key).cloned()
    }

    /// Ends the child that has been idle longest where this one needs its room.
    fn make_room(
        &self,
        slots: &HashMap<Option<Owner>, Arc<Slot>>,
        slot: &Slot,
    ) -> Result<(), ErrorData> {
        if self.shared.settings.per == Sharing::All
            || !slot.is_asleep()
            || self.shared.room.available_permits() > 0
        {
            return Ok(());
        }
        let running = slots.values().filter(|slot| slot.live().is_some());
        let idle = running.filter_map(|slot| Some((slot.idle()?, slot)));
        let (_, longest) = idle
            .max_by_key(|(idle, _)| *idle)
            .ok_or_else(|| errors::full(RETRY))?;
        longest.rest();
        Ok(())
    }

    pub(super) fn exchange_rules(&self, rules: &RuleSet) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in slots.values() {
            slot.hub.exchange_rules(rules);
        }
    }

    pub(super) fn show(&self, metrics: &Metrics) {
        self.shared.counts.show(metrics, &self.shared.settings.name);
    }

    /// Ends all children, and waits for it.
    pub(super) async fn shutdown(&self) {
        self.shared.closing.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.closing.cancel();
    }
}
