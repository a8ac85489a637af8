//! One proof of possession: the checks of RFC 9449 §4.3, each a step with its number there.
//!
//! The cheap ones come first: a proof is signed with a key of its sender's own choice, so that
//! nothing is learned from its signature before the token says which key counts.

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderMap;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{
    ALGORITHMS,
    nonce::{Age, Nonces},
    replay::ProofId,
    target::Target,
};
use crate::{
    ProofDefect,
    jose::{
        Algorithm, Compact, Header, InvalidCompact, InvalidHeader, SignatureAlgorithm, UnusableKey,
        VerifyingKey,
    },
};

/// How far from now a proof may have been made, to both sides: clocks differ, and the MCP extension
/// for DPoP says five minutes.
pub(super) const WINDOW: Duration = Duration::from_secs(5 * 60);

/// The longest proof in bytes. One with an RSA key of 8,192 bits has some 4,000.
const LONGEST_PROOF: usize = 8 * 1024;

/// The longest `jti` in bytes.
const LONGEST_ID: usize = 256;

/// What a proof is compared with.
pub(super) struct Expected<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) target: &'a Target,
    pub(super) token: &'a str,
    /// Where a nonce is required.
    pub(super) nonces: Option<&'a Nonces>,
    pub(super) now: SystemTime,
}

/// A proof that passed every check except that it may have been used before.
#[derive(Debug)]
pub(crate) struct Proof {
    thumbprint: String,
    id: ProofId,
    made_at: f64,
    nonce: Option<Age>,
}

impl Proof {
    /// The thumbprint of the key that was proven (RFC 7638), to compare with that of the token.
    pub(crate) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    pub(super) fn id(&self) -> ProofId {
        self.id
    }

    /// How old its nonce is, where one was required.
    pub(super) fn nonce(&self) -> Option<Age> {
        self.nonce
    }

    /// Whether it was made around that time.
    pub(super) fn is_of(&self, now: SystemTime) -> Result<(), ProofDefect> {
        around(self.made_at, now)
    }
}

/// Check 1: there is one `DPoP` header.
pub(super) fn only_header(headers: &HeaderMap) -> Result<&str, ProofDefect> {
    let mut proofs = headers.get_all("dpop").iter();
    let proof = proofs.next().ok_or(ProofDefect::Missing)?;
    if proofs.next().is_some() {
        return Err(ProofDefect::Several);
    }
    proof.to_str().map_err(|_| ProofDefect::Malformed)
}

/// All checks but the first, and the last half of check 12: whether the token is bound to this key
/// is decided by [`decide`](crate::decide).
pub(super) fn check(text: &str, expected: &Expected<'_>) -> Result<Proof, ProofDefect> {
    let (jws, header, claims) = well_formed(text)?;
    has_type(&header)?;
    let algorithm = supported_algorithm(&header)?;
    let claims = Claims::required(&claims)?;
    is_for_method(&claims, expected.method)?;
    is_for_url(&claims, expected)?;
    let nonce = has_nonce(&claims, expected)?;
    around(claims.made_at, expected.now)?;
    claims.is_within_own_lifetime(expected.now)?;
    is_for_token(&claims, expected.token)?;
    let key = public_key(&header, algorithm)?;
    is_signed(&jws, algorithm, &key)?;
    Ok(Proof {
        id: ProofId::of(key.thumbprint(), claims.id),
        thumbprint: key.thumbprint().to_owned(),
        made_at: claims.made_at,
        nonce,
    })
}

type Opened<'a> = (Compact<'a>, Header, Map<String, Value>);

/// Check 2: a single, well-formed JWT.
fn well_formed(text: &str) -> Result<Opened<'_>, ProofDefect> {
    if text.len() > LONGEST_PROOF {
        return Err(ProofDefect::TooLong);
    }
    let malformed = |_| ProofDefect::Malformed;
    let jws = Compact::parse(text).map_err(malformed)?;
    let header = jws.header().map_err(|why| match why {
        InvalidCompact::Header(InvalidHeader::Algorithm(_)) => ProofDefect::Algorithm,
        _ => ProofDefect::Malformed,
    })?;
    let claims = jws.claims().map_err(malformed)?;
    Ok((jws, header, claims))
}

/// The claims that every proof has (RFC 9449 §4.2), and those that it may have.
struct Claims<'a> {
    id: &'a str,
    method: &'a str,
    url: &'a str,
    made_at: f64,
    token_hash: &'a str,
    others: &'a Map<String, Value>,
}

