//! What the tests share: a protected server, requests as bytes, and the two eras of MCP.

mod holder;
mod http;
mod proxy;
mod rpc;
mod signer;
mod site;
mod tools;
mod watch;

pub(crate) use holder::Holder;
pub(crate) use http::{Reply, Request, Wire, soon};
pub(crate) use proxy::{Proxy, canned};
pub(crate) use rpc::{Era, call, called, initialize, legacy, modern};
pub(crate) use signer::{Signer, claims, encoded, hash};
pub(crate) use site::{MOUNTS, Mount, Site};
pub(crate) use tools::Tools;
pub(crate) use watch::Watch;
