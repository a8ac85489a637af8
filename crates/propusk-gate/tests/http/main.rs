//! The gate in front of HTTP upstreams, over real sockets.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test ends where something is not as it must be"
)]

mod credentials;
mod faults;
mod gate;
mod hostile_issuers;
mod lists;
mod mirrored;
mod owners;
mod pages;
mod passes;
#[cfg(feature = "real-parts")]
mod real_parts;
mod servers;
mod strips;
mod tls;
mod upstream;
