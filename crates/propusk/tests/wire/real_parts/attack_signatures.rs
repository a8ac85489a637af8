//! Attacks on the signature and on the form: nothing but what the provider signed, as it signed it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::attacks::{Attack, Forge};

pub(super) async fn all(forge: &Forge, good: &str) -> Vec<Attack> {
    let mut attacks = forms(good);
    for key in ["provider:RS256", "provider:ES256", "provider:EdDSA"] {
        let token = forge
            .signed_by(key, json!({}), forge.claims(&json!({})))
            .await;
        let mallory = forge.claims(&json!({"sub": "mallory"}));
        let other = forge.signed_by("attacker", json!({}), mallory).await;
        attacks.extend(signatures(key, &token));
        attacks.extend(exchanged(key, &token, &other));
    }
    attacks
}

/// Zero, truncated and re-encoded signatures, among them that of CVE-2022-21449.
fn signatures(key: &str, token: &str) -> Vec<Attack> {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let good = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let half = good.len() / 2;
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let bad = [
        ("zeros", vec![0; good.len()]),
        ("ones", vec![0xff; good.len()]),
        ("one zero", vec![0]),
        ("truncated by one", good[..good.len() - 1].to_vec()),
        ("half", good[..half].to_vec()),
        ("one more", [&good[..], &[0]].concat()),
        ("one more before", [&[0], &good[..]].concat()),
        ("twice", [&good[..], &good].concat()),
        ("halves exchanged", [&good[half..], &good[..half]].concat()),
        (
            "first half zero",
            [&vec![0; half][..], &good[half..]].concat(),
        ),
        (
            "second half zero",
            [&good[..half], &vec![0; good.len() - half]].concat(),
        ),
        ("DER", der(&good)),
        ("first bit", flipped(0)),
        ("last bit", flipped(good.len() - 1)),
    ];
    let bad = bad.into_iter().map(|(what, bytes)| {
        let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(bytes));
        (format!("{key}: {what}"), token)
    });
    bad.collect()
}

/// The two integers of an ECDSA signature as ASN.1 has them.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let mut body = bytes.to_vec();
        if body[0] >= 0x80 {
            body.insert(0, 0);
        }
        [&[2, body.len() as u8][..], &body].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let body = [integer(r), integer(s)].concat();
    [&[0x30, body.len() as u8][..], &body].concat()
}

/// Parts of two tokens put together.
fn exchanged(key: &str, token: &str, other: &str) -> Vec<Attack> {
    let parts = |token: &str| -> Vec<String> { token.split('.').map(str::to_owned).collect() };
    let (ours, theirs) = (parts(token), parts(other));
    let made = [
        [&ours[0], &theirs[1], &ours[2]],
        [&ours[0], &ours[1], &theirs[2]],
        [&theirs[0], &ours[1], &ours[2]],
        [&theirs[0], &theirs[1], &ours[2]],
        [&ours[1], &ours[0], &ours[2]],
    ];
    let made = made.into_iter().enumerate().map(|(number, parts)| {
        let parts = parts.map(String::as_str);
        (format!("{key}: parts exchanged, {number}"), parts.join("."))
    });
    made.collect()
}

/// One token has one spelling (RFC 7515 §2, §7.1).
fn forms(good: &str) -> Vec<Attack> {
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    let made = [
        ("padded", format!("{good}=")),
        ("padded twice", format!("{good}==")),
        ("empty signature", format!("{input}.")),
        ("no signature", input.to_owned()),
        ("no header", format!(".{payload}.{signature}")),
        ("no payload", format!("{header}..{signature}")),
        ("a fourth part", format!("{good}.")),
        (
            "five parts",
            format!("{header}.AAAA.{payload}.AAAA.{signature}"),
        ),
        (
            "five parts, a key within",
            format!("{header}..{payload}..{signature}"),
        ),
        ("a leading dot", format!(".{good}")),
        ("a doubled dot", good.replacen('.', "..", 1)),
        ("twice", format!("{good}.{good}")),
        ("dots alone", "..".to_owned()),
        ("the signature alone", signature.to_owned()),
        (
            "the standard alphabet",
            format!("{header}.{payload}+/.{signature}"),
        ),
        ("trailing bits", trailing_bits(good)),
        ("one letter less", good[1..].to_owned()),
        ("upper case", good.to_uppercase()),
        ("a path", format!("../{good}")),
    ];
    made.into_iter()
        .map(|(what, token)| (format!("form: {what}"), token))
        .collect()
}

/// The same bytes, written with other unused bits at the end: 256 bytes leave four of them.
fn trailing_bits(token: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let at = ALPHABET
        .iter()
        .position(|letter| *letter == last.as_bytes()[0]);
    let other = ALPHABET[at.expect("base64url") ^ 1];
    format!("{rest}{}", char::from(other))
}
