//! `propusk serve`.

mod fixed;
mod scopes;
mod settings;
mod welcome;

use std::process::ExitCode;

use propusk::{AnyOf, Server};
use propusk_store::TokenStore;
use tokio::net::TcpListener;

use super::store;
use crate::{
    args::ServeArgs,
    builtin::Builtin,
    config::ServeConfig,
    failure::Failure,
    output::{answer, note},
};

pub(crate) use scopes::ScopesConfig;

/// Where to listen when nothing else is said.
const LISTEN: &str = "127.0.0.1:8000";

pub(crate) async fn run(
    args: ServeArgs,
    config: ServeConfig,
    scopes: ScopesConfig,
    configured_tokens: Option<String>,
) -> Result<ExitCode, Failure> {
    let tokens = args.tokens.clone().or(configured_tokens);
    let plan = settings::Plan::resolve(args, config, scopes)?;
    let fixed = fixed::parse(&plan.fixed_tokens)?;
    // Fixed tokens are for a quick try: no store appears unless one is named.
    let store_url = tokens.or_else(|| fixed.is_empty().then(|| store::DEFAULT.to_owned()));

    let listener = bind(&plan.listen).await?;
    let address = listener.local_addr().map_err(Failure::unavailable)?;
    let auth = plan.auth_settings(address)?;
    let url = auth.resource().to_string();

    let mut verifier = AnyOf::new();
    if !fixed.is_empty() {
        tracing::warn!(
            "fixed tokens (--token) are for development: whoever sees the command line knows them"
        );
        verifier = verifier.with(fixed);
    }
    let store = match &store_url {
        Some(store_url) => Some(store::open(store_url).await?),
        None => None,
    };
    if let (Some(store), Some(store_url)) = (&store, &store_url) {
        welcome::first_token(store, store_url, &url).await?;
        verifier = verifier.with(store.clone());
    }
    plan.warn(&auth);
    let server = Server::new(Builtin::default())
        .auth(auth, verifier)
        .legacy_sessions(!plan.stateless);
    // Before anybody hears that it listens: a signal from then on is a drain.
    let shutdown = propusk::server::shutdown_signal().map_err(Failure::unavailable)?;
    if !url.contains(&address.to_string()) {
        note(&format!("bound to {address}"));
    }
    answer(&format!("listening on {url}"))?;
    let served = server.serve_on(listener, shutdown).await;
    close(store).await;
    served
        .map_err(Failure::unavailable)
        .map(|()| ExitCode::SUCCESS)
}

async fn bind(listen: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(listen).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            Failure::unavailable(format!("{listen} is in use by another program"))
                .hint("choose another port with --listen, for example --listen 127.0.0.1:0 for any free one")
        }
        _ => Failure::unavailable(format!("cannot listen on {listen}: {error}")),
    })
}

/// What cannot be recorded any more does not make a stop that was asked for a failure.
async fn close(store: Option<TokenStore>) {
    if let Some(store) = store
        && let Err(error) = store.close().await
    {
        tracing::warn!(%error, "the token store could not be closed properly");
    }
}
