//! What a token store promises, against its public interface.
//!
//! `lifecycle`, `verification` and `processes` are the contract of every database; the `sqlite_*`
//! modules are about files.

#![expect(
    clippy::expect_used,
    reason = "clippy.toml spares only test functions, not their helpers"
)]

mod lifecycle;
mod processes;
mod sqlite_open;
mod sqlite_secrecy;
mod support;
mod verification;
