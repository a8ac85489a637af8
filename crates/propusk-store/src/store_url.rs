//! Where a store is.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Where a store is: `sqlite:propusk.db`, `sqlite:///var/lib/propusk.db`, `sqlite::memory:` (for
/// tests: gone with the store), or a bare path that ends in `.db` or `.sqlite`.
///
/// The path is taken as it stands, without percent-decoding. A relative one starts at the current
/// folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreUrl(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Memory,
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
            return Err(InvalidStoreUrl::PostgresNotBuiltIn);
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

    /// Whether there is something at the path already. A store in memory is always new.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.path().is_some_and(Path::exists)
    }

    /// Whether the store is in memory, and ends with the program.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.path().is_none()
    }

    /// The file, or `None` for a store in memory.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.0 {
            Place::File(path) => Some(path),
            Place::Memory => None,
        }
    }
}

impl FromStr for StoreUrl {
    type Err = InvalidStoreUrl;

    fn from_str(text: &str) -> Result<Self, InvalidStoreUrl> {
        Self::parse(text)
    }
}

/// `sqlite:` and the path.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::File(path) => write!(f, "sqlite:{}", path.display()),
            Place::Memory => f.write_str("sqlite::memory:"),
        }
    }
}

/// Why a text is not the URL of a store. It never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidStoreUrl {
    /// It is a PostgreSQL URL.
    #[error("PostgreSQL is not built in yet: use a file, such as `sqlite:propusk.db`")]
    PostgresNotBuiltIn,
    /// It is the URL of something else.
    #[error("a store is in SQLite: its URL begins with `sqlite:`, such as `sqlite:propusk.db`")]
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
        use InvalidStoreUrl::{NoPath, NotAStore, Parameters, PostgresNotBuiltIn, UnknownScheme};
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
            ("postgres://u:hunter2@h/d.db", Err(PostgresNotBuiltIn)),
            ("postgresql://u:hunter2@h/d", Err(PostgresNotBuiltIn)),
            ("mysql://u:hunter2@h/d.db", Err(UnknownScheme)),
            ("propusk", Err(NotAStore)),
            ("", Err(NotAStore)),
        ] {
            let parsed = StoreUrl::parse(text).map(|url| url.to_string());
            assert_eq!(parsed.as_deref(), expected.as_ref().copied(), "{text:?}");
            if let Err(error) = parsed {
                assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
            }
        }
    }
}
