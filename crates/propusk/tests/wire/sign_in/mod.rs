//! Signing a user in: with servers that behave, and with servers that do not.

mod browser;
mod flow;
mod hostile;
mod interactive;
mod revocation;
pub(crate) mod world;
