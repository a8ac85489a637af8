//! What each command does.

pub(crate) mod call;
mod connect;
pub(crate) mod inspect;
mod result;
pub(crate) mod serve;
mod store;
pub(crate) use store::warn_of_password;
pub(crate) mod token;
pub(crate) mod tools;
pub(crate) mod verification;
