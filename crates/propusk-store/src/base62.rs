//! Base 62 (`0-9A-Za-z`): random texts and numbers that a double click selects whole.

use zeroize::Zeroizing;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether there is nothing but base-62 digits in it.
pub(crate) fn is_base62(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Appends `count` digits, each of the 62 with the same probability, from the generator of the
/// operating system.
pub(crate) fn push_random(text: &mut String, count: usize) -> Result<(), getrandom::Error> {
    let end = text.len() + count;
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while text.len() < end {
        getrandom::fill(bytes.as_mut_slice())?;
        for byte in bytes.iter().filter_map(|b| digit_of_random_byte(*b)) {
            if text.len() < end {
                text.push(byte);
            }
        }
    }
    Ok(())
}

/// Appends a number with leading zeros.
pub(crate) fn push_number(text: &mut String, number: u32, digits: u32) {
    for position in (0..digits).rev() {
        let digit = u64::from(number) / 62_u64.pow(position) % 62;
        text.push(char::from(DIGITS[digit as usize]));
    }
}

/// Bytes from 248 = 4 × 62 are thrown away: with them the first eight digits would come up more
/// often than the others.
fn digit_of_random_byte(byte: u8) -> Option<char> {
    (byte < 248).then(|| char::from(DIGITS[usize::from(byte % 62)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (number, expected) in [
            (0, "000000"),
            (1, "000001"),
            (61, "00000z"),
            (62, "000010"),
            (u32::MAX, "04gfFC3"),
        ] {
            let mut text = String::new();
            push_number(&mut text, number, expected.len() as u32);
            assert_eq!(text, expected, "{number}");
        }
    }

    #[test]
    fn each_digit_has_four_bytes() {
        let mut count = [0; 128];
        for digit in (0..=u8::MAX).filter_map(digit_of_random_byte) {
            count[digit as usize] += 1;
        }
        for (byte, count) in count.iter().enumerate() {
            let expected = if (byte as u8).is_ascii_alphanumeric() {
                4
            } else {
                0
            };
            assert_eq!(*count, expected, "{byte}");
        }
    }

    #[test]
    fn random_texts_have_the_length_asked_for_and_differ() {
        let mut texts = std::collections::HashSet::new();
        for _ in 0..1000 {
            let mut text = String::from("_");
            push_random(&mut text, 43).expect("the operating system has a generator");
            assert_eq!(text.len(), 44);
            assert!(is_base62(&text[1..]), "{text}");
            texts.insert(text);
        }
        assert_eq!(texts.len(), 1000);
    }
}
