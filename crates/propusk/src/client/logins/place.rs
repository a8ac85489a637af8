//! The place for logins that a machine has: its keyring, else files.

use std::fmt;

#[cfg(all(feature = "keyring", target_os = "linux"))]
use super::KeyringLogins;
use super::{FileLogins, Login, LoginKey, LoginLock, LoginStore, LoginStoreError};

/// Keeps logins in the operating system's keyring where there is one, else in files.
///
/// A login is found in either place, so that one of a session without a keyring is there in the next
/// one with it; what is kept goes to the keyring, and then the file goes. The locks are the same
/// files in both cases. The keyring needs the feature `keyring` and, so far, Linux.
#[derive(Clone)]
pub struct Logins {
    files: FileLogins,
    #[cfg(all(feature = "keyring", target_os = "linux"))]
    keyring: Option<KeyringLogins>,
}

impl Logins {
    /// The keyring of this session, and files in the default folder; see
    /// [`FileLogins::in_default_folder`].
    ///
    /// # Errors
    /// As there. That there is no keyring is no error, and said in the log at the level `debug`.
    pub async fn open_default() -> Result<Self, LoginStoreError> {
        Ok(Self::open(FileLogins::in_default_folder()?).await)
    }

    /// The keyring of this session, and these files.
    pub async fn open(files: FileLogins) -> Self {
        #[cfg(all(feature = "keyring", target_os = "linux"))]
        {
            let keyring = KeyringLogins::open(files.clone()).await;
            let keyring = keyring.inspect_err(|error| tracing::debug!("{error}; files are used"));
            Self {
                files,
                keyring: keyring.ok(),
            }
        }
        #[cfg(not(all(feature = "keyring", target_os = "linux")))]
        Self { files }
    }

    /// The logins in files that cannot be read; see [`FileLogins::unreadable`].
    ///
    /// # Errors
    /// As there.
    pub async fn unreadable(&self) -> Result<Vec<LoginStoreError>, LoginStoreError> {
        self.files.unreadable().await
    }

    /// Whether logins are kept in a keyring.
    #[must_use]
    pub fn has_keyring(&self) -> bool {
        #[cfg(all(feature = "keyring", target_os = "linux"))]
        {
            self.keyring.is_some()
        }
        #[cfg(not(all(feature = "keyring", target_os = "linux")))]
        false
    }
}

#[cfg(all(feature = "keyring", target_os = "linux"))]
impl LoginStore for Logins {
    async fn load(&self, key: &LoginKey) -> Result<Option<Login>, LoginStoreError> {
        if let Some(keyring) = &self.keyring
            && let Some(login) = keyring.load(key).await?
        {
            return Ok(Some(login));
        }
        self.files.load(key).await
    }

    async fn save(&self, login: &Login) -> Result<(), LoginStoreError> {
        let Some(keyring) = &self.keyring else {
            return self.files.save(login).await;
        };
        keyring.save(login).await?;
        self.files.remove(login.key()).await.map(drop)
    }

    async fn remove(&self, key: &LoginKey) -> Result<bool, LoginStoreError> {
        let in_file = self.files.remove(key).await?;
        match &self.keyring {
            Some(keyring) => Ok(keyring.remove(key).await? || in_file),
            None => Ok(in_file),
        }
    }

    async fn list(&self) -> Result<Vec<LoginKey>, LoginStoreError> {
        let mut keys = self.files.list().await?;
        if let Some(keyring) = &self.keyring {
            keys.extend(keyring.list().await?);
            keys.sort_unstable();
            keys.dedup();
        }
        Ok(keys)
    }

    async fn lock(&self, key: &LoginKey) -> Result<LoginLock, LoginStoreError> {
        self.files.lock(key).await
    }
}

#[cfg(not(all(feature = "keyring", target_os = "linux")))]
impl LoginStore for Logins {
    async fn load(&self, key: &LoginKey) -> Result<Option<Login>, LoginStoreError> {
        self.files.load(key).await
    }

    async fn save(&self, login: &Login) -> Result<(), LoginStoreError> {
        self.files.save(login).await
    }

    async fn remove(&self, key: &LoginKey) -> Result<bool, LoginStoreError> {
        self.files.remove(key).await
    }

    async fn list(&self) -> Result<Vec<LoginKey>, LoginStoreError> {
        self.files.list().await
    }

    async fn lock(&self, key: &LoginKey) -> Result<LoginLock, LoginStoreError> {
        self.files.lock(key).await
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins")
            .field("keyring", &self.has_keyring())
            .field("files", &self.files)
            .finish()
    }
}
