//! Real parts for the tests: each starts on a free loopback port, in a folder of its own, and ends
//! when its value is dropped.

// Tests fail by panicking; `clippy.toml` reaches test functions only.
#![allow(clippy::expect_used, clippy::unwrap_used)]

pub mod assertion_reader;
pub mod browser;
pub mod contract;
pub mod foreign_server;
pub mod identity_provider;
mod installed;
pub mod local_issuer;
pub mod postgres;
