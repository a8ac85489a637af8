//! What a client's certificate says of it (RFC 5280 §4.1): its subject, and its digest.
//!
//! TLS has verified it by then. Left out: everything else in it.

use std::{fmt::Write, sync::Arc};

use sha2::{Digest, Sha256};

use crate::audit::ClientCertificate;

/// The certificate that a connection was opened with.
pub(in crate::server) fn client_certificate(der: &[u8]) -> Arc<ClientCertificate> {
    let mut sha256 = String::with_capacity(64);
    for byte in Sha256::digest(der) {
        // To write into a text cannot fail.
        let _ = write!(sha256, "{byte:02x}");
    }
    let subject = subject(der).unwrap_or_default();
    Arc::new(ClientCertificate { subject, sha256 })
}

/// The subject in the order of the certificate, such as `O=Example,CN=agent`. `None` where it is not
/// understood.
fn subject(der: &[u8]) -> Option<String> {
    let (SEQUENCE, certificate, _) = element(der)? else {
        return None;
    };
    let (SEQUENCE, mut body, _) = element(certificate)? else {
        return None;
    };
    // version (optional), serialNumber, signature, issuer, validity
    if body.first() == Some(&VERSION) {
        body = element(body)?.2;
    }
    for _ in 0..4 {
        body = element(body)?.2;
    }
    let (SEQUENCE, mut names, _) = element(body)? else {
        return None;
    };
    let mut text = String::new();
    while !names.is_empty() {
        let (SET, mut set, rest) = element(names)? else {
            return None;
        };
        names = rest;
        while !set.is_empty() {
            let (_, attribute, rest) = element(set)?;
            set = rest;
            append(&mut text, attribute)?;
        }
    }
    Some(text)
}

/// `NAME=value`, with what RFC 4514 §2.4 wants escaped.
fn append(text: &mut String, attribute: &[u8]) -> Option<()> {
    let (OBJECT_ID, kind, rest) = element(attribute)? else {
        return None;
    };
    let (_, value, _) = element(rest)?;
    if !text.is_empty() {
        text.push(',');
    }
    match NAMES.iter().find(|(own, _)| *own == kind) {
        Some((_, name)) => text.push_str(name),
        None => text.push('?'),
    }
    text.push('=');
    for c in String::from_utf8_lossy(value).chars() {
        if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
            text.push('\\');
        }
        text.push(c);
    }
    Some(())
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const VERSION: u8 = 0xa0;

/// RFC 4514 §3, and the mail address of RFC 2985.
const NAMES: [(&[u8], &str); 9] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 6], "C"),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25],
        "DC",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1],
        "UID",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1],
        "emailAddress",
    ),
];

/// The first element of DER: its tag, its content, and what comes behind it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // No certificate is longer than four bytes can say.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            let length = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of O=Example, Inc and CN=agent, in a certificate without anything else.
    fn certificate() -> Vec<u8> {
        let wrap = |tag: u8, parts: &[&[u8]]| {
            let content = parts.concat();
            [&[tag, content.len() as u8], &content[..]].concat()
        };
        let name = |id: &[u8], value: &[u8]| {
            let pair = wrap(SEQUENCE, &[&wrap(OBJECT_ID, &[id]), &wrap(0x0c, &[value])]);
            wrap(SET, &[&pair])
        };
        let subject = wrap(
            SEQUENCE,
            &[
                &name(&[0x55, 4, 10], b"Example, Inc"),
                &name(&[0x55, 4, 3], b"agent"),
            ],
        );
        let empty = wrap(SEQUENCE, &[]);
        let serial = wrap(0x02, &[&[1]]);
        let version = wrap(VERSION, &[&wrap(0x02, &[&[2]])]);
        let body = [&version, &serial, &empty, &empty, &empty, &subject];
        let body = wrap(SEQUENCE, &body.map(|part| &part[..]));
        wrap(SEQUENCE, &[&body, &empty])
    }

    #[test]
    fn the_subject_is_read_in_its_order_and_escaped() {
        let read = client_certificate(&certificate());
        assert_eq!(read.subject, "O=Example\\, Inc,CN=agent");
        assert_eq!(read.sha256.len(), 64);
    }

    /// Whatever comes, it comes from outside.
    #[test]
    fn what_is_cut_short_or_changed_has_no_subject_and_no_panic() {
        let whole = certificate();
        for end in 0..whole.len() {
            assert_eq!(subject(&whole[..end]), None, "{end}");
        }
        for index in 0..whole.len() {
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = whole.clone();
                changed[index] = byte;
                let _ = subject(&changed);
            }
        }
    }
}
