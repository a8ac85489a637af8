//! Nonces of the server (RFC 9449 §9): that a proof was made just now, and not in advance by
//! somebody who had the key for a moment.
//!
//! Nothing is stored. A nonce is the current stretch of time, authenticated with a key that this
//! process made for itself; another process does not know it.

use std::time::{Duration, SystemTime};

use aws_lc_rs::{hmac, rand::SystemRandom};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

/// A nonce is given out for this long, and accepted for as long again.
const STRETCH: Duration = Duration::from_secs(150);

/// Makes nonces, and recognises its own.
pub(super) struct Nonces {
    /// `None` where the operating system gave no random numbers: then no nonce is good.
    key: Option<hmac::Key>,
}

/// A nonce that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// The one that is given out now.
    Current,
    /// The one before; the client is told the current one.
    Previous,
}

impl Nonces {
    pub(super) fn new() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        if key.is_err() {
            tracing::error!("no random numbers for the key of DPoP nonces; no proof is accepted");
        }
        Self { key: key.ok() }
    }

    /// The nonce that is given out now.
    pub(super) fn current(&self, now: SystemTime) -> Option<String> {
        self.nonce(stretch(now)?)
    }

    /// Judges a nonce; `None` is one that is not accepted.
    pub(super) fn judge(&self, nonce: &str, now: SystemTime) -> Option<Age> {
        let stretch = stretch(now)?;
        let is = |stretch| {
            self.nonce(stretch)
                .is_some_and(|own| own.as_bytes().ct_eq(nonce.as_bytes()).into())
        };
        if is(stretch) {
            Some(Age::Current)
        } else if stretch.checked_sub(1).is_some_and(is) {
            Some(Age::Previous)
        } else {
            None
        }
    }

    fn nonce(&self, stretch: u64) -> Option<String> {
        let tag = hmac::sign(self.key.as_ref()?, &stretch.to_be_bytes());
        Some(URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }
}

fn stretch(now: SystemTime) -> Option<u64> {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs() / STRETCH.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(stretch: u64, seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + STRETCH * 1_000 + Duration::from_secs(150 * stretch + seconds)
    }

    #[test]
    fn rfc9449_8_a_nonce_is_good_now_and_a_little_later() {
        let nonces = Nonces::new();
        let given = nonces.current(at(5, 149)).expect("a key");
        #[rustfmt::skip]
        let table = [
            (at(4, 149), None),
            (at(5, 0),   Some(Age::Current)),
            (at(5, 149), Some(Age::Current)),
            (at(6, 0),   Some(Age::Previous)),
            (at(6, 149), Some(Age::Previous)),
            (at(7, 0),   None),
            (at(900, 0), None),
            (SystemTime::UNIX_EPOCH, None),
            (SystemTime::UNIX_EPOCH - STRETCH, None),
        ];
        for (now, expected) in table {
            assert_eq!(nonces.judge(&given, now), expected, "{now:?}");
        }
    }

    #[test]
    fn nobody_else_makes_one() {
        let nonces = Nonces::new();
        let now = at(0, 0);
        let own = nonces.current(now).expect("a key");
        let foreign = Nonces::new().current(now).expect("a key");
        assert_ne!(own, foreign);
        for bad in [
            "",
            foreign.as_str(),
            &own[1..],
            &own[..own.len() - 1],
            &format!("{own}="),
            &own.to_lowercase(),
        ] {
            assert_eq!(nonces.judge(bad, now), None, "{bad}");
        }
    }

    /// RFC 9449 §8.1: a nonce is made of NQCHAR.
    #[test]
    fn rfc9449_8_1_syntax() {
        let nonce = Nonces::new().current(at(0, 0)).expect("a key");
        assert!(
            nonce
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
    }

    #[test]
    fn without_a_key_no_nonce_is_good() {
        let nonces = Nonces { key: None };
        assert_eq!(nonces.current(at(0, 0)), None);
        assert_eq!(nonces.judge("", at(0, 0)), None);
    }
}
