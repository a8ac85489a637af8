//! HTTP to an identity server: bounded in time and size, and never to an address that the operator
//! did not mean. Left out, on purpose: caching (the callers know what may be kept) and compression.

mod addresses;
mod error;
#[cfg(feature = "fetch")]
mod fetcher;
#[cfg(feature = "introspection")]
mod post;

pub(crate) use addresses::AddressPolicy;
pub(crate) use error::FetchError;
#[cfg(feature = "fetch")]
pub(crate) use fetcher::{FetchLimits, Fetcher};