impl<'a> Claims<'a> {
    /// Check 3: all required claims are there.
    fn required(claims: &'a Map<String, Value>) -> Result<Self, ProofDefect> {
        let text = |name| {
            let text = claims.get(name).and_then(Value::as_str);
            text.ok_or(ProofDefect::Claim(name))
        };
        let id = text("jti")?;
        if id.is_empty() || id.len() > LONGEST_ID {
            return Err(ProofDefect::Claim("jti"));
        }
        Ok(Self {
            id,
            method: text("htm")?,
            url: text("htu")?,
            made_at: number(claims, "iat")?.ok_or(ProofDefect::Claim("iat"))?,
            token_hash: text("ath")?,
            others: claims,
        })
    }

    /// `exp` and `nbf`, which a proof need not have and which count where it has them (RFC 7519
    /// §4.1.4 and §4.1.5).
    fn is_within_own_lifetime(&self, now: SystemTime) -> Result<(), ProofDefect> {
        let now = seconds(now);
        let expired = number(self.others, "exp")?.is_some_and(|end| end <= now);
        let early =
            number(self.others, "nbf")?.is_some_and(|begin| begin > now + WINDOW.as_secs_f64());
        if expired || early {
            return Err(ProofDefect::WrongTime);
        }
        Ok(())
    }
}

fn number(claims: &Map<String, Value>, name: &'static str) -> Result<Option<f64>, ProofDefect> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(ProofDefect::Claim(name)),
    }
}

/// Check 4.
fn has_type(header: &Header) -> Result<(), ProofDefect> {
    let right = |media_type: &str| media_type.eq_ignore_ascii_case("dpop+jwt");
    header
        .media_type()
        .is_some_and(right)
        .then_some(())
        .ok_or(ProofDefect::WrongType)
}

/// Check 5: an asymmetric algorithm that is supported.
fn supported_algorithm(header: &Header) -> Result<SignatureAlgorithm, ProofDefect> {
    match header.algorithm() {
        Algorithm::Signature(algorithm) if ALGORITHMS.contains(&algorithm) => Ok(algorithm),
        Algorithm::Signature(_) | Algorithm::Mac(_) => Err(ProofDefect::Algorithm),
    }
}

/// Check 7: the key in the header is a public one; and it is one for this algorithm.
fn public_key(header: &Header, algorithm: SignatureAlgorithm) -> Result<VerifyingKey, ProofDefect> {
    let jwk = header.embedded_key().ok_or(ProofDefect::Key)?;
    let key = VerifyingKey::from_jwk(jwk).map_err(|why| match why {
        UnusableKey::Private(_) => ProofDefect::PrivateKey,
        _ => ProofDefect::Key,
    })?;
    key.fits(algorithm).then_some(key).ok_or(ProofDefect::Key)
}

/// Check 8. Methods compare with their case (RFC 9110 §9.1).
fn is_for_method(claims: &Claims<'_>, method: &str) -> Result<(), ProofDefect> {
    (claims.method == method)
        .then_some(())
        .ok_or(ProofDefect::WrongMethod)
}

/// Check 9.
fn is_for_url(claims: &Claims<'_>, expected: &Expected<'_>) -> Result<(), ProofDefect> {
    let right = expected.target.is_named_by(claims.url, expected.path);
    right.then_some(()).ok_or(ProofDefect::WrongUrl)
}

/// Check 10: a nonce of this server, where one is required.
fn has_nonce(claims: &Claims<'_>, expected: &Expected<'_>) -> Result<Option<Age>, ProofDefect> {
    let Some(nonces) = expected.nonces else {
        return Ok(None);
    };
    let nonce = claims.others.get("nonce").and_then(Value::as_str);
    let age = nonce.and_then(|nonce| nonces.judge(nonce, expected.now));
    age.map(Some).ok_or(ProofDefect::NonceNeeded)
}

/// Check 11: made within the window around now.
fn around(made_at: f64, now: SystemTime) -> Result<(), ProofDefect> {
    let distance = (made_at - seconds(now)).abs();
    // Written so that what is no number does not pass.
    (distance <= WINDOW.as_secs_f64())
        .then_some(())
        .ok_or(ProofDefect::WrongTime)
}

/// Check 12, its first half: made for this very token.
fn is_for_token(claims: &Claims<'_>, token: &str) -> Result<(), ProofDefect> {
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(token));
    (claims.token_hash == hash)
        .then_some(())
        .ok_or(ProofDefect::WrongToken)
}

/// Check 6: signed with the key in its header.
fn is_signed(
    jws: &Compact<'_>,
    algorithm: SignatureAlgorithm,
    key: &VerifyingKey,
) -> Result<(), ProofDefect> {
    let signature = jws.signature().map_err(|_| ProofDefect::Malformed)?;
    key.verify(algorithm, jws.signing_input(), &signature)
        .then_some(())
        .ok_or(ProofDefect::Signature)
}

/// Seconds since 1970, whole ones as JSON Web Tokens mostly have them.
fn seconds(now: SystemTime) -> f64 {
    match now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

#[cfg(test)]
mod tests;
