//! What can be told of an answer from its two ends, where the whole cannot be read.

/// The number of the request that an answer belongs to which was not read as JSON, from its two ends:
/// `id` stands before the result or after it.
pub(super) fn answered_in(head: &[u8], tail: &[u8]) -> Option<u64> {
    let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
    // Servers print all sorts of JSON, and ask with ids of their own.
    if !head.contains(r#""jsonrpc""#) && !tail.contains(r#""jsonrpc""#) {
        return None;
    }
    let begins = [r#""result""#, r#""error""#].map(|name| head.find(name));
    let begins = begins.into_iter().flatten().min();
    let front = &head[..begins.unwrap_or(head.len())];
    if front.contains(r#""method""#) {
        return None;
    }
    let after = tail.rsplit('}').nth(1);
    number_in(front).or_else(|| number_in(after?))
}

fn number_in(text: &str) -> Option<u64> {
    let (_, after) = text.rsplit_once(r#""id""#)?;
    let value = after.trim_start().strip_prefix(':')?.trim_start();
    let digits = value.strip_prefix('"').unwrap_or(value);
    let end = digits.find(|sign: char| !sign.is_ascii_digit());
    digits[..end.unwrap_or(digits.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::answered_in;

    #[test]
    fn the_number_stands_at_either_end() {
        let ends = [
            (
                r#"{"jsonrpc":"2.0","id":7,"result":{"a":"aaa"#,
                r#"aaaa"}}"#,
                Some(7),
            ),
            (
                r#"{"result":{"a":"aaa"#,
                r#"aaaa"},"jsonrpc":"2.0","id":12}"#,
                Some(12),
            ),
            (
                r#"{"jsonrpc":"2.0","result":{"a":"aaa"#,
                r#"aaaa","id":12}}"#,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","result":{"id":3,"aaa"#,
                r#"aaaa"}}"#,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","id":"7","result":{"a":"aaa"#,
                r#"aaaa"}}"#,
                Some(7),
            ),
            (
                r#"{"jsonrpc":"2.0","error":{"id":3,"aaa"#,
                r#"aaaa"}, "id" : 8}"#,
                Some(8),
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"aaa"#,
                r#"aaaa"}"#,
                None,
            ),
            (r#"{"id":7,"aaa"#, r#"aaaa"}"#, None),
            ("aaaa", "aaaa", None),
        ];
        for (head, tail, number) in ends {
            assert_eq!(
                answered_in(head.as_bytes(), tail.as_bytes()),
                number,
                "{head}…{tail}"
            );
        }
    }
}
