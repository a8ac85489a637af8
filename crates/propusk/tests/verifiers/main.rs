//! Verifiers around and beside others: memory, composition, and an identity server on loopback.

// Helpers of tests are tests too; `clippy.toml` reaches the test functions only.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod any_of;
mod cached;
mod cached_revisions;
mod identity_server;
mod introspection;
mod introspection_clients;
mod introspection_discovery;
mod introspection_outages;
mod introspection_signed;
mod routing;
mod secrets;
mod support;
