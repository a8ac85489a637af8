//! Times in claims (`NumericDate`, RFC 7519 §2).

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::refused::Refused;

/// The last second of the year 9999.
const LATEST: f64 = 253_402_300_799.0;

/// A time claim, where it is there: a number of seconds, whole or not, between 1970 and 9999.
pub(crate) fn numeric_date(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<SystemTime>, Refused> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let since_1970 = match value {
        Value::Number(number) => seconds(number),
        _ => None,
    };
    let time = since_1970.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    time.map(Some).ok_or(Refused::Claim(name))
}

fn seconds(number: &serde_json::Number) -> Option<Duration> {
    let approximate = number.as_f64()?;
    if !(0.0..=LATEST).contains(&approximate) {
        return None;
    }
    match number.as_u64() {
        Some(whole) => Some(Duration::from_secs(whole)),
        None => Duration::try_from_secs_f64(approximate).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::parse_object;

    #[test]
    fn rfc7519_2_numeric_dates() {
        for (json, expected) in [
            ("0", Some(0.0)),
            ("1", Some(1.0)),
            ("1700000000", Some(1_700_000_000.0)),
            ("1700000000.5", Some(1_700_000_000.5)),
            ("1.7e9", Some(1_700_000_000.0)),
            ("253402300799", Some(LATEST)),
            ("253402300800", None),
            ("1e30", None),
            ("10000000000000000000000000000000", None),
            ("18446744073709551615", None),
            ("18446744073709551616", None),
            ("-1", None),
            ("-0.5", None),
            ("-9223372036854775809", None),
            (r#""1700000000""#, None),
            ("null", None),
            ("true", None),
            ("[1700000000]", None),
            ("{}", None),
        ] {
            let claims = parse_object(format!(r#"{{"exp":{json}}}"#).as_bytes()).expect("JSON");
            let parsed = numeric_date(&claims, "exp");
            let parsed = parsed.ok().flatten().map(|time| {
                let since = time.duration_since(SystemTime::UNIX_EPOCH);
                since.expect("after 1970").as_secs_f64()
            });
            assert_eq!(parsed, expected, "{json}");
        }
        assert_eq!(numeric_date(&Map::new(), "exp"), Ok(None));
    }
}
