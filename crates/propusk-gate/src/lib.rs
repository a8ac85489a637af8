//! Token authorization in front of MCP servers that know nothing of it, over HTTP or stdio.
