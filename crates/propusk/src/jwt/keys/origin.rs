//! Where a key set is, and how it is read from there.

use std::{
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use url::Url;

use super::{KeySet, policy::Policy, set::InvalidKeySet};
use crate::{
    IssuerUrl,
    discovery::{DiscoveryError, discover},
    fetch::{FetchError, FetchLimits, Fetcher},
};

/// The place of a key set.
pub(in crate::jwt) enum Origin {
    /// Found by the metadata of an issuer. Kept: where it was found last.
    Issuer {
        issuer: IssuerUrl,
        fetcher: Fetcher,
        found: Mutex<Option<Place>>,
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

/// Where the metadata of an issuer said last that the key set is.
#[derive(Clone)]
pub(in crate::jwt) struct Place {
    url: Url,
    /// When the metadata were asked for last, with or without an answer.
    asked_at: SystemTime,
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
    Invalid(#[from] InvalidKeySet),
    #[error("the issuer did not answer in time")]
    Timeout,
    #[error("the file could not be read in time")]
    FileTimeout,
    #[error("it is not a regular file")]
    NotAFile,
    #[error("the work was interrupted")]
    Interrupted,
}

/// For so long the metadata of an issuer are not read again. Short, since keys are read seldom, and
/// a key set that has moved may leave its old keys behind at the old place.
const METADATA_FRESH: Duration = Duration::from_secs(60);

/// So long metadata may take where the key set was found before: less than a reading, so that one
/// which hangs does not keep the keys from being read.
const METADATA_PATIENCE: Duration = Duration::from_secs(3);

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

    /// That a reading takes too long.
    pub(super) fn timeout(&self) -> NoKeySet {
        match self {
            Self::Issuer { .. } | Self::Url { .. } => NoKeySet::Timeout,
            Self::File { .. } => NoKeySet::FileTimeout,
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
                // What cannot be used is not what was read last.
                if !set.is_empty() {
                    *lock(read) = Some(stamp);
                }
                Ok(Some(set))
            }
        }
    }
}

async fn from_url(fetcher: &Fetcher, url: &Url) -> Result<KeySet, NoKeySet> {
    Ok(KeySet::parse(&fetcher.get(url).await?)?)
}

/// Asks where the key set is when that is not known, was not asked for a minute, or is no longer
/// true. While nobody says, it is looked for where it was.
async fn from_issuer(
    issuer: &IssuerUrl,
    fetcher: &Fetcher,
    found: &Mutex<Option<Place>>,
    now: SystemTime,
) -> Result<KeySet, NoKeySet> {
    let Some(known) = lock(found).clone() else {
        let url = discover(fetcher, issuer).await?.key_set_url()?;
        let set = from_url(fetcher, &url).await?;
        *lock(found) = Some(Place { url, asked_at: now });
        return Ok(set);
    };
    let age = now.duration_since(known.asked_at);
    if age.is_ok_and(|age| age < METADATA_FRESH) {
        match from_url(fetcher, &known.url).await {
            Err(NoKeySet::Fetch(error)) if error.is_absent() => {}
            outcome => return outcome,
        }
    }
    let asking = tokio::time::timeout(METADATA_PATIENCE, discover(fetcher, issuer)).await;
    let url = match asking {
        Ok(Ok(metadata)) => metadata.key_set_url()?,
        Ok(Err(error)) => {
            tracing::debug!(%issuer, %error, "the metadata cannot be read; keys are read from where they were");
            known.url
        }
        Err(_) => known.url,
    };
    let place = Place {
        url: url.clone(),
        asked_at: now,
    };
    *lock(found) = Some(place);
    from_url(fetcher, &url).await
}

/// Reads a file unless it is in the state that it was in.
fn from_file(path: &Path, last: Option<Stamp>) -> Result<Option<(KeySet, Stamp)>, NoKeySet> {
    // Before it is opened: to open a pipe would wait for who writes into it.
    if !std::fs::metadata(path)?.is_file() {
        return Err(NoKeySet::NotAFile);
    }
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(NoKeySet::NotAFile);
    }
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
