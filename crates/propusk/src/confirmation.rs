//! The key that a token is bound to (the `cnf` claim, RFC 7800 §3.1).

/// What a token says about the key that its presenter must prove to hold.
///
/// A token with a confirmation is never accepted as a plain bearer token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confirmation {
    /// The SHA-256 thumbprint of a public key, base64url (`jkt`, RFC 9449 §6.1).
    Jkt(String),
    /// Another method, such as a client certificate (`x5t#S256`, RFC 8705 §3.1), which cannot be
    /// checked here. Such a token is refused.
    Unsupported,
}
