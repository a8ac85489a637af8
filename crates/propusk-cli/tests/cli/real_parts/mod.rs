//! The program with real parts: an identity provider, and clients, servers and a browser of others.

mod foreign_servers;
mod inspect;
mod introspect;
mod issuer;
mod login;
mod outages;
mod provider;
mod signed_in;
mod step_up;
mod together;
