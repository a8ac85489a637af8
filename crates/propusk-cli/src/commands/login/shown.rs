//! A login on stdout, without its secrets.

use std::time::SystemTime;

use propusk::client::Login;
use serde_json::{Value, json};

use crate::{
    commands::refusal::claims::Claims,
    failure::Failure,
    output::{answer, date, json as pretty, table, visible},
};

/// Prints one login after it was made.
pub(super) fn print_one(login: &Login, as_json: bool) -> Result<(), Failure> {
    match as_json {
        true => answer(&pretty(&as_value(login))?),
        false => Ok(()),
    }
}

/// Prints logins as a table, or as a list in JSON.
pub(in crate::commands) fn print_all(logins: &[Login], as_json: bool) -> Result<(), Failure> {
    if as_json {
        let list: Vec<Value> = logins.iter().map(as_value).collect();
        return answer(&pretty(&list)?);
    }
    let head = ["SERVER", "WHO", "ISSUER", "SCOPES", "UNTIL"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(logins.iter().map(row));
    answer(&table(&rows))
}

/// Whether it is of use, or can be made so without a human.
pub(in crate::commands) fn is_alive(login: &Login) -> bool {
    login.has_refresh_token() || !has_ended(login)
}

fn has_ended(login: &Login) -> bool {
    let end = login.expires_at();
    end.is_some_and(|end| end <= SystemTime::now())
}

fn row(login: &Login) -> Vec<String> {
    let key = login.key();
    let scopes = login.scopes().to_string();
    vec![
        visible(&key.server),
        visible(&who(login)),
        visible(&key.issuer),
        if scopes.is_empty() {
            "-".to_owned()
        } else {
            scopes
        },
        until(login),
    ]
}

/// The name of the login, and whom its token names. Nobody has checked the latter.
fn who(login: &Login) -> String {
    let subject = Claims::of(login.access_token()).and_then(|claims| claims.subject);
    match (login.key().account.clone(), subject) {
        (Some(account), Some(subject)) => format!("{account} ({subject})"),
        (Some(name), None) | (None, Some(name)) => name,
        (None, None) => "-".to_owned(),
    }
}

fn until(login: &Login) -> String {
    let renewed = login.has_refresh_token();
    match login.expires_at() {
        None if renewed => "revoked or signed out".to_owned(),
        None => "not known".to_owned(),
        Some(_) if renewed => "renewed by itself".to_owned(),
        Some(end) if has_ended(login) => format!("ended {}", date(end)),
        Some(end) => date(end),
    }
}

fn as_value(login: &Login) -> Value {
    let key = login.key();
    let subject = Claims::of(login.access_token()).and_then(|claims| claims.subject);
    json!({
        "server": key.server,
        "resource": key.resource,
        "issuer": key.issuer,
        "client_id": key.client_id,
        "account": key.account,
        "subject": subject,
        "scopes": login.scopes().iter().map(propusk::Scope::as_str).collect::<Vec<_>>(),
        "obtained_at": date(login.obtained_at()),
        "expires_at": login.expires_at().map(date),
        "renewable": login.has_refresh_token(),
        "bound_to_key": login.is_bound_to_key(),
        "signed_in": is_alive(login),
    })
}
