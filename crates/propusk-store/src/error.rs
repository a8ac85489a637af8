//! What can go wrong with a store.

use std::{error::Error, path::PathBuf};

use crate::{InvalidNewToken, TokenId};

type Cause = Box<dyn Error + Send + Sync>;

/// What can go wrong with a store. The texts name the cause and the way out; no secret is in them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No token has this id.
    #[error("there is no token {id} in this store: `propusk token list` shows those that are")]
    NotFound {
        /// The id that was asked for.
        id: TokenId,
    },
    /// The token is revoked, and rotating would bring it back to life.
    #[error("the token {id} is revoked: issue a new one instead of rotating it")]
    Revoked {
        /// The id of the token.
        id: TokenId,
    },
    /// Such a token cannot be issued.
    #[error(transparent)]
    InvalidToken(#[from] InvalidNewToken),
    /// The path of the store is a folder.
    #[error("{path} is a folder: give the path of a file in it for the store")]
    IsFolder {
        /// The path of the store.
        path: PathBuf,
    },
    /// The folder of the store does not exist.
    #[error("the folder of {path} does not exist: create it, or give another path for the store")]
    NoFolder {
        /// The path of the store.
        path: PathBuf,
    },
    /// The operating system does not let us read and write the file.
    #[error("no permission to read and write {path} and to create files beside it: {cause}")]
    PermissionDenied {
        /// The path of the store.
        path: PathBuf,
        /// What the operating system or the database said.
        #[source]
        cause: Cause,
    },
    /// The file is something else.
    #[error("{path} is not a token store: it was written by another program; give another path")]
    NotAStore {
        /// The path of the store.
        path: PathBuf,
    },
    /// A newer propusk has changed the store.
    #[error(
        "{path} was written by a newer version of propusk (its schema is {found}, this version \
         knows up to {known}): update propusk"
    )]
    NewerSchema {
        /// The path of the store.
        path: PathBuf,
        /// The version of the schema in the file.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Another process kept the database locked for too long.
    #[error("{path} is locked by another process: wait until it is done, or end it, and try again")]
    Busy {
        /// The path of the store.
        path: PathBuf,
    },
    /// There is no room.
    #[error("the disk of {path} is full: make room and try again")]
    DiskFull {
        /// The path of the store.
        path: PathBuf,
    },
    /// The file was removed or replaced while the store was open.
    #[error("{path} was removed or replaced while it was open: restart to use what is there now")]
    Gone {
        /// The path of the store.
        path: PathBuf,
    },
    /// What is in the file contradicts itself.
    #[error("{path} is damaged ({what}): restore it from a backup")]
    Damaged {
        /// The path of the store.
        path: PathBuf,
        /// What is wrong, for a human.
        what: String,
    },
    /// The store was closed.
    #[error("the token store is closed")]
    Closed,
    /// The operating system has no random numbers.
    #[error("the operating system has no random numbers: {0}")]
    NoRandomness(#[source] getrandom::Error),
    /// Something else went wrong in the database.
    #[error("the token store {path} does not work: {cause}")]
    Database {
        /// The path of the store.
        path: PathBuf,
        /// What the database said.
        #[source]
        cause: Cause,
    },
}

impl StoreError {
    /// Whether no token has the id that was asked for.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether the token cannot be rotated since it is revoked.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        matches!(self, Self::Revoked { .. })
    }

    /// Whether what a token was to be issued for is at fault.
    #[must_use]
    pub fn is_invalid_token(&self) -> bool {
        matches!(self, Self::InvalidToken(_))
    }

    /// Whether the path is at fault: a folder, in no folder, without permission, or the file of
    /// another program.
    #[must_use]
    pub fn is_bad_path(&self) -> bool {
        matches!(
            self,
            Self::IsFolder { .. }
                | Self::NoFolder { .. }
                | Self::PermissionDenied { .. }
                | Self::NotAStore { .. }
        )
    }

    /// Whether the operating system does not let us read and write the file.
    #[must_use]
    pub fn is_permission_denied(&self) -> bool {
        matches!(self, Self::PermissionDenied { .. })
    }

    /// Whether the file was written by another program.
    #[must_use]
    pub fn is_not_a_store(&self) -> bool {
        matches!(self, Self::NotAStore { .. })
    }

    /// Whether the file was written by a newer version of propusk.
    #[must_use]
    pub fn is_newer_schema(&self) -> bool {
        matches!(self, Self::NewerSchema { .. })
    }

    /// Whether the same call may succeed later without anyone's doing.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    /// Whether the store was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}
