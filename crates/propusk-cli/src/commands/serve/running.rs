//! The endpoints while they serve, and their exchange for those of another configuration.

use std::{net::SocketAddr, sync::Arc};

use propusk::{
    AuthLayer, AuthSettings, Server,
    rules::{AddressLimits, RuleSet, RuleTable},
    server::{Mount, Site, SiteRoutes},
};
use propusk_gate::{cedar::CedarRules, stdio::StdioUpstream};
use rmcp::ServerHandler;
use tokio_util::sync::CancellationToken;

use super::{
    settings::Plan,
    upstream::{Behind, Endpoint, Signing},
    watch::Watch,
};
use crate::{builtin::Builtin, commands::verification::Composed, failure::Failure};

/// What all endpoints share while the process runs.
pub(super) struct Ground {
    pub(super) bound: SocketAddr,
    pub(super) stateless: bool,
    pub(super) addresses: AddressLimits,
    pub(super) watch: Arc<Watch>,
    pub(super) signing: Signing,
    streams: CancellationToken,
}

impl Ground {
    pub(super) fn new(
        site: &Site,
        bound: SocketAddr,
        plan: &Plan,
        watch: &Arc<Watch>,
        signing: Signing,
    ) -> Self {
        Self {
            signing,
            bound,
            stateless: plan.stateless,
            addresses: AddressLimits::new(),
            watch: Arc::clone(watch),
            streams: site.streams(),
        }
    }
}

/// The rules of an endpoint: the table, with what has been used up of its limits, and policies.
#[derive(Clone)]
struct Held {
    tables: Vec<Arc<RuleTable>>,
    policies: Vec<CedarRules>,
}

impl Held {
    fn set(&self) -> RuleSet {
        let mut set = RuleSet::new();
        for table in &self.tables {
            set = set.with(Arc::clone(table));
        }
        for policies in &self.policies {
            set = set.with(policies.clone());
        }
        set
    }
}

/// One endpoint that serves.
pub(super) struct Live {
    endpoint: Endpoint,
    layer: AuthLayer,
    mount: Mount,
    rules: Held,
    program: Option<StdioUpstream>,
}

/// An endpoint of a configuration: what is exchanged, or what is new.
pub(super) struct Prepared {
    settings: AuthSettings,
    rules: Held,
    /// Of those that serve, the one that goes on.
    before: Option<usize>,
    fresh: Option<Live>,
}

/// Makes everything that a configuration needs; nothing that serves is touched.
pub(super) fn prepare(
    ground: &Ground,
    plan: &Plan,
    verifier: &Arc<Composed>,
    serving: &[Live],
) -> Result<Vec<Prepared>, Failure> {
    let all = plan.auth_settings(ground.bound)?;
    let both = plan.endpoints.iter().zip(all);
    let prepared = both.map(|(endpoint, settings)| {
        let before = serving.iter().position(|live| live.endpoint.is(endpoint));
        let rules = Held {
            tables: continuing(plan.rules_of(endpoint)?, endpoint, serving),
            policies: plan.policies_of(endpoint)?,
        };
        let fresh = match before {
            Some(_) => None,
            None => Some(open(
                ground,
                plan,
                endpoint,
                &settings,
                verifier,
                rules.clone(),
            )?),
        };
        Ok(Prepared {
            settings,
            rules,
            before,
            fresh,
        })
    });
    prepared.collect()
}

/// The rules, with what has been used up of their limits at the same place.
fn continuing(
    tables: Vec<RuleTable>,
    endpoint: &Endpoint,
    serving: &[Live],
) -> Vec<Arc<RuleTable>> {
    let at_place = |live: &&Live| live.endpoint.is_at_place_of(endpoint);
    let old = serving.iter().find(at_place);
    let old = old.map_or(&[][..], |live| &live.rules.tables);
    let continued = |(index, table): (usize, RuleTable)| match old.get(index) {
        Some(old) => Arc::new(table.continuing(old)),
        None => Arc::new(table),
    };
    tables.into_iter().enumerate().map(continued).collect()
}

