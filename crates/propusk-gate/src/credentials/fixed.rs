//! A header that is always the same: a key of the upstream's own.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use propusk::AccessToken;
use zeroize::Zeroizing;

use super::{CredentialsError, UpstreamCredentials};

/// How often a file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// In bytes; no server takes a longer header.
const MOST: u64 = 16 * 1024;

/// A header with a secret value, out of the environment or a file. A file that changes is read again
/// within a second; as long as it cannot be read, the value before is used. A pipe is read once.
pub struct FixedHeader {
    name: HeaderName,
    prefix: String,
    place: Place,
    held: Mutex<Held>,
}

#[derive(Debug, Clone)]
enum Place {
    Environment(String),
    File(PathBuf),
}

struct Held {
    value: HeaderValue,
    looked: Instant,
    /// `None` of what is read once.
    stamp: Option<Stamp>,
}

type Stamp = (Option<SystemTime>, u64);

/// Why there is no fixed header. It never contains the value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidFixedHeader {
    /// The name is one that the gate sets itself, or the protocol.
    #[error(
        "{0} belongs to the connection, the message or the protocol, and carries no credentials"
    )]
    Name(HeaderName),
    /// The variable is not set, or is empty.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// The file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What stands there cannot go into a header.
    #[error("what {0} holds is empty, too long, or cannot go into a header")]
    Value(String),
}

impl FixedHeader {
    /// Whether a header of this name can carry credentials.
    #[must_use]
    pub fn may_be(name: &HeaderName) -> bool {
        may_be_credential(name)
    }

    /// A header whose value is that of an environment variable, with something in front, such as
    /// `Bearer ` (with the space).
    ///
    /// # Errors
    /// [`InvalidFixedHeader`].
    pub fn from_environment(
        name: HeaderName,
        prefix: &str,
        variable: &str,
    ) -> Result<Self, InvalidFixedHeader> {
        let text = std::env::var(variable).map(Zeroizing::new);
        let text = text.map_err(|_| InvalidFixedHeader::NotSet(variable.to_owned()))?;
        Self::new(
            name,
            prefix,
            Place::Environment(variable.to_owned()),
            &text,
            None,
        )
    }

    /// A header whose value is what stands in a file, without white space around it.
    ///
    /// # Errors
    /// [`InvalidFixedHeader`].
    pub fn from_file(
        name: HeaderName,
        prefix: &str,
        path: impl Into<PathBuf>,
    ) -> Result<Self, InvalidFixedHeader> {
        let path = path.into();
        match read(&path) {
            Ok((text, stamp)) => Self::new(name, prefix, Place::File(path), &text, stamp),
            Err(source) => Err(InvalidFixedHeader::Unreadable { path, source }),
        }
    }

    fn new(
        name: HeaderName,
        prefix: &str,
        place: Place,
        text: &str,
        stamp: Option<Stamp>,
    ) -> Result<Self, InvalidFixedHeader> {
        if !may_be_credential(&name) {
            return Err(InvalidFixedHeader::Name(name));
        }
        let value =
            value(prefix, text).ok_or_else(|| InvalidFixedHeader::Value(place.to_string()))?;
        Ok(Self {
            name,
            prefix: prefix.to_owned(),
            place,
            held: Mutex::new(Held {
                value,
                looked: Instant::now(),
                stamp,
            }),
        })
    }

    fn value(&self, always: bool) -> HeaderValue {
        // Nothing panics while it is held.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Place::File(path) = &self.place
            && (always || held.looked.elapsed() >= LOOK)
        {
            held.looked = Instant::now();
            self.look(path, &mut held);
        }
        held.value.clone()
    }

    fn look(&self, path: &Path, held: &mut Held) {
        if held.stamp.is_none() || stamp(path).ok() == held.stamp {
            return;
        }
        match read_again(path) {
            Ok((text, stamp)) if let Some(value) = value(&self.prefix, &text) => {
                held.value = value;
                held.stamp = stamp;
            }
            Ok(_) => {
                tracing::warn!(path = %path.display(), "the credentials of an upstream cannot be used");
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the credentials of an upstream cannot be read");
            }
        }
    }
}

impl UpstreamCredentials for FixedHeader {
    async fn headers(&self, _: Option<&AccessToken>) -> Result<HeaderMap, CredentialsError> {
        Ok(HeaderMap::from_iter([(
            self.name.clone(),
            self.value(false),
        )]))
    }

