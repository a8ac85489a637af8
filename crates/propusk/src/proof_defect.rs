//! What is wrong with a proof of possession.

use std::fmt;

/// Which check of a DPoP proof failed (RFC 9449 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofDefect {
    /// There is no `DPoP` header.
    Missing,
    /// There is more than one `DPoP` header.
    Several,
    /// It is longer than a proof ever is.
    TooLong,
    /// It is not a compact JWS of JSON objects without duplicate members.
    Malformed,
    /// The header's `typ` is not `dpop+jwt`.
    WrongType,
    /// The header's `alg` is none of the asymmetric algorithms that are supported.
    Algorithm,
    /// The header's `jwk` is missing, or not a usable key of that algorithm.
    Key,
    /// The header's `jwk` contains a private key, which is no secret any more.
    PrivateKey,
    /// This claim is missing, or not of its type, or too long.
    Claim(&'static str),
    /// `htm` is not the method of the request.
    WrongMethod,
    /// `htu` is not the URL of the request.
    WrongUrl,
    /// `iat` is too far in the past or the future, or the proof is outside its own lifetime.
    WrongTime,
    /// `ath` is not the hash of the access token that came with it.
    WrongToken,
    /// It has no nonce of this server, or an old one (`use_dpop_nonce`, RFC 9449 §9).
    NonceNeeded,
    /// The key in its header did not make its signature.
    Signature,
    /// It has been used before.
    Replayed,
}

/// The end of the sentence "The DPoP proof …", for a developer. Nothing of the proof is in it.
impl fmt::Display for ProofDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "is missing; send it in the DPoP header",
            Self::Several => "came more than once; send one DPoP header",
            Self::TooLong => "is too long",
            Self::Malformed => "is not a well-formed signed JWT",
            Self::WrongType => "has a typ other than dpop+jwt",
            Self::Algorithm => "has an alg that is not supported; see algs",
            Self::Key => "has no usable public key in jwk",
            Self::PrivateKey => "has a private key in jwk; that key is no secret any more",
            Self::Claim(name) => {
                return write!(f, "has no {name} claim, or one that is malformed");
            }
            Self::WrongMethod => "has an htm other than the method of the request",
            Self::WrongUrl => "has an htu other than the URL of the request",
            Self::WrongTime => "was not made just now; check iat and the clock",
            Self::WrongToken => "has an ath other than the hash of the access token",
            Self::NonceNeeded => "needs the nonce of the DPoP-Nonce header",
            Self::Signature => "has a signature that its key did not make",
            Self::Replayed => "has been used before; make a new one for every request",
        })
    }
}
