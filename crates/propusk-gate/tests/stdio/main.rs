//! The gate in front of servers over stdio: over real sockets, with a server that breaks rules.

// Helpers of tests are tests too; `clippy.toml` reaches the test functions only.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod crossing;
mod faults;
mod hidden;
mod leavers;
mod life;
mod overdue;
mod principals;
mod questions;
mod sharing;
mod subscriptions;
mod support;
mod tasks;
mod watched;
