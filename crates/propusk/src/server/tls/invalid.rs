//! Why there is no TLS with what was given.

use std::fmt;

use tokio_rustls::rustls::{Error, InconsistentKeys};

/// A certificate, a key or authorities cannot be used. It repeats nothing of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTls {
    /// The certificate.
    #[error("the certificate: {0}")]
    Certificate(PemDefect),
    /// The private key.
    #[error("the private key: {0}")]
    Key(PemDefect),
    /// The authorities of client certificates.
    #[error("the authorities of client certificates: {0}")]
    ClientAuthorities(PemDefect),
    /// The key is another certificate's.
    #[error("the private key is not that of the certificate")]
    OtherKey,
    /// Whatever else TLS does not accept.
    #[error("TLS does not accept this certificate with this key")]
    Unusable,
}

/// What is wrong with a PEM text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemDefect {
    /// There is none in it.
    Nothing,
    /// What is there cannot be read.
    Malformed,
}

impl fmt::Display for PemDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "there is none in this PEM text",
            Self::Malformed => "this is no PEM text that can be read",
        })
    }
}

impl From<Error> for InvalidTls {
    fn from(error: Error) -> Self {
        match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Self::OtherKey,
            Error::InvalidCertificate(_) => Self::Certificate(PemDefect::Malformed),
            // What a key that cannot be read gives.
            Error::General(_) => Self::Key(PemDefect::Malformed),
            _ => Self::Unusable,
        }
    }
}
