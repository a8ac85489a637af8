//! A real identity provider.
