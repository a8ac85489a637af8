//! The program `propusk` as its users have it: typed commands in a folder of their own, exit codes,
//! what stands on stdout and stderr, and which files are there afterwards.

// Helpers of tests are tests too; `clippy.toml` reaches the test functions only.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod access;
mod bad_input;
mod call;
mod check_config;
mod dialogue;
mod dpop;
mod exit_codes;
mod first_run;
mod forwarded;
mod gate;
mod health;
mod init;
mod inspect;
mod issuers;
mod logins;
mod papers;
#[cfg(feature = "real-parts")]
mod postgres;
mod proof;
mod proxies;
#[cfg(feature = "real-parts")]
mod real_parts;
mod regressions;
mod reload;
mod scopes;
mod secrets;
mod settings;
mod sources;
mod stop;
mod streams;
mod support;
mod tls;
mod tokens;
mod typing;
mod verification;
mod watch;
mod web;
