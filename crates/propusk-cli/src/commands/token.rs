//! `propusk token`.

mod print;
mod request;

use std::process::ExitCode;

use propusk_store::{IssuedToken, TokenStore};

use super::store;
use crate::{
    args::TokenArgs,
    failure::{Code, Failure},
    output::note,
};
use request::Request;

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
        Request::Issue(_) => store::open_lasting(&url).await?,
        _ => store::open_existing(&url).await?,
    };
    let done = carry_out(request, &store, json).await;
    store.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn carry_out(request: Request, store: &TokenStore, json: bool) -> Result<(), Failure> {
    match request {
        Request::Issue(new) => hand_over(&store.issue(*new).await?, store, json).await,
        Request::List => print::list(&store.list().await?, json),
        Request::Show(id) => match store.show(&id).await? {
            Some(record) => print::record(&record, json),
            None => Err(
                Failure::new(Code::Error, format!("there is no token with the id {id}"))
                    .hint("see: propusk token list"),
            ),
        },
        Request::Rotate(id) => {
            let issued = store.rotate(&id).await?;
            note(&format!("revoked {id}"));
            hand_over(&issued, store, json).await
        }
        Request::Revoke(id) => {
            let record = store.revoke(&id).await?;
            note(&format!("revoked {id}"));
            if json {
                print::record(&record, json)
            } else {
                Ok(())
            }
        }
    }
}

/// Prints a new token. One that nobody got is revoked: it would be valid and in nobody's hands.
async fn hand_over(issued: &IssuedToken, store: &TokenStore, json: bool) -> Result<(), Failure> {
    let printed = print::issued(issued, json);
    if printed.is_err() {
        store.revoke(&issued.record.id).await?;
        note(&format!(
            "revoked {}, since it could not be printed",
            issued.record.id
        ));
    }
    printed
}
