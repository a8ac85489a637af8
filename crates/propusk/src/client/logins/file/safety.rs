//! Whether a file or folder is ours alone.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io,
    path::Path,
};

use super::super::{LoginStoreError, LoginStoreErrorKind};

/// Makes sure that the folder is there and safe.
pub(super) fn make_folder(folder: &Path) -> Result<(), LoginStoreError> {
    if check_folder(folder)? {
        return Ok(());
    }
    let failed = |error| LoginStoreError::io("make the folder", folder, error);
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(failed)?;
    check_folder(folder).map(drop)
}

/// Refuses a folder that others could change. `false`: there is none.
pub(super) fn check_folder(folder: &Path) -> Result<bool, LoginStoreError> {
    let found = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found.map_err(|error| LoginStoreError::io("look at", folder, error))?,
    };
    if !found.is_dir() {
        return Err(exposed(
            folder,
            "is not a folder, or is a symbolic link",
            "remove it",
        ));
    }
    check_owner(folder, &found, 0o022, "go-w")?;
    Ok(true)
}

/// Refuses a file that others could read or change.
pub(super) fn check_file(path: &Path, file: &File) -> Result<(), LoginStoreError> {
    let found = file.metadata();
    let found = found.map_err(|error| LoginStoreError::io("look at", path, error))?;
    if !found.is_file() {
        return Err(exposed(path, "is not a file", "remove it"));
    }
    check_owner(path, &found, 0o077, "go=")
}

/// Opens a file for reading, unless it is a symbolic link.
pub(super) fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true))
}

/// Opens or makes a file for its owner alone, unless it is a symbolic link. A pipe does not make us
/// wait.
pub(super) fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

/// Says why a file cannot be opened.
pub(super) fn explain(path: &Path, error: io::Error) -> LoginStoreError {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    if is_link {
        return exposed(path, "is a symbolic link", "remove it");
    }
    LoginStoreError::io("open", path, error)
}

/// Whether the path still leads to this very file.
pub(super) fn is_at(path: &Path, file: &File) -> io::Result<bool> {
    let there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    Ok(identity(&there) == identity(&file.metadata()?))
}

/// Device and inode. Elsewhere a file that is open cannot be removed.
#[cfg(unix)]
fn identity(found: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;

    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) {}

#[cfg(unix)]
fn check_owner(
    path: &Path,
    found: &Metadata,
    forbidden: u32,
    cure: &str,
) -> Result<(), LoginStoreError> {
    use std::os::unix::fs::MetadataExt;

    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(exposed(
            path,
            "belongs to another user",
            "use a folder of your own",
        ));
    }
    if found.mode() & forbidden != 0 {
        let cure = format!("run: chmod {cure} '{}'", path.display());
        return Err(exposed(path, "is open to other users", &cure));
    }
    Ok(())
}

/// Elsewhere a profile's folder is its user's alone by inheritance.
#[cfg(not(unix))]
fn check_owner(_: &Path, _: &Metadata, _: u32, _: &str) -> Result<(), LoginStoreError> {
    Ok(())
}

fn exposed(path: &Path, what: &str, cure: &str) -> LoginStoreError {
    let message = format!(
        "{} {what}, so no login is kept there: {cure}",
        path.display()
    );
    LoginStoreError::new(LoginStoreErrorKind::Exposed, message)
}
