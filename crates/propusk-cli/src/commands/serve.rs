//! `propusk serve`.

mod address;
mod check;
mod less;
mod limits;
mod lost;
mod names;
mod proxies;
mod reload;
mod rules;
mod running;
mod scopes;
mod settings;
mod tls;
mod upstream;
mod watch;
mod web;
mod welcome;

use std::{process::ExitCode, sync::Arc};

use propusk::{AuthSettings, server::Site};
use propusk_store::TokenStore;
use tokio::net::TcpListener;

use super::verification::Verifiers;
use crate::{
    args::ServeArgs,
    config::Config,
    failure::Failure,
    output::{answer, note},
};

use address::bind;
pub(super) use address::reachable;
pub(super) use check::{Checked, installed};
pub(crate) use limits::LimitsConfig;
pub(super) use names::Names;
pub(crate) use proxies::ProxiesConfig;
use reload::Reload;
pub(crate) use rules::RulesConfig;
use running::Ground;
pub(crate) use scopes::ScopesConfig;
pub(super) use scopes::Section;
pub(super) use settings::Plan;
pub(crate) use tls::TlsConfig;
pub(crate) use upstream::UpstreamConfig;
pub(crate) use watch::TelemetryConfig;

/// Where to listen when nothing else is said.
pub(super) const LISTEN: &str = "127.0.0.1:8000";

pub(crate) async fn run(args: ServeArgs, config: Config) -> Result<ExitCode, Failure> {
    let mut plan = Plan::resolve(args.clone(), config)?;
    let seen = reload::looks_of(&plan);
    // Before an address is taken: a certificate that does not fit is a mistake of the command line.
    let tls = plan.tls.as_ref().map(tls::TlsFiles::open).transpose()?;
    let listener = bind("--listen", &plan.listen).await?;
    let bound = listener.local_addr().map_err(Failure::unavailable)?;
    let settings = plan.auth_settings(bound)?;
    let signing = plan.signing(&settings)?;
    let scheme = if plan.tls.is_some() { "https" } else { "http" };
    let watch = Arc::new(plan.watched.start(bound, scheme).await?);
    warn(&plan, &settings).await?;
    let Verifiers {
        verifier,
        store,
        caches,
    } = plan.verification.open(&settings, None).await?;
    watch.caches(&caches);
    let site = Site::new().connection_limits(plan.limits.connections());
    let ground = Ground::new(&site, bound, &plan, &watch, signing);
    let mut reload = Reload {
        seen,
        args,
        ground,
        routes: site.routes(),
        tls: tls.clone(),
        plan,
        serving: Vec::new(),
        verifier: Arc::new(verifier),
        store: store.clone(),
    };
    reload.begin()?;
    let site = match tls {
        Some(tls) => site.tls(tls),
        None => site,
    };
    let site = match watch.beside() {
        Some(metrics) => site.show_metrics(metrics),
        None => site,
    };
    let first = settings.first().map(|own| own.resource().to_string());
    let scopes = reload.plan.first_scopes();
    let welcome = welcome::begin(store.as_ref(), &first.unwrap_or_default(), scopes).await?;
    serve(site, listener, &settings, &mut reload).await?;
    drop(welcome);
    running::shutdown(std::mem::take(&mut reload.serving)).await;
    close(store).await;
    watch.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Says where it listens, and serves until a signal ends it.
async fn serve(
    site: Site,
    listener: TcpListener,
    settings: &[AuthSettings],
    reload: &mut Reload,
) -> Result<(), Failure> {
    // Before anybody hears that it listens: a signal from then on is a drain.
    let shutdown = propusk::server::shutdown_signal().map_err(Failure::unavailable)?;
    let bound = reload.ground.bound;
    let at = |own: &AuthSettings| own.resource().as_str().contains(&bound.to_string());
    if !settings.iter().all(at) {
        note(&format!("bound to {bound}"));
    }
    for own in settings {
        answer(&format!("listening on {}", own.resource()))?;
    }
    tokio::select! {
        () = site.serve_on(listener, shutdown) => {}
        () = reload.run() => {}
    }
    Ok(())
}

/// Says what is allowed and yet probably not meant.
async fn warn(plan: &Plan, settings: &[AuthSettings]) -> Result<(), Failure> {
    for warning in plan.warnings(settings)? {
        tracing::warn!("{warning}");
    }
    for (index, own) in settings.iter().enumerate() {
        if plan.is_builtin(index) {
            let names = Names::with(own).await?;
            for doubt in plan
                .scopes_of(index)
                .iter()
                .flat_map(|own| names.doubts(own))
            {
                tracing::warn!("{doubt}");
            }
        }
    }
    Ok(())
}

/// What cannot be recorded any more does not make a stop that was asked for a failure.
async fn close(store: Option<TokenStore>) {
    if let Some(store) = store
        && let Err(error) = store.close().await
    {
        tracing::warn!(%error, "the token store could not be closed properly");
    }
}