/// Exchanges what serves for what was prepared. This cannot fail.
pub(super) fn exchange(
    routes: &SiteRoutes,
    verifier: &Arc<Composed>,
    serving: Vec<Live>,
    prepared: Vec<Prepared>,
    plan: &Plan,
) -> Vec<Live> {
    let mut serving: Vec<Option<Live>> = serving.into_iter().map(Some).collect();
    let mut live = Vec::new();
    for (one, endpoint) in prepared.into_iter().zip(&plan.endpoints) {
        let before = one.before.and_then(|index| serving[index].take());
        let Some(mut before) = before else {
            live.extend(one.fresh);
            continue;
        };
        let rules = one.rules.set();
        let verifier = Arc::clone(verifier);
        if let Some(program) = &before.program {
            program.exchange_rules(&rules);
        }
        before.layer.renew_with_rules(one.settings, verifier, rules);
        before.endpoint = endpoint.clone();
        before.rules = one.rules;
        live.push(before);
    }
    routes.replace(live.iter().map(|live| live.mount.clone()).collect());
    for gone in serving.into_iter().flatten() {
        let at_place = |live: &Live| live.endpoint.is_at_place_of(&gone.endpoint);
        let (upstream, path) = (gone.endpoint.shown(), &gone.endpoint.path);
        match live.iter().any(at_place) {
            true => tracing::info!(upstream, path, "made anew; its sessions have ended"),
            false => tracing::info!(upstream, path, "no longer served"),
        }
        if let Some(program) = gone.program {
            tokio::spawn(async move { program.shutdown().await });
        }
    }
    live
}

/// Ends the programs behind endpoints.
pub(super) async fn shutdown(serving: Vec<Live>) {
    for live in serving {
        if let Some(program) = live.program {
            program.shutdown().await;
        }
    }
}

fn open(
    ground: &Ground,
    plan: &Plan,
    endpoint: &Endpoint,
    settings: &AuthSettings,
    verifier: &Arc<Composed>,
    rules: Held,
) -> Result<Live, Failure> {
    let dress = |layer: AuthLayer| {
        let layer = ground
            .watch
            .over(layer, endpoint.upstream())
            .address_limits(&ground.addresses);
        let layer = match plan.limits.body_time {
            Some(limit) => layer.body_time_limit(limit),
            None => layer,
        };
        let rules = rules.set();
        match rules.is_empty() {
            true => layer,
            false => layer.rules(rules),
        }
    };
    let mut program = None;
    let (layer, mount) = match &endpoint.behind {
        Behind::Builtin => handler(ground, plan, Builtin::default(), settings, verifier, dress)?,
        Behind::Program(own) => {
            own.check(&endpoint.place)?;
            let upstream = own.upstream(endpoint.shown());
            ground.watch.program(&upstream);
            program = Some(upstream.clone());
            handler(ground, plan, upstream, settings, verifier, dress)?
        }
        Behind::Url(remote) => {
            let upstream = remote.upstream(endpoint, Some(&ground.signing))?;
            let layer = dress(AuthLayer::new(settings.clone(), Arc::clone(verifier)));
            let layer = match plan.limits.largest_body {
                Some(bytes) => layer.max_body_bytes(bytes),
                None => layer,
            };
            let layer = upstream.end_sessions_of(layer.reads_bodies());
            let mount = Mount::new(&layer, upstream);
            (layer, mount)
        }
    };
    let named = endpoint.tools();
    named.for_each(|name| layer.tool_names().learn(name));
    Ok(Live {
        endpoint: endpoint.clone(),
        layer,
        mount,
        rules,
        program,
    })
}

fn handler<H: ServerHandler>(
    ground: &Ground,
    plan: &Plan,
    handler: H,
    settings: &AuthSettings,
    verifier: &Arc<Composed>,
    dress: impl FnOnce(AuthLayer) -> AuthLayer,
) -> Result<(AuthLayer, Mount), Failure> {
    let mut server = Server::new(handler)
        .auth(settings.clone(), Arc::clone(verifier))
        .legacy_sessions(!ground.stateless)
        .layered(dress);
    if let Some(bytes) = plan.limits.largest_body {
        server = server.max_body_bytes(bytes);
    }
    let endpoint = server.endpoint(ground.streams.clone());
    endpoint.map_err(Failure::unavailable)
}
