//! The keys that assertions are signed with, and how they are published.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use propusk::server::Pages;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{rotation::Rotation, signing_key::SigningKey};

/// Where the keys are published below the gate's origin.
pub const JWKS_PATH: &str = "/.well-known/propusk/jwks.json";

/// How often a file is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// In bytes.
const MOST_FILE: u64 = 64 * 1024;

/// Keys of P-256 (ES256). One signs, all are published.
pub struct AssertionKeys {
    file: Option<PathBuf>,
    held: Mutex<Held>,
}

struct Held {
    rotation: Rotation,
    looked: Instant,
    stamp: Option<Stamp>,
}

/// What a file looks like from outside.
type Stamp = (Option<SystemTime>, u64);

/// Publishes the keys, to everybody.
#[derive(Debug, Clone)]
pub struct JwksPage(Arc<AssertionKeys>);

impl Pages for JwksPage {
    fn answer(&self, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let asked = request.uri().path() == JWKS_PATH
            && matches!(*request.method(), Method::GET | Method::HEAD);
        asked.then(|| {
            let mut response = Response::new(Full::from(self.0.jwks()));
            let headers = response.headers_mut();
            let json = HeaderValue::from_static("application/jwk-set+json");
            headers.insert(header::CONTENT_TYPE, json);
            // As long as a new key is published before it signs.
            let fresh = HeaderValue::from_static("public, max-age=300");
            headers.insert(header::CACHE_CONTROL, fresh);
            response
        })
    }
}

/// Why there are no keys. It never contains them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAssertionKey {
    /// The file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no key of P-256 in PKCS#8.
    #[error(
        "the key for assertions is not a P-256 private key in PKCS#8 (-----BEGIN PRIVATE KEY-----); \
         make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
    )]
    NoKey,
    /// The operating system gave no random numbers.
    #[error("no key could be made")]
    NotMade,
}

impl AssertionKeys {
    /// A key of this process, which ends with it: upstreams fetch the next one after a restart.
    ///
    /// # Errors
    /// [`InvalidAssertionKey::NotMade`].
    pub fn ephemeral() -> Result<Self, InvalidAssertionKey> {
        let key = SigningKey::generate().ok_or(InvalidAssertionKey::NotMade)?;
        let rotation = Rotation::of(vec![key]).ok_or(InvalidAssertionKey::NotMade)?;
        Ok(Self::new(None, rotation, None))
    }

    /// The keys of a file in PEM: the first one signs, the others are published beside it. To rotate,
    /// put the new one first, or replace the old one. Verifiers look for an unknown key only so often
    /// and keep what they have seen, so a key that is new signs when it has been published for five
    /// minutes, and one that is gone stays published for ten minutes after its last signature. One that
    /// has stood behind the first for that long signs as soon as it is first.
    ///
    /// A change is noticed within five seconds; a file that cannot be used changes nothing. After a
    /// start the first key signs at once, and only what the file holds is published: that is how a key
    /// is withdrawn that somebody has stolen.
    ///
    /// # Errors
    /// [`InvalidAssertionKey`].
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, InvalidAssertionKey> {
        let path = path.into();
        let (keys, stamp) = read(&path)?;
        let rotation = Rotation::of(keys).ok_or(InvalidAssertionKey::NoKey)?;
        // What is no file, a pipe, is read once.
        Ok(Self::new(stamp.map(|_| path), rotation, stamp))
    }

    fn new(file: Option<PathBuf>, rotation: Rotation, stamp: Option<Stamp>) -> Self {
        let held = Held {
            rotation,
            looked: Instant::now(),
            stamp,
        };
        Self {
            file,
            held: Mutex::new(held),
        }
    }

