//! The numbers of a public key, by key type (RFC 7518 §6.2, §6.3, RFC 8037 §2).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, EcdsaVerificationAlgorithm,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{SignatureAlgorithm, UnusableKey};

/// A public key before it is bound to an algorithm.
pub(super) enum Material {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// The uncompressed point, on that curve.
    Ec(Curve, Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Clone, Copy)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Material {
    pub(super) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, UnusableKey> {
        match jwk.get("kty").and_then(Value::as_str) {
            Some("RSA") => rsa(jwk),
            Some("EC") => ec(jwk),
            Some("OKP") => ed25519(jwk),
            _ => Err(UnusableKey::Type),
        }
    }

    /// The algorithms of this key type.
    pub(super) fn algorithms(&self) -> &'static [SignatureAlgorithm] {
        use SignatureAlgorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        match self {
            Self::Rsa(_) => &[Rs256, Rs384, Rs512, Ps256, Ps384, Ps512],
            Self::Ec(Curve::P256, _) => &[Es256],
            Self::Ec(Curve::P384, _) => &[Es384],
            Self::Ed25519(_) => &[EdDsa],
        }
    }

    /// The members that make the key, in alphabetical order (RFC 7638 §3.2, RFC 8037 §2).
    pub(super) fn required_members(&self) -> &'static [&'static str] {
        match self {
            Self::Rsa(_) => &["e", "kty", "n"],
            Self::Ec(..) => &["crv", "kty", "x", "y"],
            Self::Ed25519(_) => &["crv", "kty", "x"],
        }
    }

    /// Parses the key for one of its algorithms.
    pub(super) fn parse(
        &self,
        algorithm: SignatureAlgorithm,
    ) -> Result<(SignatureAlgorithm, ParsedPublicKey), UnusableKey> {
        let parsed = match self {
            Self::Rsa(numbers) => {
                let parameters = rsa_parameters(algorithm).ok_or(UnusableKey::OtherAlgorithm)?;
                numbers.to_parsed_public_key(parameters)
            }
            // Also checks that the point is on the curve (RFC 8725 §3.4).
            Self::Ec(curve, point) => ParsedPublicKey::new(curve.algorithm(), point),
            Self::Ed25519(point) => ParsedPublicKey::new(&ED25519, point),
        };
        let parsed = parsed.map_err(|_| UnusableKey::Numbers)?;
        Ok((algorithm, parsed))
    }
}

impl Curve {
    fn algorithm(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
        }
    }

    fn coordinate_length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }
}

fn rsa_parameters(algorithm: SignatureAlgorithm) -> Option<&'static RsaParameters> {
    use SignatureAlgorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    match algorithm {
        Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Rs384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Rs512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
        Ps384 => Some(&RSA_PSS_2048_8192_SHA384),
        Ps512 => Some(&RSA_PSS_2048_8192_SHA512),
        Es256 | Es384 | EdDsa => None,
    }
}

/// RFC 7518 §6.3.1: both numbers without leading zeros; RFC 7518 §3.3: at least 2048 bits.
fn rsa(jwk: &Map<String, Value>) -> Result<Material, UnusableKey> {
    let (n, e) = (number(jwk, "n")?, number(jwk, "e")?);
    let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) {
        return Err(UnusableKey::Size(bits));
    }
    // With an even exponent or with 1, everybody could sign.
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    if !odd(&n) || !odd(&e) || e.len() > 4 || e == [1] {
        return Err(UnusableKey::Numbers);
    }
    Ok(Material::Rsa(RsaPublicKeyComponents { n, e }))
}

/// RFC 7518 §6.2.1: both coordinates of the curve's full length.
fn ec(jwk: &Map<String, Value>) -> Result<Material, UnusableKey> {
    let curve = match member(jwk, "crv")? {
        "P-256" => Curve::P256,
        "P-384" => Curve::P384,
        _ => return Err(UnusableKey::Curve),
    };
    let mut point = vec![4];
    for name in ["x", "y"] {
        let coordinate = bytes(jwk, name)?;
        if coordinate.len() != curve.coordinate_length() {
            return Err(UnusableKey::Member(name));
        }
        point.extend(coordinate);
    }
    Ok(Material::Ec(curve, point))
}

fn ed25519(jwk: &Map<String, Value>) -> Result<Material, UnusableKey> {
    if member(jwk, "crv")? != "Ed25519" {
        return Err(UnusableKey::Curve);
    }
    let point = bytes(jwk, "x")?;
    if point.len() == 32 {
        Ok(Material::Ed25519(point))
    } else {
        Err(UnusableKey::Member("x"))
    }
}

fn number(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, UnusableKey> {
    let bytes = bytes(jwk, name)?;
    match bytes.first() {
        None | Some(0) => Err(UnusableKey::Member(name)),
        Some(_) => Ok(bytes),
    }
}

fn bytes(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, UnusableKey> {
    let decoded = URL_SAFE_NO_PAD.decode(member(jwk, name)?);
    decoded.map_err(|_| UnusableKey::Member(name))
}

/// A member that must be a text.
pub(super) fn member<'a>(
    jwk: &'a Map<String, Value>,
    name: &'static str,
) -> Result<&'a str, UnusableKey> {
    let text = jwk.get(name).and_then(Value::as_str);
    text.ok_or(UnusableKey::Member(name))
}
