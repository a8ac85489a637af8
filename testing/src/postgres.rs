//! A real PostgreSQL.
