//! Where a store is.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::postgres::PostgresUrl;

/// Where a store is.
///
/// - SQLite: `sqlite:propusk.db`, `sqlite:///var/lib/propusk.db`, `sqlite::memory:` (for tests: gone
///   with the store), or a bare path that ends in `.db` or `.sqlite`. The path is taken as it
///   stands, without percent-decoding. A relative one starts at the current folder.
/// - PostgreSQL: `postgres://user@host:5432/database`, or `postgresql://`. What is left out comes
///   from `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`, `PGDATABASE`, `PGSSLMODE` and the password
///   file `~/.pgpass`, as with all programs of PostgreSQL. Parameters: `sslmode`, `sslrootcert`,
///   `sslcert`, `sslkey`, `host` (also the folder of a Unix socket), `hostaddr`, `port`, `dbname`,
///   `user`, `password`, `application_name`, `options`. Over a network that is not your own, say
///   `sslmode=verify-full`: without it, as everywhere with PostgreSQL, nobody checks who answers.
///
/// `Display` and `Debug` never show a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreUrl(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    File(PathBuf),
    Memory,
    Postgres(PostgresUrl),
}

impl StoreUrl {
    /// Parses the URL of a store.
    ///
    /// # Errors
    /// [`InvalidStoreUrl`] says what is wrong without repeating the text, which may contain a
    /// password.
    pub fn parse(text: &str) -> Result<Self, InvalidStoreUrl> {
        if let Some(rest) = text.strip_prefix("sqlite:") {
            return Self::parse_sqlite(rest);
        }
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            return PostgresUrl::parse(text).map(|url| Self(Place::Postgres(url)));
        }
        if text.contains("://") {
            return Err(InvalidStoreUrl::UnknownScheme);
        }
        if text.ends_with(".db") || text.ends_with(".sqlite") {
            return Ok(Self(Place::File(text.into())));
        }
        Err(InvalidStoreUrl::NotAStore)
    }

    fn parse_sqlite(rest: &str) -> Result<Self, InvalidStoreUrl> {
        if rest == ":memory:" {
            return Ok(Self(Place::Memory));
        }
        // An empty host and an absolute path, or, as other tools allow, no host at all.
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.contains('?') {
            return Err(InvalidStoreUrl::Parameters);
        }
        if path.is_empty() || path.contains('\0') {
            return Err(InvalidStoreUrl::NoPath);
        }
        Ok(Self(Place::File(path.into())))
    }

    /// Whether the store is in memory, and ends with the program.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        matches!(self.0, Place::Memory)
    }

    /// Whether there is a password in it, which `Display` leaves out.
    #[must_use]
    pub fn has_password(&self) -> bool {
        matches!(&self.0, Place::Postgres(url) if url.has_password())
    }

    pub(crate) fn place(&self) -> &Place {
        &self.0
    }
}

impl Place {
    /// Whether opening the place would create a file.
    pub(crate) fn is_missing_file(&self) -> bool {
        matches!(self, Self::File(path) if !Path::exists(path))
    }
}

impl FromStr for StoreUrl {
    type Err = InvalidStoreUrl;

    fn from_str(text: &str) -> Result<Self, InvalidStoreUrl> {
        Self::parse(text)
    }
}

/// `sqlite:` and the path, or the URL of the database without a password and without parameters.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::File(path) => write!(f, "sqlite:{}", path.display()),
            Place::Memory => f.write_str("sqlite::memory:"),
            Place::Postgres(url) => url.fmt(f),
        }
    }
}

