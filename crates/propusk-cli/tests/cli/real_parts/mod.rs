//! The program with a real identity provider.

mod inspect;
mod introspect;
mod issuer;
mod login;
mod outages;
mod provider;
mod step_up;
mod together;
