//! The terminal of one call, which progress and questions share.

mod progress;

use rmcp::model::ProgressNotificationParam;
use tokio::sync::{RwLock, RwLockWriteGuard};

use self::progress::Bar;

/// Who writes to the terminal, one at a time.
pub(super) struct Screen {
    bar: Bar,
    /// Written to while somebody is being asked. Several reports of progress may come at once.
    asking: RwLock<()>,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self {
            bar: Bar::new(),
            asking: RwLock::default(),
        }
    }

    /// Waits for the end of another question, and keeps progress away until the guard is dropped.
    pub(super) async fn ask(&self) -> RwLockWriteGuard<'_, ()> {
        let alone = self.asking.write().await;
        self.bar.clear();
        alone
    }

    /// Shows progress, unless somebody is being asked, who would type into it.
    pub(super) fn progress(&self, progress: &ProgressNotificationParam) {
        if let Ok(_free) = self.asking.try_read() {
            self.bar.show(progress);
        }
    }

    /// Leaves the terminal to what comes after the call; late progress is not shown any more.
    pub(super) fn close(&self) {
        self.bar.close();
    }
}
