//! Servers that speak MCP on their standard input and output: they are started here, and their
//! callers come over HTTP.

mod asker;
mod child;
mod command;
mod counts;
mod crossing;
mod dumpable;
mod era;
mod errors;
mod front;
mod handler;
mod hub;
mod level;
mod link;
mod outgoing;
mod parked;
mod pool;
mod settings;
mod slot;
mod watchdog;
mod wire;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use propusk::rules::RuleSet;
use rmcp::{
    ErrorData, RoleServer,
    model::{ServerConfig, Tool},
    service::RequestContext,
};

use self::{
    asker::{Owner, User, owner, session_id},
    era::Era,
    hub::Sight,
    link::{Said, Server},
    parked::Parked,
    pool::Pool,
    slot::Slot,
};
pub use self::{
    command::{INHERITED, StdioCommand},
    dumpable::hide_from_children,
    settings::{Backoff, Sharing, StdioSettings},
    watchdog::run_if_asked as run_watchdog_if_asked,
};

/// A server that is started as a child process, as a handler for rmcp's services.
///
/// Put a [`Guard`](propusk::server::Guard) and a [`Bound`](propusk::server::Bound) around it, as
/// around any handler:
///
/// ```no_run
/// # use propusk::{AuthSettings, FixedTokens, server::mount};
/// # use propusk_gate::stdio::{StdioCommand, StdioSettings, StdioUpstream};
/// # use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
/// # fn run(tokens: FixedTokens) -> Result<(), Box<dyn std::error::Error>> {
/// let command = StdioCommand::new("npx").args(["-y", "@modelcontextprotocol/server-everything"]);
/// let upstream = StdioUpstream::new(command, StdioSettings::new("everything"));
/// let settings = AuthSettings::new("http://127.0.0.1:8000/mcp")?;
/// let (auth, mcp) = mount(upstream.clone(), settings, tokens, StreamableHttpServerConfig::default())?;
/// # let _ = (auth, mcp);
/// # Ok(())
/// # }
/// ```
///
/// # What crosses
///
/// Clients of both eras are served, whichever the child speaks (it is asked with `server/discover`,
/// and with `initialize` where it does not know that): tools, prompts, resources, templates,
/// completion, skills, tasks, methods that the protocol does not know, progress, the log, changes of
/// lists, subscriptions, cancellation in both directions, sampling, elicitation and roots. What a
/// 2025-11-25 child asks in the middle of a call, a 2026-07-28 client gets as an answer that says that
/// input is required, while the call goes on; what a 2026-07-28 child needs, a 2025-11-25 client is
/// asked over its session.
///
/// # Who shares it
///
/// See [`Sharing`]. What a child asks or logs names no request, and may come long after the request
/// that caused it was answered. So once a second principal has used a shared child
/// ([`Sharing::All`]), its questions (sampling, elicitation, roots) are refused and the lines of its
/// log reach no client, for good. A server that asks or logs needs [`Sharing::Principal`]. (An answer
/// that says that input is required belongs to its request, and passes.) Until then it asks only where
/// requests of exactly one session are under way (a request that was cancelled counts for ten more
/// minutes, since the child may still work on it), and lines of its log go to the sessions whose
/// requests are under way, to all sessions of the one principal where there are none. Unknown callers
/// are different principals unless they share a session. Progress goes to the request whose token it
/// names; changes of lists go to all; changes of resources to who has subscribed.
///
/// # Its life
///
/// It is started by the first request, or by [`start`](Self::start). When it ends, requests under way
/// get an error, later ones wait for the next one ([`StdioSettings::patience`]), and sessions go on: it
/// is told of their subscriptions and levels anew. It ends with [`shutdown`](Self::shutdown) or with the
/// last clone of this, and all that it has started with it; see [`run_watchdog_if_asked`] for a gate
/// that is killed. "All" is its process group: a process that it has put into a session of its own
/// (`setsid`) is known to nobody here, and only a container or the control group of a service ends it.
#[derive(Clone)]
pub struct StdioUpstream {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    parked: Arc<Parked>,
    /// What the child that was met last has said of itself.
    server: Mutex<Option<Server>>,
    next: AtomicU64,
}

