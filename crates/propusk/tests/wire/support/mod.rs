//! What the tests share: a protected server, requests as bytes, and the two eras of MCP.

mod certificate;
mod holder;
mod http;
mod keeping;
mod library;
mod meddler;
mod proxy;
mod rpc;
mod scoped;
mod signer;
mod site;
mod tls_in_front;
mod tools;
pub(crate) mod watch;

pub(crate) use certificate::Certificate;
pub(crate) use holder::Holder;
pub(crate) use http::{Reply, Request, Wire, soon};
pub(crate) use keeping::Keeping;
pub(crate) use library::Library;
pub(crate) use meddler::{Fate, Meddler, Seen, answer, obliging, status};
pub(crate) use proxy::{Proxy, canned};
pub(crate) use rpc::{Era, call, called, in_session, initialize, legacy, modern};
pub(crate) use scoped::{Front, Scoped, Speech, mcp, token_of, with};
pub(crate) use signer::{Signer, claims, encoded, hash};
pub(crate) use site::{MOUNTS, Mount, Site};
pub(crate) use tools::Tools;
pub(crate) use watch::Watch;
