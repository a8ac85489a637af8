//! Where logins are kept.

use std::{any::Any, fmt, sync::Arc};

use super::{Login, LoginKey, LoginStoreError};

/// Keeps logins for later, and for other processes.
///
/// Who changes a login holds its lock meanwhile: otherwise two processes present the same refresh
/// token, and an issuer that rotates them takes the second for a theft (RFC 9700 §4.14.2).
pub trait LoginStore: Send + Sync + 'static {
    /// The login of this key. `None`: there is none.
    ///
    /// # Errors
    /// [`LoginStoreError`]. What cannot be read is an error, never the same as "none".
    fn load(
        &self,
        key: &LoginKey,
    ) -> impl Future<Output = Result<Option<Login>, LoginStoreError>> + Send;

    /// Keeps a login in the place of an older one. When the process dies meanwhile, the older one is
    /// there or the new one, whole.
    ///
    /// # Errors
    /// [`LoginStoreError`]; the older one is still there.
    fn save(&self, login: &Login) -> impl Future<Output = Result<(), LoginStoreError>> + Send;

    /// Forgets a login. Tells whether there was one; one that cannot be read goes too.
    ///
    /// # Errors
    /// [`LoginStoreError`].
    fn remove(&self, key: &LoginKey) -> impl Future<Output = Result<bool, LoginStoreError>> + Send;

    /// All logins, in order, without a secret. What cannot be read is left out, with a warning in
    /// the log that names it.
    ///
    /// # Errors
    /// [`LoginStoreError`].
    fn list(&self) -> impl Future<Output = Result<Vec<LoginKey>, LoginStoreError>> + Send;

    /// Waits until no other process, and nobody else in this one, changes this login. The lock ends
    /// with its value, and with the process, however that ends.
    ///
    /// # Errors
    /// [`LoginStoreError`]; also where the wait takes too long.
    fn lock(
        &self,
        key: &LoginKey,
    ) -> impl Future<Output = Result<LoginLock, LoginStoreError>> + Send;
}

impl<S: LoginStore> LoginStore for Arc<S> {
    fn load(
        &self,
        key: &LoginKey,
    ) -> impl Future<Output = Result<Option<Login>, LoginStoreError>> + Send {
        S::load(self, key)
    }

    fn save(&self, login: &Login) -> impl Future<Output = Result<(), LoginStoreError>> + Send {
        S::save(self, login)
    }

    fn remove(&self, key: &LoginKey) -> impl Future<Output = Result<bool, LoginStoreError>> + Send {
        S::remove(self, key)
    }

    fn list(&self) -> impl Future<Output = Result<Vec<LoginKey>, LoginStoreError>> + Send {
        S::list(self)
    }

    fn lock(
        &self,
        key: &LoginKey,
    ) -> impl Future<Output = Result<LoginLock, LoginStoreError>> + Send {
        S::lock(self, key)
    }
}

/// The right to change one login, until it is dropped.
#[must_use = "the lock ends with this value"]
pub struct LoginLock(#[allow(dead_code, reason = "it is held, not read")] Box<dyn Any + Send>);

impl LoginLock {
    /// A lock that ends when `guard` is dropped.
    pub fn holding(guard: impl Send + 'static) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for LoginLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginLock")
    }
}
