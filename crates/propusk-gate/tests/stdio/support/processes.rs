//! Whether a process lives, and waiting for what can be seen.

use std::{
    fs,
    time::{Duration, Instant},
};

/// A process that has ended, and whose end nobody has taken notice of, does not live.
pub(crate) fn is_alive(process: &str) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{process}/stat")) else {
        return false;
    };
    let state = status.rsplit(')').next().unwrap().trim_start();
    !state.starts_with(['Z', 'X'])
}

/// Looks again until it is so. A test that waits in vain fails.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "waited in vain: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
