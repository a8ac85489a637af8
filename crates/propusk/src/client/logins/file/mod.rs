//! Logins in files: one folder for its owner alone, one file for each login.
//!
//! `NAME.json` is a login, `NAME.lock` its lock, which stays when the login goes: a lock that can be
//! removed is none. `NAME.*.new` is a login that is being written; one that a dead process left goes
//! when the next one takes the lock. NAME is a digest of the key.

mod lock;
mod place;
mod safety;
mod writing;

use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use super::{
    Login, LoginKey, LoginLock, LoginStore, LoginStoreError, LoginStoreErrorKind,
    record::{self, Unreadable},
};

/// A renewal takes a second or two; whoever waits longer than this waits for a process that hangs.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// Keeps logins in a folder, readable by its owner alone.
///
/// The folder is made on the first write, with mode 0700, and every file with 0600. A folder or file
/// that others could change, or that belongs to somebody else, or that is a symbolic link, is
/// refused. A write replaces the file as a whole and reaches the disk before it counts.
#[derive(Clone)]
pub struct FileLogins {
    folder: PathBuf,
    lock_timeout: Duration,
}

impl FileLogins {
    /// Logins in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            lock_timeout: LOCK_TIMEOUT,
        }
    }

    /// Logins in the folder that the operating system means for such data:
    /// `$XDG_STATE_HOME/propusk/logins` or `~/.local/state/propusk/logins`, on macOS
    /// `~/Library/Application Support/propusk/logins`, on Windows `%LOCALAPPDATA%\propusk\logins`.
    ///
    /// # Errors
    /// [`LoginStoreErrorKind::Unavailable`] where the environment names no home.
    pub fn in_default_folder() -> Result<Self, LoginStoreError> {
        place::default_folder().map(Self::new)
    }

    /// How long [`LoginStore::lock`] waits for another process (default: 60 s).
    #[must_use]
    pub fn lock_timeout(mut self, limit: Duration) -> Self {
        self.lock_timeout = limit;
        self
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What [`LoginStore::list`] leaves out: for each login that cannot be read, an error that names
    /// its file and the way out.
    ///
    /// # Errors
    /// As [`LoginStore::list`].
    pub async fn unreadable(&self) -> Result<Vec<LoginStoreError>, LoginStoreError> {
        let folder = self.folder.clone();
        off_the_executor(move || Ok(scan(&folder)?.1)).await
    }

    fn file(&self, key: &LoginKey) -> PathBuf {
        self.folder.join(format!("{}.json", record::name(key)))
    }
}

impl LoginStore for FileLogins {
    async fn load(&self, key: &LoginKey) -> Result<Option<Login>, LoginStoreError> {
        let (folder, file, key) = (self.folder.clone(), self.file(key), key.clone());
        off_the_executor(move || {
            if !safety::check_folder(&folder)? {
                return Ok(None);
            }
            let Some(text) = contents(&file)? else {
                return Ok(None);
            };
            let login = record::read(&text, &key);
            login.map(Some).map_err(|why| unreadable(&file, why))
        })
        .await
    }

    async fn save(&self, login: &Login) -> Result<(), LoginStoreError> {
        let (folder, file) = (self.folder.clone(), self.file(login.key()));
        let text = record::write(login).ok_or_else(|| {
            let message = "the login is too large to be kept: its tokens are of an unusual size";
            LoginStoreError::new(LoginStoreErrorKind::Unavailable, message)
        })?;
        off_the_executor(move || {
            safety::make_folder(&folder)?;
            writing::replace(&folder, &file, &text)
        })
        .await
    }

    async fn remove(&self, key: &LoginKey) -> Result<bool, LoginStoreError> {
        let (folder, file) = (self.folder.clone(), self.file(key));
        off_the_executor(move || {
            Ok(safety::check_folder(&folder)? && writing::remove(&folder, &file)?)
        })
        .await
    }

    async fn list(&self) -> Result<Vec<LoginKey>, LoginStoreError> {
        let folder = self.folder.clone();
        off_the_executor(move || keys(&folder)).await
    }

    async fn lock(&self, key: &LoginKey) -> Result<LoginLock, LoginStoreError> {
        let (folder, file) = (self.folder.clone(), self.file(key));
        off_the_executor(move || safety::make_folder(&folder)).await?;
        let path = file.with_extension("lock");
        let lock = lock::acquire(path, self.lock_timeout).await?;
        let folder = self.folder.clone();
        // Whoever wrote these held the lock, and is gone.
        off_the_executor(move || writing::sweep(&folder, &file)).await?;
        Ok(LoginLock::holding(lock))
    }
}

impl fmt::Debug for FileLogins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileLogins").field(&self.folder).finish()
    }
}

/// All logins that can be read.
fn keys(folder: &Path) -> Result<Vec<LoginKey>, LoginStoreError> {
    let (mut keys, unreadable) = scan(folder)?;
    for error in unreadable {
        tracing::warn!("{error}");
    }
    keys.sort_unstable();
    Ok(keys)
}

/// The logins that can be read, and why the others cannot.
fn scan(folder: &Path) -> Result<(Vec<LoginKey>, Vec<LoginStoreError>), LoginStoreError> {
    let (mut keys, mut failures) = (Vec::new(), Vec::new());
    if !safety::check_folder(folder)? {
        return Ok((keys, failures));
    }
    let failed = |error| LoginStoreError::io("list the logins in", folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let read = contents(&file).and_then(|text| {
            let read = text.map(|text| record::read_any(&text)).transpose();
            read.map_err(|why| unreadable(&file, why))
        });
        match read {
            Ok(login) => keys.extend(login.map(|login| login.key)),
            Err(error) => failures.push(error),
        }
    }
    Ok((keys, failures))
}

/// What is in a file. `None`: there is no file.
fn contents(file: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, LoginStoreError> {
    let opened = match safety::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| safety::explain(file, error))?,
    };
    safety::check_file(file, &opened)?;
    let mut text = Zeroizing::new(Vec::with_capacity(record::LONGEST + 1));
    let read = opened
        .take(record::LONGEST as u64 + 1)
        .read_to_end(&mut text);
    read.map_err(|error| LoginStoreError::io("read", file, error))?;
    if text.len() > record::LONGEST {
        return Err(unreadable(file, Unreadable::Damaged));
    }
    Ok(Some(text))
}

fn unreadable(file: &Path, why: Unreadable) -> LoginStoreError {
    let file = file.display();
    let message = match why {
        Unreadable::Damaged => {
            format!("the login in {file} is damaged: remove the file and sign in again")
        }
        Unreadable::Newer(version) => format!(
            "the login in {file} is in format {version}, of a newer version of this program: \
             update it, or remove the file and sign in again"
        ),
        Unreadable::Misplaced => format!(
            "the login in {file} belongs to another server, issuer, client or account than its \
             name says: remove the file and sign in again"
        ),
    };
    LoginStoreError::new(LoginStoreErrorKind::Unreadable, message)
}

/// Runs what may wait for a disk. It goes on to its end when the caller does not.
async fn off_the_executor<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoginStoreError> + Send + 'static,
) -> Result<T, LoginStoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| {
        let message = "the file of logins was not reached: the program is ending";
        let error = LoginStoreError::new(LoginStoreErrorKind::Unavailable, message);
        Err(error.with_cause(stopped))
    })
}

#[cfg(test)]
mod tests;
