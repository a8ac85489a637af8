//! Logins that outlive a process: what is kept, where, and how it is renewed.
//!
//! [`Login`] is the record, [`LoginStore`] a place for it, [`FileLogins`] the place that every
//! machine has.

mod file;
mod login;
mod record;
mod store;
mod store_error;
#[cfg(test)]
mod test_logins;

pub use file::FileLogins;
pub use login::{Login, LoginKey};
pub use store::{LoginLock, LoginStore};
pub use store_error::{LoginStoreError, LoginStoreErrorKind};
