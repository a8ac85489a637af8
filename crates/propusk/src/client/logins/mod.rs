//! Logins that outlive a process: what is kept, where, and how it is refreshed.

mod login;

pub use login::{Login, LoginKey};
