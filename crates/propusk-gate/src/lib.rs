//! Token authorization in front of MCP servers that know nothing of it.

#[cfg(feature = "otlp")]
pub mod telemetry;
