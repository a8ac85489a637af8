//! The text of an issued token: `propusk_<id>_<secret><checksum>`.

use zeroize::Zeroizing;

use crate::{
    NewSecret, TokenId,
    base62::{is_base62, push_number, push_random},
};

const PREFIX: &str = "propusk_";
/// 62⁴³ is a little more than 2²⁵⁶.
const SECRET_LENGTH: usize = 43;
/// 62⁶ is more than 2³².
const CHECKSUM_LENGTH: usize = 6;
const LENGTH: usize = PREFIX.len() + TokenId::LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH;

/// Tells whether a text has the form of a token that a store issued, and its id.
///
/// The form is `propusk_<id>_<secret><checksum>`, found by the regular expression
/// `propusk_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}`. The checksum is the CRC-32 (IEEE) of everything
/// before it, as six base-62 digits (`0-9A-Za-z`, highest first). It is no protection, anyone can
/// compute it; it tells a typing slip from a forgery, without a store.
///
/// # Errors
/// [`TokenFormatError`] says which of it fails, without repeating the text.
pub fn check_format(text: &str) -> Result<TokenId, TokenFormatError> {
    let rest = text.strip_prefix(PREFIX).ok_or(TokenFormatError::NotOurs)?;
    let (id, secret) = rest.split_once('_').ok_or(TokenFormatError::Malformed)?;
    let id = TokenId::parse(id).map_err(|_| TokenFormatError::Malformed)?;
    if secret.len() != SECRET_LENGTH + CHECKSUM_LENGTH || !is_base62(secret) {
        return Err(TokenFormatError::Malformed);
    }
    let (content, checksum) = text.split_at(LENGTH - CHECKSUM_LENGTH);
    let mut expected = String::with_capacity(CHECKSUM_LENGTH);
    push_checksum(&mut expected, content);
    if expected == checksum {
        Ok(id)
    } else {
        Err(TokenFormatError::BadChecksum)
    }
}

/// Draws a new token.
pub(crate) fn generate() -> Result<(TokenId, NewSecret), getrandom::Error> {
    // With its whole capacity from the start, so that no outgrown copy of the secret stays behind.
    let mut text = Zeroizing::new(String::with_capacity(LENGTH));
    text.push_str(PREFIX);
    push_random(&mut text, TokenId::LENGTH)?;
    let id = TokenId::parse(&text[PREFIX.len()..]).map_err(|_| getrandom::Error::UNEXPECTED)?;
    text.push('_');
    push_random(&mut text, SECRET_LENGTH)?;
    let mut checksum = String::with_capacity(CHECKSUM_LENGTH);
    push_checksum(&mut checksum, &text);
    text.push_str(&checksum);
    Ok((id, NewSecret::new(text)))
}

fn push_checksum(text: &mut String, content: &str) {
    push_number(
        text,
        crc32fast::hash(content.as_bytes()),
        CHECKSUM_LENGTH as u32,
    );
}

/// Why a text is not a token that a store issued. It never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFormatError {
    /// It does not begin with `propusk_`: it comes from somewhere else.
    #[error("this token was not issued by propusk: it does not begin with `propusk_`")]
    NotOurs,
    /// It has another length, or a character that does not belong there.
    #[error(
        "this is not a whole propusk token: it has {LENGTH} characters, letters and digits after `propusk_<id>_`; was a part lost in copying?"
    )]
    Malformed,
    /// The checksum does not fit.
    #[error("the checksum of this token does not fit: a character was changed in copying")]
    BadChecksum,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789AB";
    const SECRET: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
    /// CRC-32 of the 64 characters before it, computed with Python's `zlib.crc32`.
    const CHECKSUM: &str = "3mog9f";

    fn token(id: &str, secret: &str, checksum: &str) -> String {
        format!("propusk_{id}_{secret}{checksum}")
    }

    #[test]
    fn formats() {
        use TokenFormatError::{BadChecksum, Malformed, NotOurs};
        let id = TokenId::parse(ID).expect("an id");
        let good = token(ID, SECRET, CHECKSUM);
        let swapped = good.replace("89ab", "8a9b");
        let non_ascii = good.replace("89abc", "8é9b");
        for (text, expected) in [
            (good.as_str(), Ok(id)),
            ("", Err(NotOurs)),
            ("propusk", Err(NotOurs)),
            ("Propusk_0123456789AB_", Err(NotOurs)),
            ("eyJhbGciOiJub25lIn0.e30.", Err(NotOurs)),
            (&good[1..], Err(NotOurs)),
            (&format!(" {good}"), Err(NotOurs)),
            ("propusk_", Err(Malformed)),
            ("propusk_0123456789AB_", Err(Malformed)),
            (&good[..69], Err(Malformed)),
            (&format!("{good}0"), Err(Malformed)),
            (&format!("{good}\n"), Err(Malformed)),
            (&good.replace("AB_", "A_B"), Err(Malformed)),
            (&good.replace('z', "-"), Err(Malformed)),
            (&non_ascii, Err(Malformed)),
            (&swapped, Err(BadChecksum)),
            (&good.replacen("AB", "AC", 1), Err(BadChecksum)),
            (&token(ID, SECRET, "000000"), Err(BadChecksum)),
        ] {
            assert_eq!(check_format(text), expected, "{text:?}");
        }
    }

    #[test]
    fn each_single_changed_character_is_noticed() {
        let good = token(ID, SECRET, CHECKSUM);
        for position in 0..good.len() {
            let mut changed = good.clone().into_bytes();
            changed[position] = if changed[position] == b'0' {
                b'1'
            } else {
                b'0'
            };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(check_format(&changed).is_err(), "{changed}");
        }
    }

    #[test]
    fn a_generated_token_has_the_documented_form() {
        let (id, secret) = generate().expect("the operating system has a generator");
        assert_eq!(secret.expose_secret().len(), LENGTH);
        assert_eq!(check_format(secret.expose_secret()), Ok(id));
        assert_eq!(LENGTH, 70, "the README says so");
    }

    #[test]
    fn the_errors_do_not_repeat_the_text() {
        for error in [
            TokenFormatError::NotOurs,
            TokenFormatError::Malformed,
            TokenFormatError::BadChecksum,
        ] {
            assert!(!format!("{error} {error:?}").contains(SECRET));
        }
    }
}
