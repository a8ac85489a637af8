//! An inspection on stdout.

use std::time::{Duration, SystemTime};

use propusk::{AccessToken, AuthSettings, Inspection, Operation, Verdict};
use serde_json::{Map, Value, json};

use crate::{
    failure::Failure,
    output::{answer, printable, table},
};

/// The claims that are times (RFC 7519 §4.1, RFC 7662 §2.2).
const TIMES: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];

pub(super) fn inspection(
    inspection: &Inspection,
    settings: &AuthSettings,
    operation: &Operation,
    now: SystemTime,
    as_json: bool,
) -> Result<(), Failure> {
    let (verdict, reason) = verdict(&inspection.explanation.verdict);
    let (decision, why) = match &inspection.decision {
        Ok(_) => ("permitted", String::new()),
        Err(refusal) => ("refused", refusal.to_string()),
    };
    let explanation = &inspection.explanation;
    if as_json {
        let value = json!({
            "verifier": explanation.verifier,
            "verdict": verdict,
            "reason": reason,
            "header": explanation.header,
            "claims": explanation.claims,
            "operation": operation.to_string(),
            "resource": settings.resource().as_str(),
            "decision": decision,
            "refusal": why,
            "clock": date(now),
        });
        return answer(&format!("{value:#}"));
    }
    let mut rows = vec![row("verifier", &explanation.verifier)];
    rows.extend(members("header", &explanation.header, now));
    rows.extend(members("claim", &explanation.claims, now));
    rows.push(row("clock", &format!("{} on this machine", date(now))));
    rows.push(row("verdict", &sentence(verdict, &reason)));
    if let Verdict::Valid(token) = &explanation.verdict {
        rows.extend(facts(token, now));
    }
    rows.push(row("resource", settings.resource().as_str()));
    rows.push(row("operation", &operation.to_string()));
    rows.push(row("decision", &sentence(decision, &why)));
    answer(&table(&rows))
}

/// What a tool will see of the caller.
fn facts(token: &AccessToken, now: SystemTime) -> Vec<Vec<String>> {
    let expiry = token
        .expires_at()
        .map(|time| format!("{} ({})", date(time), distance(time, now)));
    let facts = [
        ("subject", Some(token.subject().to_owned())),
        ("issuer", token.issuer().map(str::to_owned)),
        ("client", token.client_id().map(str::to_owned)),
        ("scopes", Some(token.scopes().to_string())),
        ("audience", Some(token.audience().join(" "))),
        (
            "expires",
            Some(expiry.unwrap_or_else(|| "never".to_owned())),
        ),
        ("token id", token.token_id().map(str::to_owned)),
    ];
    facts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .map(|(name, value)| row(name, &value))
        .collect()
}

fn verdict(verdict: &Verdict) -> (&'static str, String) {
    match verdict {
        Verdict::Valid(_) => ("valid", String::new()),
        Verdict::Invalid(why) => ("not valid", why.clone()),
        Verdict::NotMine(why) => ("not recognised", why.clone()),
        Verdict::Unavailable(why) => ("cannot tell now", why.clone()),
        _ => ("unknown", String::new()),
    }
}

fn sentence(word: &str, why: &str) -> String {
    if why.is_empty() {
        word.to_owned()
    } else {
        format!("{word}: {why}")
    }
}

fn members(kind: &str, members: &Map<String, Value>, now: SystemTime) -> Vec<Vec<String>> {
    let shown = members.iter().map(|(name, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let time = TIMES.contains(&name.as_str());
        let time = value.as_f64().filter(|_| time).and_then(time_of);
        let text = match time {
            Some(time) => format!("{text}  {} ({})", date(time), distance(time, now)),
            None => text,
        };
        row(&format!("{kind} {name}"), &text)
    });
    shown.collect()
}

fn row(name: &str, value: &str) -> Vec<String> {
    // One line each, whatever an issuer writes into a claim.
    let line = |text: &str| printable(text).replace('\n', " ");
    vec![line(name), line(value)]
}

/// A NumericDate (RFC 7519 §2) that the calendar can show.
fn time_of(seconds: f64) -> Option<SystemTime> {
    const YEAR_9999: f64 = 253_402_300_799.0;
    (0.0..=YEAR_9999)
        .contains(&seconds)
        .then(|| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds))
}

fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// `in 2h 3m` or `2h 3m ago`, in the two largest units.
fn distance(time: SystemTime, now: SystemTime) -> String {
    let words = |distance: Duration| {
        let whole = Duration::from_secs(distance.as_secs());
        let text = humantime::format_duration(whole).to_string();
        let units: Vec<_> = text.split(' ').take(2).map(spaced).collect();
        units.join(" ")
    };
    match time.duration_since(now) {
        Ok(ahead) => format!("in {}", words(ahead)),
        Err(passed) => format!("{} ago", words(passed.duration())),
    }
}

/// `3years` is hard to read, `3h` is not.
fn spaced(unit: &str) -> String {
    let digits = unit.trim_start_matches(|c: char| c.is_ascii_digit());
    match digits.len() {
        0..=2 => unit.to_owned(),
        length => format!("{} {digits}", &unit[..unit.len() - length]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_beside_the_clock_and_lines_stay_lines() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let claims = json!({
            "exp": 1_007_380, "nbf": 999_990.5, "iat": "soon", "sub": "a\nverdict  valid\u{1b}[2J",
            "huge": 1e30, "auth_time": 1e30,
        });
        let rows = members("claim", claims.as_object().expect("an object"), now);
        let value = |name: &str| {
            let name = format!("claim {name}");
            let found = rows.iter().find(|row| row[0] == name);
            found.expect("there").get(1).cloned().unwrap_or_default()
        };
        assert_eq!(value("exp"), "1007380  1970-01-12T15:49:40Z (in 2h 3m)");
        assert_eq!(value("nbf"), "999990.5  1970-01-12T13:46:30Z (9s ago)");
        assert_eq!(value("iat"), "soon");
        assert_eq!(value("sub"), "a verdict  valid\u{fffd}[2J");
        assert_eq!(value("auth_time"), "1e+30");
        let years = Duration::from_secs(3 * 365 * 24 * 60 * 60);
        assert_eq!(distance(now + years, now), "in 2 years 11 months");
    }
}