    async fn refused(&self, _: Option<&AccessToken>, headers: &HeaderMap) -> bool {
        headers.get(&self.name) != Some(&self.value(true))
    }
}

/// Not one of the connection, of the message or of the protocol.
fn may_be_credential(name: &HeaderName) -> bool {
    const OTHERS: &[&str] = &[
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "last-event-id",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    !OTHERS.contains(&name.as_str()) && !name.as_str().starts_with("mcp-")
}

fn value(prefix: &str, text: &str) -> Option<HeaderValue> {
    let text = text.trim();
    let whole = Zeroizing::new(format!("{prefix}{text}"));
    let mut value = HeaderValue::from_str(&whole).ok()?;
    value.set_sensitive(true);
    (!text.is_empty() && (whole.len() as u64) < MOST).then_some(value)
}

/// Only of a file there is one.
fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    match metadata.is_file() {
        true => Ok((metadata.modified().ok(), metadata.len())),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file")),
    }
}

/// Without waiting for anybody: to open a pipe that nobody writes to would hold up all requests.
fn read_again(path: &Path) -> io::Result<(Zeroizing<String>, Option<Stamp>)> {
    let stamp = stamp(path)?;
    Ok((read(path)?.0, Some(stamp)))
}

fn read(path: &Path) -> io::Result<(Zeroizing<String>, Option<Stamp>)> {
    use io::Read;
    // What changes while it is read is read again.
    let stamp = stamp(path).ok();
    let mut text = Zeroizing::new(String::new());
    fs::File::open(path)?.take(MOST).read_to_string(&mut text)?;
    Ok((text, stamp))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(variable) => write!(f, "the environment variable {variable}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for FixedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedHeader")
            .field("name", &self.name)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_changes_is_read_again_and_one_that_is_gone_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        fs::write(&path, "first\n").expect("written");
        let name = HeaderName::from_static("x-api-key");
        let header = FixedHeader::from_file(name.clone(), "Key ", &path).expect("a key");
        let shown = format!("{header:?}");
        assert!(!shown.contains("first"), "{shown}");
        let first = header.headers(None).await.expect("a header");
        assert_eq!(first[&name], "Key first");
        assert!(first[&name].is_sensitive());
        assert!(!header.refused(None, &first).await, "there is no other");
        fs::write(&path, "the second").expect("written");
        assert!(header.refused(None, &first).await);
        assert_eq!(
            header.headers(None).await.expect("a header")[&name],
            "Key the second"
        );
        for broken in ["", "a\nb"] {
            fs::write(&path, broken).expect("written");
            assert_eq!(header.value(true), "Key the second");
        }
        fs::remove_file(&path).expect("removed");
        assert_eq!(header.value(true), "Key the second");
        assert!(FixedHeader::from_file(name, "", &path).is_err());
    }

    /// Secret managers put pipes where files were; nobody may wait for one.
    #[cfg(unix)]
    #[test]
    fn what_has_become_a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        fs::write(&path, "first").expect("written");
        let name = HeaderName::from_static("x-api-key");
        let header = FixedHeader::from_file(name, "", &path).expect("a key");
        fs::remove_file(&path).expect("removed");
        crate::credentials::tests::make_pipe(&path);
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(header.value(true)));
        let value = told.recv_timeout(Duration::from_secs(30));
        assert_eq!(value.expect("at once"), "first");
    }

    #[test]
    fn not_every_header_is_one_for_credentials() {
        for (name, may) in [
            ("authorization", true),
            ("x-api-key", true),
            ("cookie", true),
            ("host", false),
            ("proxy-connection", false),
            ("accept-encoding", false),
            ("content-type", false),
            ("transfer-encoding", false),
            ("mcp-session-id", false),
        ] {
            assert_eq!(
                may_be_credential(&HeaderName::from_static(name)),
                may,
                "{name}"
            );
        }
        let unset = FixedHeader::from_environment(
            HeaderName::from_static("x-api-key"),
            "",
            "PROPUSK_A_VARIABLE_THAT_NOBODY_SETS",
        );
        assert!(matches!(unset, Err(InvalidFixedHeader::NotSet(_))));
    }
}
