//! `propusk token`.

use std::{process::ExitCode, time::SystemTime};

use propusk::{ResourceUrl, ScopeSet};
use propusk_store::{IssuedToken, NewToken, TokenId, TokenRecord, TokenStore, check_format};
use serde_json::{Value, json};

use super::store;
use crate::{
    args::{IssueArgs, TokenArgs, TokenCommand},
    failure::{Code, Failure},
    output::{printable, table},
};

pub(crate) async fn run(args: TokenArgs, configured: Option<String>) -> Result<ExitCode, Failure> {
    let TokenArgs {
        tokens,
        json,
        command,
    } = args;
    // What was typed is looked at in full before the store is touched.
    let request = Request::parse(command)?;
    let url = tokens
        .or(configured)
        .unwrap_or_else(|| store::DEFAULT.to_owned());
    let store = match &request {
        Request::Issue(_) => store::open(&url).await?,
        _ => store::open_existing(&url).await?,
    };
    let done = request.carry_out(&store, json).await;
    store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

/// A command whose arguments are valid.
enum Request {
    Issue(NewToken),
    List,
    Show(TokenId),
    Rotate(TokenId),
    Revoke(TokenId),
}

impl Request {
    fn parse(command: TokenCommand) -> Result<Self, Failure> {
        Ok(match command {
            TokenCommand::Issue(args) => Self::Issue(new_token(args)?),
            TokenCommand::List => Self::List,
            TokenCommand::Show { id } => Self::Show(token_id(&id)?),
            TokenCommand::Rotate { id } => Self::Rotate(token_id(&id)?),
            TokenCommand::Revoke { id } => Self::Revoke(token_id_or_token(&id)?),
        })
    }

    async fn carry_out(self, store: &TokenStore, json: bool) -> Result<(), Failure> {
        match self {
            Self::Issue(new) => print_issued(&store.issue(new).await?, json),
            Self::List => print_list(&store.list().await?, json),
            Self::Show(id) => {
                let record = store.show(&id).await?.ok_or_else(|| {
                    Failure::new(Code::Error, format!("there is no token with the id {id}"))
                        .hint("see: propusk token list")
                })?;
                print_record(&record, json);
            }
            Self::Rotate(id) => {
                let issued = store.rotate(&id).await?;
                anstream::eprintln!("revoked {id}");
                print_issued(&issued, json);
            }
            Self::Revoke(id) => {
                let record = store.revoke(&id).await?;
                anstream::eprintln!("revoked {id}");
                if json {
                    print_record(&record, json);
                }
            }
        }
        Ok(())
    }
}

fn new_token(args: IssueArgs) -> Result<NewToken, Failure> {
    if args.subject.trim().is_empty() {
        return Err(Failure::usage("--subject: the subject is empty"));
    }
    let mut new = NewToken::new(args.subject);
    let mut scopes = Vec::new();
    for text in &args.scope {
        let set =
            ScopeSet::parse(text).map_err(|error| Failure::usage(format!("--scope: {error}")))?;
        scopes.extend(set.iter().cloned());
    }
    new = new.scopes(scopes.into_iter().collect());
    for audience in &args.audience {
        let url = ResourceUrl::parse(audience)
            .map_err(|error| Failure::usage(format!("--audience: {error}")))?;
        new = new.audience(&url);
    }
    if let Some(client_id) = args.client_id {
        new = new.client_id(client_id);
    }
    if let Some(name) = args.name {
        new = new.name(name);
    }
    Ok(args
        .expires_in
        .map_or(new.clone(), |lifetime| new.expires(lifetime)))
}

fn token_id(text: &str) -> Result<TokenId, Failure> {
    TokenId::parse(text).map_err(|error| Failure::usage(error).hint("see: propusk token list"))
}

fn token_id_or_token(text: &str) -> Result<TokenId, Failure> {
    if text.starts_with("propusk_") {
        // The text is a secret: the error does not repeat it.
        return check_format(text).map_err(Failure::usage);
    }
    token_id(text)
}

/// The token alone on stdout, for `$(…)`; what a human wants to know on stderr.
fn print_issued(issued: &IssuedToken, json: bool) {
    if json {
        let mut value = record_json(&issued.record);
        value["token"] = json!(issued.token.expose_secret());
        anstream::println!("{value:#}");
        return;
    }
    let until = issued
        .record
        .expires_at
        .map_or("never expires".to_owned(), |end| {
            format!("expires {}", date(end))
        });
    anstream::eprintln!(
        "issued {} for {} ({until}); it is shown only this once",
        issued.record.id,
        printable(&issued.record.subject)
    );
    anstream::println!("{}", issued.token.expose_secret());
}

fn print_list(records: &[TokenRecord], json: bool) {
    if json {
        let list: Vec<Value> = records.iter().map(record_json).collect();
        anstream::println!("{:#}", Value::Array(list));
        return;
    }
    if records.is_empty() {
        anstream::eprintln!(
            "there are no tokens; issue one with: propusk token issue --subject NAME"
        );
        return;
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
    anstream::print!("{}", table(&rows));
}

fn row(record: &TokenRecord) -> Vec<String> {
    let text = |text: &Option<String>| printable(text.as_deref().unwrap_or("-"));
    let scopes = if record.scopes.is_empty() {
        "-".to_owned()
    } else {
        record.scopes.to_string()
    };
    vec![
        record.id.to_string(),
        record.status(SystemTime::now()).to_string(),
        printable(&record.subject),
        text(&record.client_id),
        scopes,
        text(&record.name),
        record.expires_at.map_or("never".to_owned(), date),
        record.last_used_at.map_or("-".to_owned(), date),
    ]
}

fn print_record(record: &TokenRecord, json: bool) {
    let value = record_json(record);
    if json {
        anstream::println!("{value:#}");
        return;
    }
    let rows: Vec<Vec<String>> = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !plain(value).is_empty())
        .map(|(key, value)| vec![key.clone(), printable(&plain(value))])
        .collect();
    anstream::print!("{}", table(&rows));
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
fn record_json(record: &TokenRecord) -> Value {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    value["status"] = json!(record.status(SystemTime::now()).to_string());
    value
}

fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
