//! Where a key set is, and how it is read from there.

use std::{
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use url::Url;

use super::{KeySet, policy::Policy};
use crate::{
    IssuerUrl,
    discovery::{DiscoveryError, discover},
    fetch::{FetchError, FetchLimits, Fetcher},
    jose::InvalidObject,
};

/// The place of a key set.
pub(in crate::jwt) enum Origin {
    /// Found by the metadata of an issuer. Kept: where it was found last, and when.
    Issuer {
        issuer: IssuerUrl,
        fetcher: Fetcher,
        found: Mutex<Option<(Url, SystemTime)>>,
    },
    Url {
        url: Url,
        fetcher: Fetcher,
    },
    /// Kept: the state of the file when it was read last.
    File {
        path: PathBuf,
        read: Mutex<Option<Stamp>>,
    },
}

/// What tells one state of a file from another.
type Stamp = (SystemTime, u64);

/// Why there is no key set. It never contains what was received.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoKeySet {
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("cannot read the file: {0}")]
    File(#[from] io::Error),
    #[error("the file is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the key set {0}")]
    Invalid(#[from] InvalidObject),
    #[error("the issuer did not answer in time")]
    Timeout,
    #[error("the work was interrupted")]
    Interrupted,
}

/// For so long the metadata of an issuer is not read again.
const METADATA_FRESH: Duration = Duration::from_secs(3600);

impl Origin {
    pub(in crate::jwt) fn issuer(issuer: IssuerUrl, fetcher: Fetcher) -> Self {
        let found = Mutex::new(None);
        Self::Issuer {
            issuer,
            fetcher,
            found,
        }
    }

    pub(in crate::jwt) fn url(url: Url, fetcher: Fetcher) -> Self {
        Self::Url { url, fetcher }
    }

    pub(in crate::jwt) fn file(path: PathBuf) -> Self {
        let read = Mutex::new(None);
        Self::File { path, read }
    }

    pub(super) fn policy(&self) -> Policy {
        match self {
            Self::Issuer { .. } | Self::Url { .. } => Policy::REMOTE,
            Self::File { .. } => Policy::FILE,
        }
    }

    /// Reads the key set; `None` where it is the one that was read last.
    pub(super) async fn read(&self, now: SystemTime) -> Result<Option<KeySet>, NoKeySet> {
        match self {
            Self::Issuer {
                issuer,
                fetcher,
                found,
            } => from_issuer(issuer, fetcher, found, now).await.map(Some),
            Self::Url { url, fetcher } => from_url(fetcher, url).await.map(Some),
            Self::File { path, read } => {
                let last = *lock(read);
                let path = path.clone();
                let reading = tokio::task::spawn_blocking(move || from_file(&path, last));
                let Some((set, stamp)) = reading.await.map_err(|_| NoKeySet::Interrupted)?? else {
                    return Ok(None);
                };
                *lock(read) = Some(stamp);
                Ok(Some(set))
            }
        }
    }
}

async fn from_url(fetcher: &Fetcher, url: &Url) -> Result<KeySet, NoKeySet> {
    Ok(KeySet::parse(&fetcher.get(url).await?)?)
}

/// Asks where the key set is when that is not known, was learned long ago, or is no longer true.
async fn from_issuer(
    issuer: &IssuerUrl,
    fetcher: &Fetcher,
    found: &Mutex<Option<(Url, SystemTime)>>,
    now: SystemTime,
) -> Result<KeySet, NoKeySet> {
    let last = lock(found).clone();
    let recent = |at: &SystemTime| {
        now.duration_since(*at)
            .is_ok_and(|age| age < METADATA_FRESH)
    };
    if let Some((url, _)) = last.as_ref().filter(|(_, at)| recent(at)) {
        match from_url(fetcher, url).await {
            Err(NoKeySet::Fetch(error)) if error.is_absent() => {}
            outcome => return outcome,
        }
    }
    match (discover(fetcher, issuer).await, last) {
        (Ok(metadata), _) => {
            let url = metadata.key_set_url()?;
            let set = from_url(fetcher, &url).await?;
            *lock(found) = Some((url, now));
            Ok(set)
        }
        (Err(_), Some((url, at))) if !recent(&at) => from_url(fetcher, &url).await,
        (Err(error), _) => Err(error.into()),
    }
}

/// Reads a file unless it is in the state that it was in.
fn from_file(path: &Path, last: Option<Stamp>) -> Result<Option<(KeySet, Stamp)>, NoKeySet> {
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    let stamp = (metadata.modified()?, metadata.len());
    if last == Some(stamp) {
        return Ok(None);
    }
    let most = FetchLimits::DOCUMENT.max_body;
    let mut document = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut document)?;
    if document.len() > most {
        return Err(NoKeySet::TooLarge(most));
    }
    Ok(Some((KeySet::parse(&document)?, stamp)))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For the log, without a query, which may be private.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer { issuer, .. } => issuer.fmt(f),
            Self::Url { url, .. } => {
                let mut shown = url.clone();
                shown.set_query(None);
                shown.fmt(f)
            }
            Self::File { path, .. } => path.display().fmt(f),
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
