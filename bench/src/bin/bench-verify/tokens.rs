//! An issuer with a key made for this run, and its tokens.

use std::{
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, bail};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use propusk::{JwtVerifier, TokenVerifier};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://login.example.com/realms/main";
pub(crate) const RESOURCE: &str = "https://mcp.example.com/mcp";
const KEY_ID: &str = "2024-11-signing-key-1";

/// A private key.
pub(crate) enum Signer {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl Signer {
    pub(crate) const ALL: [&'static str; 3] = ["ES256", "RS256", "EdDSA"];

    /// A new key, of 2048 bits for RS256.
    pub(crate) fn generate(algorithm: &str) -> anyhow::Result<Self> {
        Ok(match algorithm {
            "ES256" => Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            "RS256" => Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048)?),
            "EdDSA" => Self::EdDsa(Ed25519KeyPair::generate()?),
            _ => bail!("{algorithm} is not measured"),
        })
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::Rs256(_) => "RS256",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    /// The public key as the crypto library has it, parsed.
    pub(crate) fn parsed_public_key(&self) -> anyhow::Result<ParsedPublicKey> {
        Ok(match self {
            Self::Es256(pair) => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref())?
            }
            Self::Rs256(pair) => {
                ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())?
            }
            Self::EdDsa(pair) => ParsedPublicKey::new(&ED25519, pair.public_key().as_ref())?,
        })
    }

    /// A verifier of this issuer's tokens, with its keys given.
    pub(crate) fn verifier(&self) -> anyhow::Result<JwtVerifier> {
        let mut jwk = self.jwk();
        jwk["kid"] = KEY_ID.into();
        jwk["alg"] = self.algorithm().into();
        let keys = json!({"keys": [jwk]}).to_string();
        Ok(JwtVerifier::from_keys(ISSUER, RESOURCE, &keys)?)
    }

    fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)})
            }
            Self::Rs256(pair) => {
                // RFC 8017 A.1.1 in DER: a sequence of 2048 bits behind a zero, and of 65537.
                let modulus = &pair.public_key().as_ref()[9..][..256];
                json!({"kty": "RSA", "n": text(modulus), "e": "AQAB"})
            }
            Self::EdDsa(pair) => {
                let x = text(pair.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "x": x})
            }
        }
    }

    fn sign(&self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let random = SystemRandom::new();
        Ok(match self {
            Self::Es256(pair) => pair.sign(&random, message)?.as_ref().to_vec(),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                signature
            }
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
        })
    }

    /// So many different tokens with the claims of RFC 9068 and a few of an identity provider, each
    /// of about so many bytes (with 0: as short as these claims are).
    pub(crate) fn tokens(&self, count: u64, length: usize) -> anyhow::Result<Vec<Token>> {
        let shortest = self.token(0, 0)?.text.len();
        // Base64 makes four characters of three bytes.
        let padding = length.saturating_sub(shortest) * 3 / 4;
        (0..count)
            .map(|number| self.token(number, padding))
            .collect()
    }

    fn token(&self, number: u64, padding: usize) -> anyhow::Result<Token> {
        let header = json!({"alg": self.algorithm(), "kid": KEY_ID, "typ": "at+jwt"});
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let now = since_1970.as_secs();
        let mut claims = json!({
            "iss": ISSUER,
            "sub": format!("248289761001-{number:06}"),
            "aud": RESOURCE,
            "exp": now + 24 * 3600,
            "iat": now,
            "jti": format!("5c1e7f7a-9d5b-4b0e-8f4e-{number:012}"),
            "client_id": "s6BhdRkqt3",
            "scope": "openid notes:read notes:write",
        });
        if padding > 0 {
            // As groups and roles are: a list of short texts.
            let groups = padding.saturating_sub(13) / 12;
            let group = |index: usize| format!("group-{index:03}");
            claims["groups"] = (0..groups.max(1)).map(group).collect();
        }
        let text = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let input = format!("{}.{}", text(&header), text(&claims));
        let signature = self.sign(input.as_bytes())?;
        let text = format!("{input}.{}", URL_SAFE_NO_PAD.encode(&signature));
        Ok(Token {
            text,
            signed: input.len(),
            signature,
        })
    }
}

/// A token, also as the crypto library wants it.
pub(crate) struct Token {
    pub(crate) text: String,
    signed: usize,
    pub(crate) signature: Vec<u8>,
}

impl Token {
    pub(crate) fn signing_input(&self) -> &[u8] {
        &self.text.as_bytes()[..self.signed]
    }
}

/// The answer of a verifier that has nothing to wait for, which must be "valid".
pub(crate) fn accept_at_once(verifier: &impl TokenVerifier, token: &str) -> anyhow::Result<()> {
    let mut verifying = std::pin::pin!(verifier.verify_token(token));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(answer) = verifying.as_mut().poll(&mut context) else {
        bail!("the verifier waits");
    };
    accepted(answer)
}

/// An answer, which must be "valid".
pub(crate) fn accepted(
    answer: Result<Option<propusk::AccessToken>, propusk::Unavailable>,
) -> anyhow::Result<()> {
    let token = answer.map_err(|unavailable| anyhow::anyhow!("{}", unavailable.cause()))?;
    std::hint::black_box(token.context("the token is not valid")?);
    Ok(())
}

/// Longer than any measurement, so that nothing is verified anew meanwhile.
pub(crate) const LONG: Duration = Duration::from_secs(3600);
