//! `propusk serve`.

mod address;
mod names;
mod scopes;
mod settings;
mod watch;
mod web;
mod welcome;

use std::process::ExitCode;

use propusk::Server;
use propusk_store::TokenStore;

use super::verification::Verifiers;
use crate::{
    args::ServeArgs,
    builtin::Builtin,
    config::ServeConfig,
    failure::Failure,
    output::{answer, note},
};

use address::bind;
pub(super) use names::Names;
pub(crate) use scopes::ScopesConfig;
pub(super) use scopes::Section;
pub(super) use settings::Plan;

/// Where to listen when nothing else is said.
const LISTEN: &str = "127.0.0.1:8000";

pub(crate) async fn run(
    args: ServeArgs,
    config: ServeConfig,
    scopes: ScopesConfig,
    configured_tokens: Option<String>,
) -> Result<ExitCode, Failure> {
    let plan = Plan::resolve(args, config, scopes, configured_tokens)?;
    let listener = bind("--listen", &plan.listen).await?;
    let address = listener.local_addr().map_err(Failure::unavailable)?;
    let auth = plan.auth_settings(address)?;
    let resource = auth.resource().clone();
    let url = resource.to_string();
    let watch = plan.watched.start(address).await?;

    plan.warn(&auth);
    for doubt in Names::with(&auth).await?.doubts(&plan.scopes) {
        tracing::warn!("{doubt}");
    }
    let Verifiers {
        verifier,
        store,
        caches,
    } = plan.verification.open(&auth, None).await?;
    watch.caches(&caches);
    let welcome = welcome::begin(store.as_ref(), &url).await?;
    let server = Server::new(Builtin::default())
        .auth(auth, verifier)
        .legacy_sessions(!plan.stateless);
    let mut server = watch.over(server);
    let page = plan.web.then(|| web::page_at(&resource)).flatten();
    if let Some((page, place)) = page {
        server = server.pages(page);
        note(&format!("a page for your browser: {place}"));
    }
    // Before anybody hears that it listens: a signal from then on is a drain.
    let shutdown = propusk::server::shutdown_signal().map_err(Failure::unavailable)?;
    if !url.contains(&address.to_string()) {
        note(&format!("bound to {address}"));
    }
    answer(&format!("listening on {url}"))?;
    let served = server.serve_on(listener, shutdown).await;
    drop(welcome);
    close(store).await;
    watch.close();
    served
        .map_err(Failure::unavailable)
        .map(|()| ExitCode::SUCCESS)
}

/// What cannot be recorded any more does not make a stop that was asked for a failure.
async fn close(store: Option<TokenStore>) {
    if let Some(store) = store
        && let Err(error) = store.close().await
    {
        tracing::warn!(%error, "the token store could not be closed properly");
    }
}
