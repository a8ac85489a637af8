//! `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.

use std::time::{Duration, SystemTime};

/// How long that is from now; a date that has passed is zero. `None` for what is neither.
pub(super) fn parse(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a very long time.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_10_2_3_seconds_or_a_date() {
        let date = "Fri, 31 Dec 1999 23:59:59 GMT";
        let then = httpdate::parse_http_date(date).expect("a date");
        let before = then - Duration::from_secs(90);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (text, expected) in [
            ("0", seconds(0)),
            ("120", seconds(120)),
            (" 7 ", seconds(7)),
            ("99999999999999999999999", seconds(u64::MAX)),
            (date, seconds(90)),
            ("Friday, 31-Dec-99 23:59:59 GMT", seconds(90)),
            ("Fri Dec 31 23:59:59 1999", seconds(90)),
            ("Fri, 31 Dec 1999 23:58:00 GMT", seconds(0)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("soon", None),
            ("1 s", None),
            ("1999-12-31T23:59:59Z", None),
        ] {
            assert_eq!(parse(text, before), expected, "{text:?}");
        }
    }
}
