//! Verifiers around and beside others: memory, composition, and an identity server on loopback.

mod any_of;
mod cached;
mod cached_revisions;
pub(crate) mod identity_server;
mod introspection;
mod introspection_clients;
mod introspection_discovery;
mod introspection_outages;
mod introspection_signed;
mod key_sets;
mod routing;
mod secrets;
mod support;
