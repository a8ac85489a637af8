//! The fixture server of the official MCP conformance suite.
//!
//! The suite drives a server that it calls "everything": fixed tools, prompts and resources whose
//! names and answers the scenarios know. [`Everything`] is that server, for both eras of the
//! protocol: 2025-11-25 with its sessions and 2026-07-28 without them. It knows nothing of HTTP
//! or of authorization, so that whatever mounts it is what the suite really tests.

mod cache;
mod completion;
mod era;
mod everything;
mod handler;
mod prompts;
mod questions;
mod request_states;
mod resources;
mod round;
mod samples;
mod subscribers;
mod tools;

pub use everything::Everything;
