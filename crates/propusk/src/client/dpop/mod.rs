//! Tokens that are bound to a key of this client: DPoP (RFC 9449), the side of the client. Left out:
//! keys that sign elsewhere (a security module), RSA keys, and `dpop_jkt` (§10), which belongs to
//! whoever asks for a code.

mod key;
mod nonces;

pub use key::{DpopKey, InvalidDpopKey};
