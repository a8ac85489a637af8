//! The lock of a login: an empty file that one open handle at a time has locked.
//!
//! The operating system ends the lock with the handle, however the process ends.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::{
    super::{super::WAITING, LoginStoreError, LoginStoreErrorKind},
    safety,
};

/// How long a wait may be before somebody is told what it is for.
const SILENCE: Duration = Duration::from_secs(2);

/// Waits for the lock.
pub(super) async fn acquire(path: PathBuf, limit: Duration) -> Result<File, LoginStoreError> {
    let (locked, waiting) = oneshot::channel();
    let at = path.clone();
    // A thread of its own, which the runtime does not wait for: a lock cannot be waited for with a
    // limit. Where nobody waits any more, the handle is dropped, and the lock with it.
    let thread = thread::Builder::new().name("login lock".to_owned());
    thread
        .spawn(move || locked.send(lock(&at)))
        .map_err(|error| LoginStoreError::io("wait for", &path, error))?;
    let mut waiting = waiting;
    let first = timeout(SILENCE.min(limit), &mut waiting).await;
    let waited = match first {
        Err(_) if limit > SILENCE => {
            tracing::info!(target: WAITING, "waiting for another process, which changes the login");
            timeout(limit - SILENCE, waiting).await
        }
        first => first,
    };
    match waited {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(LoginStoreError::io(
            "lock",
            &path,
            io::Error::other("it failed"),
        )),
        Err(_) => {
            let message = format!(
                "another process has held {} for {} s: end it, or try again later",
                path.display(),
                limit.as_secs(),
            );
            Err(LoginStoreError::new(LoginStoreErrorKind::Busy, message))
        }
    }
}

fn lock(path: &Path) -> Result<File, LoginStoreError> {
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let opened = safety::open_with(path, &mut options);
        let file = opened.map_err(|error| safety::explain(path, error))?;
        safety::check_file(path, &file)?;
        let failed = |error| LoginStoreError::io("lock", path, error);
        while let Err(error) = file.lock() {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(failed(error));
            }
        }
        // Somebody may have removed the file, and others lock a new one by now.
        if safety::is_at(path, &file).map_err(failed)? {
            return Ok(file);
        }
    }
}
