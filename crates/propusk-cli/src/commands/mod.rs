//! What each command does.

pub(crate) mod call;
pub(crate) mod check_config;
mod connect;
pub(crate) use connect::RENEW_LOGIN;
mod dialogue;
pub(crate) mod health;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod login;
pub(crate) mod logout;
mod masked;
pub(crate) mod papers;
mod refusal;
mod result;
mod screen;
mod secret_place;
pub(crate) mod serve;
pub(crate) mod status;
mod store;
pub(crate) use store::warn_of_password;
pub(crate) mod token;
pub(crate) mod tools;
pub(crate) mod verification;
