//! What can go wrong with a store.

use std::error::Error;

use crate::{InvalidNewToken, TokenId};

pub(crate) type Cause = Box<dyn Error + Send + Sync>;

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
    #[error("{place} is a folder: give the path of a file in it for the store")]
    IsFolder {
        /// Where the store is.
        place: String,
    },
    /// The folder of the store does not exist.
    #[error("the folder of {place} does not exist: create it, or give another path for the store")]
    NoFolder {
        /// Where the store is.
        place: String,
    },
    /// The operating system does not let us read and write the file.
    #[error("no permission to read and write {place} and to create files beside it: {cause}")]
    PermissionDenied {
        /// Where the store is.
        place: String,
        /// What the operating system or the database said.
        #[source]
        cause: Cause,
    },
    /// The file is something else.
    #[error("{place} is not a token store: it was written by another program; give another path")]
    NotAStore {
        /// Where the store is.
        place: String,
    },
    /// A newer propusk has changed the store.
    #[error(
        "{place} was written by a newer version of propusk (its schema is {found}, this version \
         knows up to {known}): update propusk"
    )]
    NewerSchema {
        /// Where the store is.
        place: String,
        /// The version of the schema in the store.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Another process kept the database locked for too long.
    #[error(
        "{place} is locked by another process: wait until it is done, or end it, and try again"
    )]
    Busy {
        /// Where the store is.
        place: String,
    },
    /// There is no room.
    #[error("the disk of {place} is full: make room and try again")]
    DiskFull {
        /// Where the store is.
        place: String,
    },
    /// The file was removed or replaced while the store was open.
    #[error("{place} was removed or replaced while it was open: restart to use what is there now")]
    Gone {
        /// Where the store is.
        place: String,
    },
    /// What is in the store contradicts itself.
    #[error("{place} is damaged ({what}): restore it from a backup")]
    Damaged {
        /// Where the store is.
        place: String,
        /// What is wrong, for a human.
        what: String,
    },
    /// The database server does not answer, or not in time.
    #[error(
        "cannot reach {place}: {cause}: check that PostgreSQL runs there and takes connections"
    )]
    Unreachable {
        /// Where the store is.
        place: String,
        /// What the network or the server said.
        #[source]
        cause: Cause,
    },
    /// The database server does not let this user in.
    #[error("{place} does not let this user in: {cause}: check user and password")]
    LoginRefused {
        /// Where the store is.
        place: String,
        /// What the server said.
        #[source]
        cause: Cause,
    },
    /// A connection with TLS cannot be had, or only such a one.
    #[error(
        "no secure connection to {place}: {cause}: look at the parameters sslmode and sslrootcert"
    )]
    Tls {
        /// Where the store is.
        place: String,
        /// What failed.
        #[source]
        cause: Cause,
    },
    /// The database server has no database with this name.
    #[error("the database of {place} does not exist: create it with `{command}`")]
    NoDatabase {
        /// Where the store is.
        place: String,
        /// What creates it, typed into a shell.
        command: String,
    },
    /// The database user may not do what is necessary.
    #[error(
        "no permission in {place}: {cause}: the user needs CREATE on the database, or a schema \
         `propusk` that belongs to it"
    )]
    NotPermitted {
        /// Where the store is.
        place: String,
        /// What the server said.
        #[source]
        cause: Cause,
    },
    /// The database server is a copy that only follows another one: what it says may be out of date.
    #[error("{place} is a read-only copy (a standby): give the address of the primary server")]
    Standby {
        /// Where the store is.
        place: String,
    },
    /// The schema `propusk` in the database is something else.
    #[error(
        "the schema `propusk` in {place} is not a token store: it was made by another program; \
         give another database"
    )]
    ForeignSchema {
        /// Where the store is.
        place: String,
    },
    /// The store was closed.
    #[error("the token store is closed")]
    Closed,
    /// The operating system has no random numbers.
    #[error("the operating system has no random numbers: {0}")]
    NoRandomness(#[source] getrandom::Error),
    /// Something else went wrong in the database.
    #[error("the token store {place} does not work: {cause}")]
    Database {
        /// Where the store is.
        place: String,
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

    /// Whether the database server does not answer, or not in time. The same call may succeed later.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Whether what the URL of the store leads to is at fault, and nothing helps but changing the
    /// one or the other: a bad path, a database that is not there, a user who is not let in, no
    /// permission, no TLS, a read-only copy, or what another program wrote.
    #[must_use]
    pub fn is_bad_place(&self) -> bool {
        self.is_bad_path()
            || matches!(
                self,
                Self::LoginRefused { .. }
                    | Self::Tls { .. }
                    | Self::NoDatabase { .. }
                    | Self::NotPermitted { .. }
                    | Self::Standby { .. }
                    | Self::ForeignSchema { .. }
            )
    }

    /// Whether we are not permitted to read and write the store.
    #[must_use]
    pub fn is_permission_denied(&self) -> bool {
        matches!(
            self,
            Self::PermissionDenied { .. } | Self::NotPermitted { .. }
        )
    }

    /// Whether the file or the schema was written by another program.
    #[must_use]
    pub fn is_not_a_store(&self) -> bool {
        matches!(self, Self::NotAStore { .. } | Self::ForeignSchema { .. })
    }

    /// Whether the store was written by a newer version of propusk.
    #[must_use]
    pub fn is_newer_schema(&self) -> bool {
        matches!(self, Self::NewerSchema { .. })
    }

    /// Whether another process keeps the store locked: the same call may succeed later.
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
