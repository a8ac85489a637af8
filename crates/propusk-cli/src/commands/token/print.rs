//! Tokens on stdout.

use std::time::SystemTime;

use propusk_store::{IssuedToken, TokenRecord};
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    output::{answer, date, note, printable, table},
};

/// The token alone, for `$(…)`; what a human wants to know goes to stderr.
pub(super) fn issued(issued: &IssuedToken, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let mut value = with_status(&issued.record);
        value["token"] = json!(issued.token.expose_secret());
        return answer(&format!("{value:#}"));
    }
    let end = issued.record.expires_at;
    let until = end.map_or("never expires".to_owned(), |end| {
        format!("expires {}", date(end))
    });
    let subject = printable(&issued.record.subject);
    note(&format!(
        "issued {} for {subject} ({until}); it is shown only this once",
        issued.record.id
    ));
    answer(issued.token.expose_secret())
}

pub(super) fn list(records: &[TokenRecord], as_json: bool) -> Result<(), Failure> {
    if as_json {
        let list: Vec<Value> = records.iter().map(with_status).collect();
        return answer(&format!("{:#}", Value::Array(list)));
    }
    if records.is_empty() {
        note("there are no tokens; issue one with: propusk token issue --subject NAME");
        return Ok(());
    }
    let head = [
        "ID",
        "STATUS",
        "SUBJECT",
        "CLIENT",
        "SCOPES",
        "NAME",
        "EXPIRES",
        "LAST USED",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(records.iter().map(row));
    answer(&table(&rows))
}

fn row(record: &TokenRecord) -> Vec<String> {
    let text = |text: &Option<String>| printable(text.as_deref().unwrap_or("-"));
    let scopes = record.scopes.to_string();
    vec![
        record.id.to_string(),
        record.status(SystemTime::now()).to_string(),
        printable(&record.subject),
        text(&record.client_id),
        if scopes.is_empty() {
            "-".to_owned()
        } else {
            scopes
        },
        text(&record.name),
        record.expires_at.map_or("never".to_owned(), date),
        record.last_used_at.map_or("-".to_owned(), date),
    ]
}

pub(super) fn record(record: &TokenRecord, as_json: bool) -> Result<(), Failure> {
    let value = with_status(record);
    if as_json {
        return answer(&format!("{value:#}"));
    }
    let fields = value.as_object().into_iter().flatten();
    let rows: Vec<Vec<String>> = fields
        .map(|(key, value)| vec![key.clone(), printable(&plain(value))])
        .filter(|row| !row[1].is_empty())
        .collect();
    answer(&table(&rows))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// A record with its status; the record itself has no secret.
fn with_status(record: &TokenRecord) -> Value {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    value["status"] = json!(record.status(SystemTime::now()).to_string());
    value
}
