//! Replacing a file as a whole.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{super::LoginStoreError, safety};

/// Marks a file that is being written.
const NEW: &str = "new";

/// Writes a new file beside `file`, and moves it into its place when it is on the disk.
pub(super) fn replace(folder: &Path, file: &Path, text: &[u8]) -> Result<(), LoginStoreError> {
    let new = beside(file);
    let failed = |error| LoginStoreError::io("write", file, error);
    let written = write(&new, text).and_then(|()| fs::rename(&new, file));
    written.map_err(|error| {
        // What is half written helps nobody; the old file is still there.
        let _ = fs::remove_file(&new);
        failed(error)
    })?;
    sync_folder(folder).map_err(failed)
}

/// Removes a file for good. `false`: there was none.
pub(super) fn remove(folder: &Path, file: &Path) -> Result<bool, LoginStoreError> {
    let failed = |error| LoginStoreError::io("remove", file, error);
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        removed => removed.map_err(failed)?,
    }
    sync_folder(folder).map_err(failed)?;
    Ok(true)
}

/// Removes what writers left that died.
pub(super) fn sweep(folder: &Path, file: &Path) -> Result<(), LoginStoreError> {
    let failed = |error| LoginStoreError::io("clean up", folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_new = path.extension() == Some(OsStr::new(NEW));
        let of_this = path.file_stem().map(Path::new).and_then(Path::file_stem);
        if is_new && of_this == file.file_stem() {
            tracing::debug!(
                "removing {}, which a process left that died",
                path.display()
            );
            fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

fn write(new: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut written = safety::open_with(new, options.write(true).create_new(true))?;
    written.write_all(text)?;
    written.sync_all()
}

/// `NAME.RANDOM.new`: no two writers have the same, not even in two containers.
fn beside(file: &Path) -> PathBuf {
    let random = RandomState::new().build_hasher().finish();
    file.with_extension(format!("{random:016x}.{NEW}"))
}

/// A new name in a folder is on the disk when the folder is. Windows has no such operation.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
