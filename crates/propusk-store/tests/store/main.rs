//! What a token store promises, against its public interface.
//!
//! `contract`, `lifecycle`, `verification`, `explanation`, `processes` and `secrecy` are the contract of every
//! database, and run against each of them; the `sqlite_*` modules are about files, the `postgres_*`
//! modules about a server, which the feature `real-parts` starts.

#![expect(
    clippy::expect_used,
    reason = "clippy.toml spares only test functions, not their helpers"
)]

#[macro_use]
mod support;

mod contract;
mod explanation;
mod lifecycle;
#[cfg(feature = "real-parts")]
mod postgres_open;
#[cfg(feature = "real-parts")]
mod postgres_outage;
#[cfg(feature = "real-parts")]
mod postgres_processes;
#[cfg(feature = "real-parts")]
mod postgres_secrecy;
mod processes;
#[cfg(feature = "real-parts")]
mod proxy;
mod secrecy;
mod sqlite_open;
mod sqlite_secrecy;
mod verification;
