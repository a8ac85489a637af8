//! What SQLite says, in the store's terms.

use std::path::Path;

use crate::StoreError;

// Result codes: <https://www.sqlite.org/rescode.html>.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;
const READONLY_DBMOVED: i32 = 1032;

/// Translates an error of the database at `path`.
pub(super) fn explain(path: &Path, error: sqlx::Error) -> StoreError {
    let place = path.display().to_string();
    match &error {
        sqlx::Error::PoolClosed => return StoreError::Closed,
        sqlx::Error::PoolTimedOut => return StoreError::Busy { place },
        _ => {}
    }
    let Some(code) = result_code(&error) else {
        return StoreError::Database {
            place,
            cause: Box::new(error),
        };
    };
    // The low byte is the kind, the rest of it tells more.
    match (code, code & 0xff) {
        (READONLY_DBMOVED, _) => StoreError::Gone { place },
        (_, BUSY | LOCKED) => StoreError::Busy { place },
        (_, READONLY | CANTOPEN) => StoreError::PermissionDenied {
            place,
            cause: Box::new(error),
        },
        (_, FULL) => StoreError::DiskFull { place },
        (_, NOTADB) => StoreError::NotAStore { place },
        (_, CORRUPT) => StoreError::Damaged {
            place,
            what: error.to_string(),
        },
        _ => StoreError::Database {
            place,
            cause: Box::new(error),
        },
    }
}

fn result_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}
