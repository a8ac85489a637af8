//! The nonces that servers gave (RFC 9449 §8 and §9): the newest of each origin.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use url::{Origin, Url};

/// More servers than one login ever talks to; who comes then is not remembered, and asks again.
const MOST_ORIGINS: usize = 64;

/// The longest nonce in bytes.
const LONGEST: usize = 1024;

#[derive(Default)]
pub(super) struct Nonces(Mutex<HashMap<Origin, String>>);

impl Nonces {
    pub(super) fn of(&self, url: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&origin(url)?).cloned()
    }

    /// Whether it is another one than before.
    pub(super) fn remember(&self, url: &str, nonce: &str) -> bool {
        let Some(origin) = origin(url).filter(|_| is_nonce(nonce)) else {
            return false;
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_ORIGINS && !known.contains_key(&origin) {
            return false;
        }
        known.insert(origin, nonce.to_owned()).as_deref() != Some(nonce)
    }
}

fn origin(url: &str) -> Option<Origin> {
    let origin = Url::parse(url).ok()?.origin();
    origin.is_tuple().then_some(origin)
}

/// RFC 9449 §8.1: one or more NQCHAR.
fn is_nonce(text: &str) -> bool {
    let nqchar = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(nqchar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9449_8_2_the_newest_nonce_of_each_origin() {
        let nonces = Nonces::default();
        assert!(nonces.remember("https://a.example/mcp", "one"));
        assert!(!nonces.remember("https://a.example/other?x", "one"));
        assert_eq!(nonces.of("https://A.example:443/").as_deref(), Some("one"));
        for elsewhere in [
            "http://a.example/",
            "https://b.example/",
            "https://a.example:8/",
            "a",
        ] {
            assert_eq!(nonces.of(elsewhere), None, "{elsewhere}");
        }
        assert!(nonces.remember("https://b.example/", "other"));
        assert!(nonces.remember("https://a.example/mcp", "two"));
        assert_eq!(nonces.of("https://a.example/mcp").as_deref(), Some("two"));
        assert_eq!(nonces.of("https://b.example/mcp").as_deref(), Some("other"));
    }

    #[test]
    fn rfc9449_8_1_syntax() {
        let long = "x".repeat(LONGEST + 1);
        for (text, good) in [
            ("eyJ7S_zG.eyJH0-Z.HX4w-7v", true),
            ("!#[]~", true),
            (&long[1..], true),
            (&long, false),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            ("a\\b", false),
            ("a\r\nb", false),
            ("\u{e9}", false),
        ] {
            let nonces = Nonces::default();
            assert_eq!(
                nonces.remember("https://a.example/", text),
                good,
                "{text:?}"
            );
            assert_eq!(nonces.of("https://a.example/").is_some(), good, "{text:?}");
        }
    }

    #[test]
    fn a_flood_of_servers_is_bounded() {
        let nonces = Nonces::default();
        for port in 1..=1_000 {
            nonces.remember(&format!("https://a.example:{port}/"), "one");
        }
        assert_eq!(nonces.0.lock().expect("not poisoned").len(), MOST_ORIGINS);
        assert!(
            nonces.remember("https://a.example:1/", "two"),
            "known ones go on"
        );
    }
}
