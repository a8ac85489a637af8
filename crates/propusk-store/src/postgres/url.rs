//! The URL of a PostgreSQL database, and what may be shown of it.

use std::{fmt, sync::Arc};

use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use tracing::subscriber::NoSubscriber;
use url::Url;
use zeroize::Zeroizing;

use crate::InvalidStoreUrl;

/// What a URL may say after its `?`. The driver knows nearly the same, but logs what it does not
/// know, and that may be a misspelt password.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The URL of a PostgreSQL database. It never shows a password.
#[derive(Clone)]
pub(crate) struct PostgresUrl {
    text: Zeroizing<String>,
    has_password: bool,
    options: Arc<PgConnectOptions>,
}

impl PostgresUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidStoreUrl> {
        let url = Url::parse(text).map_err(|_| InvalidStoreUrl::NotAPostgresUrl)?;
        if !is_plain(&url) {
            return Err(InvalidStoreUrl::NotAPostgresUrl);
        }
        if url
            .query_pairs()
            .any(|(key, _)| !PARAMETERS.contains(&&*key))
        {
            return Err(InvalidStoreUrl::UnknownParameter);
        }
        // The driver repeats malformed lines of the password file in the log.
        let options = tracing::subscriber::with_default(NoSubscriber::default(), || {
            PgConnectOptions::from_url(&url)
        });
        let options = options.map_err(|_| InvalidStoreUrl::NotAPostgresUrl)?;
        let has_password =
            url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password");
        Ok(Self {
            text: Zeroizing::new(text.to_owned()),
            has_password,
            options: Arc::new(complete(options)),
        })
    }

    pub(crate) fn has_password(&self) -> bool {
        self.has_password
    }

    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// The command that creates the database.
    pub(super) fn create_command(&self) -> String {
        let options = &self.options;
        let host = socket_folder(options).unwrap_or(options.get_host());
        let words = [
            "createdb".to_owned(),
            format!("--host={host}"),
            format!("--port={}", options.get_port()),
            format!("--username={}", options.get_username()),
            database(options).to_owned(),
        ];
        words.map(|word| quoted(&word)).join(" ")
    }
}

/// `postgres://user@host:port/database`, with what was left out filled in.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        let host = match options.get_host() {
            _ if socket_folder(options).is_some() => "localhost".to_owned(),
            address if address.contains(':') => format!("[{address}]"),
            host => host.to_owned(),
        };
        let user = encoded(options.get_username());
        let database = encoded(database(options));
        let port = options.get_port();
        write!(f, "postgres://{user}@{host}:{port}/{database}")?;
        match socket_folder(options) {
            Some(folder) => write!(f, "?host={folder}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PostgresUrl {}

/// Whether it is read as it was meant. A password with a `/`, `?` or `#` in it ends the authority
/// early, and the rest of it would be taken, and shown, as the name of a database.
fn is_plain(url: &Url) -> bool {
    url.has_authority()
        && url.fragment().is_none()
        && !url.path().trim_start_matches('/').contains(['/', '@', ':'])
}

/// What the driver leaves undone.
fn complete(mut options: PgConnectOptions) -> PgConnectOptions {
    // It keeps the brackets of an IPv6 address, with which no address is found.
    let host = options.get_host();
    if let Some(address) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        let address = address.to_owned();
        options = options.host(&address);
    }
    if options.get_application_name().is_none() {
        options = options.application_name("propusk");
    }
    options.disable_statement_logging()
}

fn socket_folder(options: &PgConnectOptions) -> Option<&str> {
    let in_host = || Some(options.get_host()).filter(|host| host.starts_with('/'));
    let socket = options.get_socket().and_then(|socket| socket.to_str());
    socket.or_else(in_host)
}

/// The server takes the user's name where no database is named.
fn database(options: &PgConnectOptions) -> &str {
    options
        .get_database()
        .unwrap_or_else(|| options.get_username())
}

/// Percent-encoded as it stands in a path, which suits a user, too.
fn encoded(text: &str) -> String {
    let mut url = url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    // The encoding of forms differs from that of URLs in the blank alone.
    if url.contains('+') {
        url = url.replace('+', "%20");
    }
    url
}

/// Quoted for a shell where it needs to be.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_creates_the_database() {
        for (url, expected) in [
            (
                "postgres://u:hunter2@db.example:5433/tokens",
                "createdb --host=db.example --port=5433 --username=u tokens",
            ),
            (
                "postgres://u@[::1]:5433/my%20tokens",
                "createdb --host=::1 --port=5433 --username=u 'my tokens'",
            ),
            (
                "postgres://u@h:5432/?host=/run/postgresql",
                "createdb --host=/run/postgresql --port=5432 --username=u u",
            ),
        ] {
            let url = PostgresUrl::parse(url).expect(url);
            assert_eq!(url.create_command(), expected);
        }
    }
}
