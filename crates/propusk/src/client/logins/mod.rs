//! Logins that outlive a process: what is kept, where, and how it is renewed.
//!
//! [`Login`] is the record, [`LoginStore`] a place for it, [`FileLogins`] the place that every
//! machine has, [`Logins`] the best that this one has. [`StoredLogin`] takes a client's tokens from there, [`Renewal`] renews them.

mod file;
#[cfg(all(feature = "keyring", target_os = "linux"))]
mod keyring;
mod login;
mod place;
mod process;
mod record;
mod renewal;
mod source;
mod store;
mod store_error;
#[cfg(test)]
mod test_logins;

pub use file::FileLogins;
#[cfg(all(feature = "keyring", target_os = "linux"))]
pub use keyring::KeyringLogins;
pub use login::{Login, LoginKey};
pub use place::Logins;
pub use process::RenewalProcess;
pub use renewal::{Renewal, Revocation};
pub use source::StoredLogin;
pub use store::{LoginLock, LoginStore};
pub use store_error::{LoginStoreError, LoginStoreErrorKind};