/// Why a text is not the URL of a store. It never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidStoreUrl {
    /// It begins like the URL of a PostgreSQL database and then does not go on like one.
    #[error(
        "this is not the URL of a PostgreSQL database: write `postgres://user@host:5432/database`; \
         `/`, `@` and other special characters in a password are percent-encoded"
    )]
    NotAPostgresUrl,
    /// A parameter of a PostgreSQL URL that is not known here.
    #[error(
        "a PostgreSQL URL has a parameter that is not known here: there are sslmode, sslrootcert, \
         sslcert, sslkey, host, hostaddr, port, dbname, user, password, application_name and options"
    )]
    UnknownParameter,
    /// It is the URL of something else.
    #[error(
        "a store is in SQLite or PostgreSQL: its URL begins with `sqlite:`, such as \
         `sqlite:propusk.db`, or with `postgres://`"
    )]
    UnknownScheme,
    /// There is no path after `sqlite:`.
    #[error("the path is missing: write `sqlite:propusk.db` or `sqlite:///var/lib/propusk.db`")]
    NoPath,
    /// There is a `?` in it.
    #[error("the URL of a SQLite store has no parameters: leave out `?` and what follows")]
    Parameters,
    /// It is neither a URL nor a path that looks like a database.
    #[error(
        "this is not the URL of a store: write `sqlite:` before the path of its file, such as `sqlite:propusk.db`"
    )]
    NotAStore,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        use InvalidStoreUrl::{
            NoPath, NotAPostgresUrl, NotAStore, Parameters, UnknownParameter, UnknownScheme,
        };
        for (text, expected) in [
            ("sqlite:propusk.db", Ok("sqlite:propusk.db")),
            ("sqlite://propusk.db", Ok("sqlite:propusk.db")),
            ("sqlite:///var/lib/a b.db", Ok("sqlite:/var/lib/a b.db")),
            ("sqlite:/var/lib/пропуск", Ok("sqlite:/var/lib/пропуск")),
            ("sqlite::memory:", Ok("sqlite::memory:")),
            ("./propusk.db", Ok("sqlite:./propusk.db")),
            ("C:\\propusk.sqlite", Ok("sqlite:C:\\propusk.sqlite")),
            ("sqlite:", Err(NoPath)),
            ("sqlite://", Err(NoPath)),
            ("sqlite:a.db?mode=ro", Err(Parameters)),
            ("postgres://u:hunter2@h:1/d.db", Ok("postgres://u@h:1/d.db")),
            (
                "postgresql://u:hunter2@h:5432/d?sslmode=verify-full&sslrootcert=/ca.pem",
                Ok("postgres://u@h:5432/d"),
            ),
            (
                "postgres://h:5432/d?user=u&password=hunter2",
                Ok("postgres://u@h:5432/d"),
            ),
            (
                "postgres://u:hunter2@[::1]:7/d",
                Ok("postgres://u@[::1]:7/d"),
            ),
            (
                "postgres://u:hunter2@:5432/d?host=/run/postgresql",
                Err(NotAPostgresUrl),
            ),
            (
                "postgres://u:hunter2@h:5432/d?host=/run/postgresql",
                Ok("postgres://u@localhost:5432/d?host=/run/postgresql"),
            ),
            (
                "postgres://u:hunter2@h:5432/d%20e",
                Ok("postgres://u@h:5432/d%20e"),
            ),
            ("postgres://u:hunter2@h:port/d", Err(NotAPostgresUrl)),
            ("postgres://u:hunter/2@h/d", Err(NotAPostgresUrl)),
            // Where the password should have been encoded, the rest of it is not a name to show.
            ("postgres://u:12/hunter2@h/d", Err(NotAPostgresUrl)),
            ("postgres://u:12/hunter2:x", Err(NotAPostgresUrl)),
            ("postgres://u:12?hunter2@h/d", Err(UnknownParameter)),
            ("postgres://u:12#hunter2@h/d", Err(NotAPostgresUrl)),
            ("postgres:u:hunter2@h/d", Err(NotAPostgresUrl)),
            (
                "postgres://u:hunter2@h/d?sslmode=hunter2",
                Err(NotAPostgresUrl),
            ),
            ("postgres://u@h/d?pasword=hunter2", Err(UnknownParameter)),
            ("mysql://u:hunter2@h/d.db", Err(UnknownScheme)),
            ("propusk", Err(NotAStore)),
            ("", Err(NotAStore)),
        ] {
            let parsed = StoreUrl::parse(text);
            let shown = format!("{parsed:?}");
            assert!(!shown.contains("hunter"), "{shown}");
            let parsed = parsed.map(|url| url.to_string());
            assert_eq!(parsed.as_deref(), expected.as_ref().copied(), "{text:?}");
            if let Err(error) = parsed {
                assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
            }
        }
    }
}
