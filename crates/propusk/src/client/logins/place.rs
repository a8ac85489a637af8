//! The place for logins that a machine has: its keyring, else files.

use std::fmt;

#[cfg(all(feature = "keyring", target_os = "linux"))]
use super::KeyringLogins;
use super::{FileLogins, Login, LoginKey, LoginLock, LoginStore, LoginStoreError};

/// Keeps logins in the operating system's keyring where there is one, else in files.
///
/// A login is found in either place, and the newer one where it is in both, so that one of a session
/// without a keyring is there in the next one with it; what is kept goes to the keyring, and then the
/// file goes. The locks are the same
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
        let Some(keyring) = &self.keyring else {
            return self.files.load(key).await;
        };
        let Some(login) = keyring.load(key).await? else {
            return self.files.load(key).await;
        };
        // A session without the keyring may have signed in or renewed since.
        let in_file = self.files.load(key).await;
        let in_file = in_file.inspect_err(|error| tracing::debug!("{error}; the keyring is used"));
        Ok(Some(newer(login, in_file.ok().flatten())))
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

#[cfg(all(feature = "keyring", target_os = "linux"))]
fn newer(in_keyring: Login, in_file: Option<Login>) -> Login {
    match in_file {
        Some(in_file) if in_file.obtained_at() > in_keyring.obtained_at() => in_file,
        _ => in_keyring,
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

#[cfg(test)]
#[cfg(all(feature = "keyring", target_os = "linux"))]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::BearerToken;

    fn login(token: &str, second: u64) -> Login {
        let key = LoginKey {
            server: "https://mcp.example/mcp".to_owned(),
            resource: "https://mcp.example/mcp".to_owned(),
            issuer: "https://login.example".to_owned(),
            client_id: "propusk".to_owned(),
            account: None,
        };
        let token = BearerToken::parse(token).expect("a token");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        Login::new(key, "https://login.example/token", token).with_times(at, None)
    }

    #[test]
    fn the_newer_login_counts_wherever_it_is() {
        for (in_file, expected) in [
            (None, "keyring"),
            (Some(9), "keyring"),
            (Some(10), "keyring"),
            (Some(11), "file"),
        ] {
            let in_file = in_file.map(|second| login("file", second));
            let used = newer(login("keyring", 10), in_file);
            let expected = BearerToken::parse(expected).expect("a token");
            assert_eq!(used.access_token(), &expected);
        }
    }
}
