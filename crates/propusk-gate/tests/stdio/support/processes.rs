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

/// How many children of a process have ended without its having taken notice.
pub(crate) fn zombies_of(parent: u32) -> usize {
    let processes = fs::read_dir("/proc").unwrap();
    let lines = processes.filter_map(|one| fs::read_to_string(one.ok()?.path().join("stat")).ok());
    let zombie = format!("Z {parent} ");
    lines
        .filter(|line| line.rsplit(") ").next().unwrap().starts_with(&zombie))
        .count()
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
