//! The keys that assertions are signed with, and how they are published.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use propusk::server::Pages;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Where the keys are published below the gate's origin.
pub const JWKS_PATH: &str = "/.well-known/propusk/jwks.json";

/// How often a file is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// How long a key that is no longer in the file stays published: its last assertion has ended, and
/// so has what an upstream remembers of the time before.
const OVERLAP: Duration = Duration::from_secs(600);

/// In bytes.
const MOST_FILE: u64 = 64 * 1024;

/// Keys of P-256 (ES256). The first one signs, all are published.
pub struct AssertionKeys {
    file: Option<PathBuf>,
    held: Mutex<Held>,
}

struct Held {
    keys: Vec<Arc<SigningKey>>,
    /// No longer in the file, since then.
    retired: Vec<(Instant, Arc<SigningKey>)>,
    looked: Instant,
    stamp: Option<Stamp>,
}

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
            // Shorter than the overlap of a rotation.
            let fresh = HeaderValue::from_static("public, max-age=300");
            headers.insert(header::CACHE_CONTROL, fresh);
            response
        })
    }
}

/// One key.
pub(super) struct SigningKey {
    pair: EcdsaKeyPair,
    id: String,
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
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let pair = pair.map_err(|_| InvalidAssertionKey::NotMade)?;
        let key = SigningKey::new(pair).ok_or(InvalidAssertionKey::NotMade)?;
        Ok(Self::new(None, vec![Arc::new(key)], None))
    }

    /// The keys of a file in PEM: the first one signs, the others are published beside it. To
    /// rotate, put the new one first and take the old one out later, or replace it: what leaves the
    /// file stays published for ten minutes. A change is noticed within five seconds; a file that
    /// cannot be used changes nothing.
    ///
    /// # Errors
    /// [`InvalidAssertionKey`].
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, InvalidAssertionKey> {
        let path = path.into();
        let (keys, stamp) = read(&path)?;
        // What is no file, a pipe, is read once.
        Ok(Self::new(stamp.map(|_| path), keys, stamp))
    }

    fn new(file: Option<PathBuf>, keys: Vec<Arc<SigningKey>>, stamp: Option<Stamp>) -> Self {
        let held = Held {
            keys,
            retired: Vec::new(),
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
        let retired = held.retired.iter().map(|(_, key)| key);
        let keys: Vec<Value> = held
            .keys
            .iter()
            .chain(retired)
            .map(|key| key.jwk())
            .collect();
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
        // There is always one: an empty file is not taken.
        Arc::clone(&held.keys[0])
    }

    fn look(&self, always: bool) -> MutexGuard<'_, Held> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.file
            && (always || held.looked.elapsed() >= LOOK)
        {
            held.looked = Instant::now();
            held.retired.retain(|(since, _)| since.elapsed() < OVERLAP);
            if stamp(path).ok() != held.stamp {
                match read_again(path) {
                    Ok((keys, stamp)) => held.replace(keys, stamp),
                    Err(error) => {
                        tracing::warn!(%error, "the keys for assertions stay as they are");
                    }
                }
            }
        }
        held
    }
}

impl Held {
    fn replace(&mut self, keys: Vec<Arc<SigningKey>>, stamp: Option<Stamp>) {
        let now = Instant::now();
        let stays = |key: &Arc<SigningKey>| keys.iter().any(|new| new.id == key.id);
        let old = std::mem::take(&mut self.keys);
        let gone = old.into_iter().filter(|key| !stays(key));
        self.retired.extend(gone.map(|key| (now, key)));
        self.retired.retain(|(_, key)| !stays(key));
        self.keys = keys;
        self.stamp = stamp;
    }
}

impl SigningKey {
    fn new(pair: EcdsaKeyPair) -> Option<Self> {
        let mut key = Self {
            pair,
            id: String::new(),
        };
        let (x, y) = key.coordinates()?;
        // RFC 7638 §3.3: these members in this order, and no white space.
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        key.id = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical));
        Some(key)
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = self.pair.sign(&SystemRandom::new(), message).ok()?;
        Some(signature.as_ref().to_vec())
    }

    /// The point is uncompressed: a 4, then both coordinates (SEC 1 §2.3.3).
    fn coordinates(&self) -> Option<(String, String)> {
        let point = self.pair.public_key().as_ref().get(1..)?;
        let (x, y) = point.split_at_checked(32)?;
        Some((URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)))
    }

    fn jwk(&self) -> Value {
        let (x, y) = self.coordinates().unwrap_or_default();
        json!({
            "kty": "EC", "crv": "P-256", "x": x, "y": y,
            "kid": self.id, "use": "sig", "alg": "ES256",
        })
    }
}

type Stamp = (Option<SystemTime>, u64);

type Read = (Vec<Arc<SigningKey>>, Option<Stamp>);

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
    let keys: Option<Vec<_>> = blocks(&pem).map(|block| key(block).map(Arc::new)).collect();
    match keys {
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

/// What stands between the lines of PEM (RFC 7468).
fn blocks(pem: &str) -> impl Iterator<Item = &str> {
    pem.split("-----BEGIN PRIVATE KEY-----")
        .skip(1)
        .map(|rest| {
            rest.split("-----END PRIVATE KEY-----")
                .next()
                .unwrap_or_default()
        })
}

fn key(block: &str) -> Option<SigningKey> {
    let text: Zeroizing<String> = Zeroizing::new(block.split_whitespace().collect());
    let der = Zeroizing::new(STANDARD.decode(text.as_bytes()).ok()?);
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()?;
    SigningKey::new(pair)
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
    use super::*;

    fn pem() -> String {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let text = STANDARD.encode(pkcs8.expect("a key"));
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }

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
    fn a_rotation_overlaps_and_a_broken_file_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.pem");
        let (first, second) = (pem(), pem());
        fs::write(&path, &first).expect("written");
        let keys = AssertionKeys::from_file(&path).expect("a key");
        let one = keys.signing().id().to_owned();
        fs::write(&path, format!("{second}{first}")).expect("written");
        keys.reload();
        let two = keys.signing().id().to_owned();
        assert_ne!(two, one);
        let published = |id: &str| keys.jwks().contains(id);
        assert!(published(&one) && published(&two));
        fs::write(&path, &second).expect("written");
        keys.reload();
        assert!(
            published(&one) && published(&two),
            "the old one for a while"
        );
        for broken in [
            "",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        ] {
            fs::write(&path, broken).expect("written");
            keys.reload();
            assert_eq!(keys.signing().id(), two);
            assert!(AssertionKeys::from_file(&path).is_err());
        }
        let secret = first.lines().nth(1).expect("a line");
        assert!(!keys.jwks().contains("\"d\"") && !format!("{keys:?}").contains(secret));
    }
}
