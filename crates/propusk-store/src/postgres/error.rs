//! What PostgreSQL and the network say, in the store's terms.

use std::{fmt, io, time::Duration};

use crate::{StoreError, error::Cause, row::BadRow};

use super::{PostgresUrl, schema::MIGRATIONS};

/// What can go wrong on the way to the database and back.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The driver or the server failed.
    Database(sqlx::Error),
    /// There was no answer in this time.
    Slow(Duration),
    /// The server only follows another one.
    Standby,
    /// The schema is another program's.
    Foreign,
    /// The schema is that of a newer version.
    Newer(i64),
    /// A row is not a token.
    BadColumn(&'static str),
    /// The store was closed.
    Closed,
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<BadRow> for Trouble {
    fn from(bad: BadRow) -> Self {
        match bad {
            BadRow::Database(error) => Self::Database(error),
            BadRow::Column(column) => Self::BadColumn(column),
        }
    }
}

/// For the log. Of an error of the server this is its message alone, never its details.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => error.fmt(f),
            other => write!(f, "{other:?}"),
        }
    }
}

/// Tells what it means for the store at `url`.
pub(super) fn explain(url: &PostgresUrl, trouble: Trouble) -> StoreError {
    let place = url.to_string();
    match trouble {
        Trouble::Database(error) => explain_driver(url, error),
        Trouble::Slow(limit) => StoreError::Unreachable {
            place,
            cause: format!("no answer within {} s", limit.as_secs()).into(),
        },
        Trouble::Standby => StoreError::Standby { place },
        Trouble::Foreign => StoreError::ForeignSchema { place },
        Trouble::Newer(found) => StoreError::NewerSchema {
            place,
            found,
            known: MIGRATIONS.len() as i64,
        },
        Trouble::BadColumn(column) => StoreError::Damaged {
            place,
            what: BadRow::what(column),
        },
        Trouble::Closed => StoreError::Closed,
    }
}

fn explain_driver(url: &PostgresUrl, error: sqlx::Error) -> StoreError {
    let place = url.to_string();
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default().into_owned();
            explain_code(url, &code, error.message())
        }
        sqlx::Error::Tls(cause) => StoreError::Tls { place, cause },
        // As rustls reports a certificate that it does not trust.
        sqlx::Error::Io(cause) if cause.kind() == io::ErrorKind::InvalidData => StoreError::Tls {
            place,
            cause: Box::new(cause),
        },
        sqlx::Error::Io(cause) => StoreError::Unreachable {
            place,
            cause: Box::new(cause),
        },
        // Something else at this port, such as a web server.
        sqlx::Error::Protocol(what) => StoreError::Unreachable {
            place,
            cause: what.into(),
        },
        _ => StoreError::Database {
            place,
            cause: Box::new(error),
        },
    }
}

/// Goes by the SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
///
/// Of what the server said only the message is kept: its details may contain whole rows.
fn explain_code(url: &PostgresUrl, code: &str, message: &str) -> StoreError {
    let place = url.to_string();
    let cause: Cause = message.into();
    match code {
        // As the server ends a message about a connection for which it has no rule, or refuses one.
        "28000" if message.contains("no encryption") || message.contains("SSL off") => {
            StoreError::Tls { place, cause }
        }
        "28000" | "28P01" => StoreError::LoginRefused { place, cause },
        "3D000" => StoreError::NoDatabase {
            place,
            command: url.create_command(),
        },
        "42501" => StoreError::NotPermitted { place, cause },
        "25006" => StoreError::Standby { place },
        // A lock that was not had in time, a deadlock, a conflict of transactions.
        "55P03" | "40P01" | "40001" => StoreError::Busy { place },
        "53100" => StoreError::DiskFull { place },
        // Our tables are not there any more.
        "3F000" | "42P01" => StoreError::Gone { place },
        // Ours have all the columns we ask for.
        "42703" => StoreError::ForeignSchema { place },
        "XX001" | "XX002" => StoreError::Damaged {
            place,
            what: message.to_owned(),
        },
        // Too many connections; shut down, crashed, starting; broken connections.
        "53300" | "57P01" | "57P02" | "57P03" | "57P05" => StoreError::Unreachable { place, cause },
        _ if code.starts_with("08") => StoreError::Unreachable { place, cause },
        _ => StoreError::Database {
            place,
            cause: format!("{message} (SQLSTATE {code})").into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_codes_mean() {
        let url = PostgresUrl::parse("postgres://u:hunter2@h:5432/d").expect("a URL");
        for (code, message, expected) in [
            (
                "28P01",
                "password authentication failed",
                "check user and password",
            ),
            ("28000", "no entry for host, no encryption", "sslmode"),
            (
                "28000",
                "role \"u\" does not exist",
                "check user and password",
            ),
            ("3D000", "x", "createdb --host=h --port=5432 --username=u d"),
            ("42501", "permission denied for database d", "CREATE"),
            ("25006", "x", "standby"),
            ("55P03", "x", "locked"),
            ("53100", "x", "full"),
            ("42P01", "x", "removed"),
            ("42703", "x", "another program"),
            ("XX001", "invalid page", "invalid page"),
            (
                "57P03",
                "the database system is starting up",
                "check that PostgreSQL runs",
            ),
            ("08006", "x", "check that PostgreSQL runs"),
            ("22012", "division by zero", "SQLSTATE 22012"),
        ] {
            let error = explain_code(&url, code, message);
            let text = format!("{error} {error:?}");
            assert!(text.contains(expected), "{code}: {text}");
            assert!(text.contains("postgres://u@h:5432/d"), "{code}: {text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
