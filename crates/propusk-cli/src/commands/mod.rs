//! What each command does.

pub(crate) mod call;
mod connect;
pub(crate) mod inspect;
mod result;
pub(crate) mod serve;
mod store;
pub(crate) mod token;
pub(crate) mod tools;
mod verification;
