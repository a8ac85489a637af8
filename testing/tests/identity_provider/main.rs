//! The real identity provider does what other tests rely on.

// Helpers of tests are tests too; `clippy.toml` reaches the test functions only.
#![allow(clippy::unwrap_used)]

mod clients;
mod faults;
mod keys;
mod lifecycle;
mod sign_in;
mod support;
mod tokens;
