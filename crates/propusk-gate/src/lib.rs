//! Token authorization in front of MCP servers that know nothing of it, over HTTP or stdio.
//!
//! What stands here is the way onward: a [`propusk::AuthLayer`] has verified the token, read the
//! message and decided; behind it an upstream gets the request without anything that the client said
//! about itself.

#[cfg(feature = "cedar")]
pub mod cedar;
pub mod credentials;
pub mod http;
pub mod stdio;
#[cfg(feature = "otlp")]
pub mod telemetry;
