//! The file of a store, apart from what is in it.

use std::{
    fs::{self, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::StoreError;

/// A file that exists, and which one it is.
pub(super) struct DatabaseFile {
    path: PathBuf,
    identity: Identity,
}

/// Device and inode on Unix. Elsewhere a file that is open cannot be removed.
type Identity = Option<(u64, u64)>;

impl DatabaseFile {
    /// Remembers which file it is. To be called after SQLite has opened it for writing: in a
    /// container that is when a file of the image becomes another one (overlayfs copies it).
    pub(super) async fn identify(path: &Path) -> Result<Self, StoreError> {
        let at = path.to_owned();
        let identity = off_the_executor(path, move || identity_of_file(&at)).await?;
        Ok(Self {
            path: path.to_owned(),
            identity,
        })
    }

    /// Makes sure that the file is still there and still the same one.
    ///
    /// SQLite would go on with a file that was removed or replaced (restored from a backup, say),
    /// which only this process can see: revocations by other processes would pass it by.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let at = self.path.clone();
        let found = off_the_executor(&self.path, move || identity_of_file(&at));
        if found.await? == self.identity {
            Ok(())
        } else {
            Err(StoreError::Gone {
                place: self.path.display().to_string(),
            })
        }
    }
}

/// Makes sure that there is a file at `path`, created for its owner alone if there is none.
pub(super) async fn prepare(path: &Path) -> Result<(), StoreError> {
    let at = path.to_owned();
    off_the_executor(path, move || find_or_create(&at)).await
}

fn find_or_create(path: &Path) -> Result<(), StoreError> {
    let found = match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            create(path).and_then(|()| fs::metadata(path))
        }
        found => found,
    };
    if found.map_err(|e| explain(path, e))?.is_dir() {
        return Err(StoreError::IsFolder {
            place: path.display().to_string(),
        });
    }
    Ok(())
}

fn identity_of_file(path: &Path) -> Result<Identity, StoreError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(identity(&metadata)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(StoreError::Gone {
            place: path.display().to_string(),
        }),
        Err(e) => Err(explain(path, e)),
    }
}

/// Creates an empty file with mode 0600. SQLite gives the files beside it (`-wal`, `-shm`) the same
/// mode; left to itself it would make all of them readable for everybody.
///
/// Closing a file drops all locks that the process has on it (POSIX), also those of SQLite. Hence
/// an existing file is never opened here, and a new one is closed again before anybody else in
/// this process can go on and open it with SQLite.
fn create(path: &Path) -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map(drop),
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    None
}

fn explain(path: &Path, error: io::Error) -> StoreError {
    use io::ErrorKind::{
        NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull,
    };
    let place = path.display().to_string();
    match error.kind() {
        // The file itself would have been created.
        NotFound | NotADirectory => StoreError::NoFolder { place },
        PermissionDenied | ReadOnlyFilesystem => StoreError::PermissionDenied {
            place,
            cause: Box::new(error),
        },
        StorageFull => StoreError::DiskFull { place },
        _ => StoreError::Database {
            place,
            cause: Box::new(error),
        },
    }
}

async fn off_the_executor<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(StoreError::Database {
            place: path.display().to_string(),
            cause: Box::new(e),
        }),
    }
}