    /// The public halves, as a JSON Web Key Set (RFC 7517 §5).
    #[must_use]
    pub fn jwks(&self) -> String {
        let held = self.look(false);
        let keys: Vec<Value> = held.rotation.published().map(SigningKey::jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    /// The page that publishes them, at [`JWKS_PATH`].
    #[must_use]
    pub fn page(self: &Arc<Self>) -> JwksPage {
        JwksPage(Arc::clone(self))
    }

    /// Looks at the file now, as it does by itself every five seconds.
    pub fn reload(&self) {
        drop(self.look(true));
    }

    pub(super) fn signing(&self) -> Arc<SigningKey> {
        let held = self.look(false);
        Arc::clone(held.rotation.signing())
    }

    fn look(&self, always: bool) -> MutexGuard<'_, Held> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.file
            && (always || held.looked.elapsed() >= LOOK)
        {
            held.looked = Instant::now();
            if stamp(path).ok() != held.stamp {
                match read_again(path) {
                    Ok((keys, stamp)) => {
                        held.rotation.replace(keys, Instant::now());
                        held.stamp = stamp;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the keys for assertions stay as they are");
                    }
                }
            }
        }
        held.rotation.turn(Instant::now());
        held
    }
}

type Read = (Vec<SigningKey>, Option<Stamp>);

/// Without waiting for anybody, as to open a pipe would.
fn read_again(path: &Path) -> Result<Read, InvalidAssertionKey> {
    let stamp = stamp(path).map_err(|source| InvalidAssertionKey::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    Ok((read(path)?.0, Some(stamp)))
}

fn read(path: &Path) -> Result<Read, InvalidAssertionKey> {
    use io::Read as _;
    let unreadable = |source| InvalidAssertionKey::Unreadable {
        path: path.to_owned(),
        source,
    };
    let stamp = stamp(path).ok();
    let mut pem = Zeroizing::new(String::new());
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(MOST_FILE)
        .read_to_string(&mut pem)
        .map_err(unreadable)?;
    match SigningKey::all_in(&pem) {
        Some(keys) if !keys.is_empty() => Ok((keys, stamp)),
        _ => Err(InvalidAssertionKey::NoKey),
    }
}

/// Only of a file there is one.
fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    match metadata.is_file() {
        true => Ok((metadata.modified().ok(), metadata.len())),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file")),
    }
}

impl fmt::Debug for AssertionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionKeys")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::signing_key::tests::pem, *};

    /// Nobody may wait for a pipe.
    #[cfg(unix)]
    #[test]
    fn what_has_become_a_pipe_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.pem");
        fs::write(&path, pem()).expect("written");
        let keys = AssertionKeys::from_file(&path).expect("a key");
        let id = keys.signing().id().to_owned();
        fs::remove_file(&path).expect("removed");
        crate::credentials::tests::make_pipe(&path);
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            keys.reload();
            tell.send(keys.signing().id().to_owned())
        });
        let still = told.recv_timeout(Duration::from_secs(30));
        assert_eq!(still.expect("at once"), id);
    }

    #[test]
    fn a_file_that_changes_is_published_and_one_that_is_broken_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.pem");
        let (first, second) = (pem(), pem());
        fs::write(&path, &first).expect("written");
        let keys = AssertionKeys::from_file(&path).expect("a key");
        let published = || {
            let set: Value = serde_json::from_str(&keys.jwks()).expect("JSON");
            set["keys"].as_array().expect("keys").len()
        };
        let one = keys.signing().id().to_owned();
        fs::write(&path, format!("{second}{first}")).expect("written");
        keys.reload();
        assert_eq!((published(), keys.signing().id()), (2, &*one));
        fs::write(&path, &second).expect("written");
        keys.reload();
        assert_eq!((published(), keys.signing().id()), (2, &*one));
        for broken in [
            "",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        ] {
            fs::write(&path, broken).expect("written");
            keys.reload();
            assert_eq!((published(), keys.signing().id()), (2, &*one));
            assert!(AssertionKeys::from_file(&path).is_err());
        }
        let secret = first.lines().nth(1).expect("a line");
        assert!(!keys.jwks().contains("\"d\"") && !format!("{keys:?}").contains(secret));
    }
}