impl StdioUpstream {
    /// An upstream whose program is not started yet.
    #[must_use]
    pub fn new(command: StdioCommand, settings: StdioSettings) -> Self {
        Self {
            inner: Arc::new(Inner {
                pool: Pool::new(command, settings),
                parked: Arc::default(),
                server: Mutex::default(),
                next: AtomicU64::new(0),
            }),
        }
    }

    /// Starts the program that serves all callers, and waits until it answers; with
    /// [`Sharing::Principal`] there is nothing to start yet.
    ///
    /// # Errors
    /// What it says why it does not run. It is tried again all the same.
    pub async fn start(&self) -> Result<(), ErrorData> {
        if self.inner.settings().per == Sharing::Principal {
            return Ok(());
        }
        let slot = self.inner.pool.slot(None)?;
        self.inner.meet_in(&slot, Era::Requests).await.map(drop)
    }

    /// Shows how many children run, were started, and have ended by themselves:
    /// `propusk_children_running`, `propusk_children_started_total` and
    /// `propusk_children_crashed_total`, with the upstream's name as their label.
    pub fn show(&self, metrics: &propusk::metrics::Metrics) {
        self.inner.pool.show(metrics);
    }

    /// Has sessions of 2025-11-25 told only of what these rules show, from now on: for rules that were
    /// exchanged while they are open ([`AuthLayer::replace_rules`](propusk::AuthLayer::replace_rules)).
    /// The next request of a session brings those that judge it.
    pub fn exchange_rules(&self, rules: &RuleSet) {
        self.inner.pool.exchange_rules(rules);
    }

    /// Ends all children and all that they have started, and waits until they have ended.
    pub async fn shutdown(&self) {
        self.inner.pool.shutdown().await;
    }
}

impl Inner {
    fn settings(&self) -> &StdioSettings {
        self.pool.settings()
    }

    /// A number that no other request has.
    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The place of the child that serves the caller of a request.
    async fn slot(&self, context: &RequestContext<RoleServer>) -> Result<Arc<Slot>, ErrorData> {
        let slot = self.pool.slot(owner(&context.extensions))?;
        slot.hub
            .used_by(User::of(&context.extensions, || self.number()));
        if let Some(id) = session_id(&context.extensions) {
            let sight = Sight::of(&context.extensions);
            slot.hub.seen(&id, &context.peer, sight);
        }
        Ok(slot)
    }

    fn known(&self, owner: Owner) -> Option<Arc<Slot>> {
        self.pool.known(owner)
    }

    /// Waits for the child, and says what it is.
    async fn meet(
        &self,
        context: &RequestContext<RoleServer>,
        era: Era,
    ) -> Result<ServerConfig, ErrorData> {
        let slot = self.slot(context).await?;
        self.meet_in(&slot, era).await
    }

    async fn meet_in(&self, slot: &Arc<Slot>, era: Era) -> Result<ServerConfig, ErrorData> {
        let link = slot.link().await?;
        let server = link.server().ok_or_else(errors::ended)?;
        let mut met = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        *met = Some(server.clone());
        server.said(era).map(config).ok_or_else(errors::ended)
    }

    fn info(&self) -> ServerConfig {
        let met = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let said = met.as_ref().and_then(|server| server.said(Era::Requests));
        said.map_or_else(handler::unknown, config)
    }

    fn tool(&self, name: &str) -> Option<Tool> {
        (self.settings().per == Sharing::All)
            .then(|| self.pool.known(None))
            .flatten()?
            .hub
            .tool(name)
    }
}

fn config(said: &Said) -> ServerConfig {
    let config = ServerConfig::new(said.capabilities.clone()).with_server_info(said.info.clone());
    match &said.instructions {
        Some(instructions) => config.with_instructions(instructions.clone()),
        None => config,
    }
}

impl fmt::Debug for StdioUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdioUpstream")
            .field("settings", self.inner.settings())
            .finish_non_exhaustive()
    }
}
