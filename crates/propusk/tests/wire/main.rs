//! The library over real sockets: what a client, a browser page and an attacker see.
//!
//! Requests are written byte by byte, so that a test can send what no HTTP library would. Every
//! table runs against both mountings: [`propusk::Server`], and [`propusk::AuthLayer`] around an
//! axum router with rmcp's own service.

// Helpers of tests are tests too; `clippy.toml` reaches the test functions only.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod aborted_openings;
mod address_limits;
mod admission;
mod audit;
mod audit_of_handlers;
mod before_the_body;
mod caller;
mod challenges;
mod changing_lists;
mod client;
mod client_dpop;
mod client_hostile;
mod client_network;
mod client_refusals;
mod client_sources;
mod client_unavailable;
mod client_wire;
mod contract;
mod cors;
mod crossing;
mod decisions;
mod dpop;
mod dpop_attacks;
mod dpop_jwt;
mod dpop_nonces;
mod dpop_replay;
mod drain;
mod handlers_that_filter;
mod hosts;
mod limits;
mod lists;
mod locks;
mod log_floods;
mod machines;
mod messages;
mod metadata;
mod metrics;
mod origins;
#[cfg(feature = "real-parts")]
mod real_parts;
mod regressions;
mod renewal;
mod rules;
mod rules_of_arguments;
mod rules_of_streams;
mod second_check;
mod secrets;
mod session_limits;
mod sessions;
mod sign_in;
mod slow_bodies;
mod spoofed;
mod state;
mod streams;
mod support;
mod tls;
mod unguarded;
mod upstreams;
mod verifiers;
mod who_is_asking;
