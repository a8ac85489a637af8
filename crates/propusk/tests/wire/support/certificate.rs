//! A certificate that this test made for itself (RFC 5280).

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A key, and a certificate for one name that nobody but it has signed.
pub(crate) struct Certificate {
    der: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    pub(crate) fn of(name: &str) -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random);
        let key = key.expect("a key").as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key);
        let pair = pair.expect("the same key");
        let body = unsigned(name, pair.public_key());
        let signature = pair.sign(&random, &body).expect("a signature");
        let signature = [&[0], signature.as_ref()].concat();
        let der = sequence(&[&body, &ecdsa_with_sha256(), &tagged(0x03, &signature)]);
        Self { der, key }
    }

    pub(crate) fn pem(&self) -> String {
        let text = STANDARD.encode(&self.der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }

    pub(crate) fn key_pem(&self) -> String {
        let text = STANDARD.encode(&self.key);
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }
}

/// RFC 5280 §4.1.2.
fn unsigned(name: &str, key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
    let version = tagged(0xa0, &tagged(0x02, &[2]));
    let common_name = sequence(&[&tagged(0x06, &[0x55, 4, 3]), &tagged(0x0c, b"propusk test")]);
    let who = sequence(&[&tagged(0x31, &common_name)]);
    let times = [b"200101000000Z", b"491231235959Z"].map(|time| tagged(0x17, time));
    // §4.2.1.6: the name that clients compare.
    let names = sequence(&[&tagged(0x82, name.as_bytes())]);
    let extension = sequence(&[&tagged(0x06, &[0x55, 29, 17]), &tagged(0x04, &names)]);
    sequence(&[
        &version,
        &tagged(0x02, &[1]),
        &ecdsa_with_sha256(),
        &who,
        &sequence(&[&times[0], &times[1]]),
        &who,
        key.as_der().expect("the public key").as_ref(),
        &tagged(0xa3, &sequence(&[&extension])),
    ])
}

/// RFC 5758 §3.2.
fn ecdsa_with_sha256() -> Vec<u8> {
    sequence(&[&tagged(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

/// DER: a tag, the length, the content.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut der = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    der.extend_from_slice(content);
    der
}
