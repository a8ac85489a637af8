//! Logins in the keyring of the desktop: the Secret Service of freedesktop.org over D-Bus, as
//! GNOME Keyring, KWallet and KeePassXC offer it.
//!
//! Each login is one item of the default collection; its key is in the item's attributes, which are
//! no secret, and the whole record is the secret. The lock stays a file: a keyring has none. Left
//! out: the encryption of secrets on their way, since the way is a socket of this user; and asking
//! for a password to unlock, since a program that was not started by hand must not wait for one.

mod service;

use std::{collections::HashMap, fmt, sync::Arc};

use super::{
    Login, LoginKey, LoginLock, LoginStore, LoginStoreError, LoginStoreErrorKind,
    file::FileLogins,
    record::{self, Unreadable},
};
use service::{Failed, Item, SecretService};

/// Which items are ours.
const SCHEMA: (&str, &str) = ("xdg:schema", "propusk.Login");

/// Keeps logins in the keyring of the desktop, where it is there and unlocked.
#[derive(Clone)]
pub struct KeyringLogins {
    service: Arc<SecretService>,
    locks: FileLogins,
}

impl KeyringLogins {
    /// Reaches the keyring of this session. The locks are files in this folder of logins.
    ///
    /// # Errors
    /// [`LoginStoreErrorKind::Unavailable`]: there is no session bus, no keyring there, or it is
    /// locked.
    pub async fn open(locks: FileLogins) -> Result<Self, LoginStoreError> {
        let service = SecretService::connect().await.map_err(unavailable)?;
        let service = Arc::new(service);
        Ok(Self { service, locks })
    }

    async fn item(&self, key: &LoginKey) -> Result<Option<Item>, LoginStoreError> {
        let name = record::name(key);
        let search = HashMap::from([SCHEMA, ("login", &name)]);
        let found = self.service.search(&search).await.map_err(unavailable)?;
        Ok(found.into_iter().next())
    }
}

impl LoginStore for KeyringLogins {
    async fn load(&self, key: &LoginKey) -> Result<Option<Login>, LoginStoreError> {
        let Some(item) = self.item(key).await? else {
            return Ok(None);
        };
        let secret = self.service.secret(&item).await.map_err(unavailable)?;
        let login = record::read(&secret, key);
        login.map(Some).map_err(|why| unreadable(key, why))
    }

    async fn save(&self, login: &Login) -> Result<(), LoginStoreError> {
        let key = login.key();
        let too_large = || {
            let message = "the login is too large to be kept: its tokens are of an unusual size";
            LoginStoreError::new(LoginStoreErrorKind::Unavailable, message)
        };
        let secret = record::write(login).ok_or_else(too_large)?;
        let name = record::name(key);
        let mut attributes = HashMap::from([
            SCHEMA,
            ("login", name.as_str()),
            ("server", key.server.as_str()),
            ("resource", key.resource.as_str()),
            ("issuer", key.issuer.as_str()),
            ("client_id", key.client_id.as_str()),
        ]);
        if let Some(account) = &key.account {
            attributes.insert("account", account);
        }
        let label = format!("propusk: login for {}", key.server);
        let kept = self.service.keep(&label, &attributes, &secret).await;
        kept.map_err(unavailable)
    }

    async fn remove(&self, key: &LoginKey) -> Result<bool, LoginStoreError> {
        let Some(item) = self.item(key).await? else {
            return Ok(false);
        };
        self.service.delete(&item).await.map_err(unavailable)?;
        Ok(true)
    }

    async fn list(&self) -> Result<Vec<LoginKey>, LoginStoreError> {
        let items = self.service.search(&HashMap::from([SCHEMA])).await;
        let mut keys = Vec::new();
        for item in items.map_err(unavailable)? {
            let attributes = self.service.attributes(&item).await.map_err(unavailable)?;
            match key(attributes) {
                Some(key) => keys.push(key),
                None => tracing::warn!(
                    "an item of the keyring with the schema {} is no login",
                    SCHEMA.1
                ),
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    async fn lock(&self, key: &LoginKey) -> Result<LoginLock, LoginStoreError> {
        self.locks.lock(key).await
    }
}

/// The key in the attributes of an item.
fn key(mut attributes: HashMap<String, String>) -> Option<LoginKey> {
    Some(LoginKey {
        server: attributes.remove("server")?,
        resource: attributes.remove("resource")?,
        issuer: attributes.remove("issuer")?,
        client_id: attributes.remove("client_id")?,
        account: attributes.remove("account"),
    })
}

fn unavailable(failed: Failed) -> LoginStoreError {
    let message = format!("the keyring cannot be used: {failed}");
    LoginStoreError::new(LoginStoreErrorKind::Unavailable, message).with_cause(failed)
}

fn unreadable(key: &LoginKey, why: Unreadable) -> LoginStoreError {
    let what = match why {
        Unreadable::Damaged => "is damaged",
        Unreadable::Newer(_) => "is of a newer version of this program, which should be updated",
        Unreadable::Misplaced => "belongs to another server, issuer, client or account",
    };
    let server = &key.server;
    let message = format!(
        "the login for {server} in the keyring {what}; or remove its item there (\"propusk: login \
         for {server}\") and sign in again"
    );
    LoginStoreError::new(LoginStoreErrorKind::Unreadable, message)
}

impl fmt::Debug for KeyringLogins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringLogins")
            .field("locks", &self.locks)
            .finish_non_exhaustive()
    }
}
