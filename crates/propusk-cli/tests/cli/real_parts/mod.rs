//! The program with a real identity provider.

mod foreign_servers;
mod inspect;
mod introspect;
mod issuer;
mod outages;
mod provider;
mod signed_in;
mod step_up;
mod together;
