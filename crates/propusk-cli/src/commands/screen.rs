//! The terminal of one call, which progress and questions share.

mod progress;

use rmcp::model::ProgressNotificationParam;
use tokio::sync::{Mutex, MutexGuard};

use self::progress::Bar;

/// Who writes to the terminal, one at a time.
pub(super) struct Screen {
    bar: Bar,
    /// Held while somebody is being asked.
    asking: Mutex<()>,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self {
            bar: Bar::new(),
            asking: Mutex::default(),
        }
    }

    /// Waits for the end of another question, and keeps progress away until the guard is dropped.
    pub(super) async fn ask(&self) -> MutexGuard<'_, ()> {
        let alone = self.asking.lock().await;
        self.bar.clear();
        alone
    }

    /// Shows progress, unless somebody is being asked, who would type into it.
    pub(super) fn progress(&self, progress: &ProgressNotificationParam) {
        if let Ok(_free) = self.asking.try_lock() {
            self.bar.show(progress);
        }
    }
}
