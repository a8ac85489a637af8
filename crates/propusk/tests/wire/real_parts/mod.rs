//! The verifiers with real parts: a server on loopback, and an identity provider in a process of its
//! own that can be stopped, slowed down and made to lie.

mod attack_claims;
mod attack_headers;
mod attack_signatures;
mod attacks;
mod contract_composed;
mod contract_jwt;
mod contract_opaque;
mod floods;
mod foreign_servers;
mod introspection_answers;
mod introspection_outages;
mod key_outages;
mod key_rotation;
mod machines;
mod signed_in;
mod support;
mod worlds;
