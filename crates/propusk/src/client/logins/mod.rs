//! Logins that outlive a process: what is kept, where, and how it is renewed.
//!
//! [`Login`] is the record, [`LoginStore`] a place for it, [`FileLogins`] the place that every
//! machine has. [`StoredLogin`] takes a client's tokens from there, [`Renewal`] renews them.

mod file;
mod login;
mod process;
mod record;
mod renewal;
mod source;
mod store;
mod store_error;
#[cfg(test)]
mod test_logins;

pub use file::FileLogins;
pub use login::{Login, LoginKey};
pub use process::RenewalProcess;
pub use renewal::Renewal;
pub use source::StoredLogin;
pub use store::{LoginLock, LoginStore};
pub use store_error::{LoginStoreError, LoginStoreErrorKind};
