//! An inspection on stdout.

use std::time::{Duration, SystemTime};

use propusk::{AccessToken, Inspection, Refusal, Scope, ScopeSet, Verdict, audit::Cause};
use serde_json::{Map, Value, json};

use crate::{
    failure::Failure,
    output::{answer, table, visible, visible_json},
};

/// The claims that are times (RFC 7519 §4.1, RFC 7662 §2.2).
const TIMES: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];

/// An inspection, with what it was about.
pub(super) struct Inspected<'a> {
    pub(super) inspection: Inspection,
    pub(super) resource: &'a str,
    pub(super) operation: String,
    pub(super) notes: Vec<String>,
    pub(super) now: SystemTime,
}

impl Inspected<'_> {
    /// Prints it for a human.
    pub(super) fn print(&self) -> Result<(), Failure> {
        let (explanation, now) = (&self.inspection.explanation, self.now);
        let (verdict, why) = verdict(&explanation.verdict);
        let mut rows = vec![row("verifier", &explanation.verifier)];
        rows.extend(members("header", &explanation.header, now));
        rows.extend(members("claim", &explanation.claims, now));
        rows.push(row("clock", &format!("{} on this machine", date(now))));
        rows.push(row("verdict", &sentence(verdict, why)));
        if let Verdict::Valid(token) = &explanation.verdict {
            rows.extend(facts(token, now));
        }
        rows.push(row("resource", self.resource));
        rows.push(row("operation", &self.operation));
        rows.extend(self.notes.iter().map(|note| row("note", note)));
        rows.extend(self.scopes());
        rows.push(row("decision", &self.decision_in_words()));
        answer(&table(&rows))
    }

    /// The scopes that would do, where the refusal does not name them itself.
    fn scopes(&self) -> Option<Vec<String>> {
        let (_, reason, _) = self.decision();
        let (needed, missing) = (self.inspection.needed.as_ref()?, &self.inspection.missing);
        match reason {
            "no_token" if !needed.is_empty() => Some(row("needs", &needed.to_string())),
            "insufficient_scope" if needed != missing => Some(row("lacks", &missing.to_string())),
            _ => None,
        }
    }

    /// Prints it for a program; docs/cli.md lists the members, which are always there.
    pub(super) fn print_json(&self) -> Result<(), Failure> {
        let inspection = &self.inspection;
        let explanation = &inspection.explanation;
        let (verdict, why) = verdict(&explanation.verdict);
        let token = match &explanation.verdict {
            Verdict::Valid(token) => Some(token),
            _ => None,
        };
        let (decision, reason, refusal) = self.decision();
        let value = json!({
            "verifier": explanation.verifier,
            "verdict": verdict,
            "explanation": why,
            "header": explanation.header,
            "claims": explanation.claims,
            "issuer": token.and_then(AccessToken::issuer),
            "subject": token.map(AccessToken::subject),
            "client_id": token.and_then(AccessToken::client_id),
            "token_id": token.and_then(AccessToken::token_id),
            "scopes": token.map(|token| list(token.scopes())).unwrap_or_default(),
            "audience": token.map(AccessToken::audience).unwrap_or_default(),
            "expires_at": token.and_then(AccessToken::expires_at).map(date),
            "resource": self.resource,
            "operation": self.operation,
            "notes": self.notes,
            "decision": decision,
            "reason": reason,
            "fault": inspection.fault.as_ref().map(word),
            "refusal": refusal.map(ToString::to_string),
            "needed": inspection.needed.as_ref().map(list).unwrap_or_default(),
            "missing": list(&inspection.missing),
            "clock": date(self.now),
        });
        answer(&visible_json(&format!("{value:#}")))
    }

    /// What becomes of the request, the word that the audit log has for it, and what is held against
    /// the token.
    fn decision(&self) -> (&'static str, &'static str, Option<&Refusal>) {
        let fault = self.inspection.fault.as_ref();
        match &self.inspection.decision {
            Err(refusal) => ("refused", word(refusal), Some(refusal)),
            Ok(permit) if permit.caller().is_some() => ("permitted", Cause::AUTHORIZED, None),
            Ok(_) => ("anonymous", Cause::ANONYMOUS, fault),
        }
    }

    fn decision_in_words(&self) -> String {
        let (decision, _, refusal) = self.decision();
        let why = refusal.map(ToString::to_string).unwrap_or_default();
        match (decision, &self.inspection.fault) {
            ("anonymous", _) => format!("goes on anonymously, without the token: {why}"),
            ("refused", Some(fault)) if Some(fault.reason()) != refusal.map(Refusal::reason) => {
                format!("refused: {why} The token does not count: {fault}")
            }
            ("refused", _) => format!("refused: {why}"),
            _ => decision.to_owned(),
        }
    }
}

/// The word of the audit log for a refusal.
fn word(refusal: &Refusal) -> &'static str {
    Cause::from(refusal.clone()).as_str()
}

fn list(scopes: &ScopeSet) -> Vec<&str> {
    scopes.iter().map(Scope::as_str).collect()
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

fn verdict(verdict: &Verdict) -> (&'static str, Option<&str>) {
    match verdict {
        Verdict::Valid(_) => ("valid", None),
        Verdict::Invalid(why) => ("not valid", Some(why)),
        Verdict::NotMine(why) => ("not recognised", Some(why)),
        Verdict::Unavailable(why) => ("cannot tell now", Some(why)),
        _ => ("unknown", None),
    }
}

fn sentence(word: &str, why: Option<&str>) -> String {
    match why {
        None | Some("") => word.to_owned(),
        Some(why) => format!("{word}: {why}"),
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
    vec![visible(name), visible(value)]
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
        assert_eq!(value("sub"), "a\\nverdict  valid\\u{1b}[2J");
        assert_eq!(value("auth_time"), "1e+30");
        let years = Duration::from_secs(3 * 365 * 24 * 60 * 60);
        assert_eq!(distance(now + years, now), "in 2 years 11 months");
    }
}
