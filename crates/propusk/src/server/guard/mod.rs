//! The second check: at the handler itself, on the very values that it is given.

mod asked;
mod capabilities;
mod catalogue;
mod handler;
mod known;
mod listed;
mod offered;
mod walks;
mod way;

use std::{
    any::Any,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use http::request::Parts;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::Tool,
    service::{NotificationContext, RequestContext},
};

pub use self::offered::Offered;
use self::{
    asked::Asked,
    catalogue::Catalogue,
    listed::{Listed, Page},
};
use crate::{
    AuthSettings, Operation, Requirement, Target, TargetKind,
    audit::AuditSink,
    layer::{Declared, DeclaredScopes, Observer, Onward},
    metrics::ToolNames,
};

/// A handler that is asked only for what its caller may do, and whose lists show only that.
///
/// [`Server`](crate::Server) puts one around its handler by itself. Beside an
/// [`AuthLayer`](crate::AuthLayer) that you mount yourself, use it like this:
///
/// ```no_run
/// # use propusk::{AuthLayer, AuthSettings, FixedTokens, server::Guard};
/// # use rmcp::{ServerHandler, transport::streamable_http_server::{
/// #     StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager}};
/// # fn mount(handler: impl ServerHandler, settings: AuthSettings, verifier: FixedTokens) {
/// let guard = Guard::new(handler, settings.clone());
/// let auth = AuthLayer::new(settings, verifier).declared_by(guard.clone());
/// let mcp = StreamableHttpService::new(
///     move || Ok(guard.clone()),
///     LocalSessionManager::default().into(),
///     StreamableHttpServerConfig::default(),
/// );
/// # let _ = tower_layer::Layer::layer(&auth, mcp);
/// # }
/// ```
///
/// It fails closed: a request without a [`Permit`](crate::Permit) (over another transport, or past
/// the layer) is nobody's, and may do only what needs no scope at all. A refusal, also one out of a
/// tool's own body, is an HTTP 401 or 403 where the answer has not begun, and a JSON-RPC error with
/// the same reason and scopes where it has.
///
/// # What hidden means
///
/// A list does not show what its caller may not use, nor what that would need. Who calls it by name
/// all the same gets a 403 with all its scopes, as the specification asks for, while a name that does
/// not exist gets the handler's own answer: hiding keeps lists short and models on the right track, it
/// keeps no name secret from a caller who guesses it. Where a name itself must not be known, close it
/// together with all that do not exist, by a rule that matches both:
/// [`ScopePolicy::tool`](crate::ScopePolicy::tool) with a pattern, or
/// [`otherwise`](crate::ScopePolicy::otherwise), and no declaration. Then both are refused alike.
///
/// Capabilities follow the lists: of tools, prompts, resources and skills those are offered of which
/// the caller may use at least one, or of which there are none yet. Skills are read as resources, so
/// that one usable skill keeps both.
///
/// # What is learned from lists
///
/// A tool's declaration is asked for by name where the handler has `get_tool` (rmcp's routers do).
/// What is declared for everything else is learned from the handler's lists, and never unlearned:
/// they are walked for each caller when that caller first asks for something by name, and again after
/// a minute; and every list that passes is learned from. So a handler that lists a tool to some
/// callers only has it protected at their first call. A name that no list has shown is looked for by a
/// walk of its caller's lists each time, so that what is added while the server runs is locked from
/// the start. A handler that serves resources without listing them pays for that walk with every read;
/// it saves it by listing a template that they fit. What was listed and declares more scopes later
/// needs them within a minute, by the next walk or list; so does a new resource that fits a template.
///
/// A definition declares the same for everybody. Where lists show different declarations of one name
/// (to different callers, at different times, or of two spellings of one URI), all of them are needed,
/// as long as the server runs; a name with more than sixteen is closed. What a tool says that
/// `get_tool` gives is its own word and counts alone.
///
/// What a handler accepts without listing it to the very caller, nobody can know to be declared: a
/// [`ScopePolicy`](crate::ScopePolicy) protects it. A list that fails, or takes longer than ten
/// seconds, closes what it would have listed, and nothing else. Callers of one principal with the same
/// scopes share their walks, whatever else their tokens claim: where a handler lists by such a claim, a
/// policy protects what it lists. Of each kind a hundred thousand names (and ten thousand templates) are
/// remembered; where something declared has no room, all that is not remembered is looked for each
/// time.
pub struct Guard<H> {
    handler: Arc<H>,
    shared: Arc<Shared>,
}

struct Shared {
    /// Exchanged where the layer in front gets others.
    settings: RwLock<Arc<AuthSettings>>,
    catalogue: Catalogue,
    /// Told of decisions where no layer stands in front.
    observer: Observer,
}

impl Shared {
    fn settings(&self) -> Arc<AuthSettings> {
        let current = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }
}

impl<H: ServerHandler> Guard<H> {
    /// Puts a guard around a handler. The settings are those of the layer in front.
    #[must_use]
    pub fn new(handler: H, settings: AuthSettings) -> Self {
        Self::around(Arc::new(handler), settings)
    }

    /// Tells this sink of the decisions about requests that came past every
    /// [`AuthLayer`](crate::AuthLayer); a layer tells its own sinks. Without one they are in the log
    /// only, under the target `propusk::audit`.
    #[must_use]
    pub fn audit(self, sink: impl AuditSink) -> Self {
        self.shared.observer.add(Box::new(sink));
        self
    }

    pub(super) fn around(handler: Arc<H>, settings: AuthSettings) -> Self {
        Self {
            handler,
            shared: Arc::new(Shared {
                settings: RwLock::new(Arc::new(settings)),
                catalogue: Catalogue::default(),
                observer: Observer::default(),
            }),
        }
    }

    /// Exchanges the settings, for all copies of this guard and all their sessions. A layer that was
    /// told of it ([`declared_by`](crate::AuthLayer::declared_by)) does so itself, by
    /// [`AuthLayer::renew`](crate::AuthLayer::renew).
    pub fn renew(&self, settings: Arc<AuthSettings>) {
        let current = self.shared.settings.write();
        *current.unwrap_or_else(PoisonError::into_inner) = settings;
    }

    fn asked(&self, context: &RequestContext<RoleServer>) -> Asked<'_> {
        Asked::new(&self.shared, context)
    }

    /// Checks an operation, whatever was checked before.
    async fn admit(
        &self,
        mut operation: Operation,
        context: &RequestContext<RoleServer>,
    ) -> Result<(Asked<'_>, Operation), ErrorData> {
        if let Operation::Method { targets, .. } = &mut operation {
            self.declare(targets, context).await?;
        }
        let asked = self.asked(context);
        asked.check(&operation)?;
        Ok((asked, operation))
    }

    /// Adds what is declared for the targets of a request, as far as its caller can know of it.
    async fn declare(
        &self,
        targets: &mut [Target],
        context: &RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let (catalogue, arrived) = (&self.shared.catalogue, Instant::now());
        let mut listed = Vec::new();
        for target in targets {
            if let Some(declared) = self.declared_before(target, context) {
                target.declare(Some(declared));
            } else if let Some(tool) = self.tool(target) {
                target.declare(catalogue.declared_by(&tool));
            } else {
                listed.push(target);
            }
        }
        catalogue
            .find(listed, arrived, &*self.handler, context)
            .await
    }

    /// What the layer in front was told to be declared for this very tool, by this guard, for this
    /// request.
    fn declared_before(
        &self,
        target: &Target,
        context: &RequestContext<RoleServer>,
    ) -> Option<Requirement> {
        let http = &context.extensions.get::<Parts>()?.extensions;
        let Declared { by, tool } = http.get::<Onward>()?.declared.as_ref()?;
        let by: &dyn Any = &**by;
        let is_own = Arc::ptr_eq(&by.downcast_ref::<Self>()?.shared, &self.shared);
        let is_same = tool.kind() == target.kind() && tool.name() == target.name();
        // Where the lists have not been walked, the layer is told of nothing that is needed; and
        // where nothing is declared, this caller may know better.
        let declared = tool.declared().filter(|declared| !declared.is_nothing())?;
        // What only lists tell is to be looked for again, once a minute.
        let is_word = is_own && is_same && !self.shared.catalogue.is_only_listed(target);
        is_word.then(|| declared.clone())
    }

    fn tool(&self, target: &Target) -> Option<Tool> {
        match target.kind() {
            TargetKind::Tool => self.handler.get_tool(target.name()),
            _ => None,
        }
    }

    /// The same for a notification, which nobody answers.
    fn may_notify(&self, method: &str, context: &NotificationContext<RoleServer>) -> bool {
        let operation = Operation::method(method);
        let asked = Asked::notified(&self.shared, &context.extensions);
        asked.check(&operation).is_ok()
    }

    /// Learns from a page and cuts it down to what its caller may use.
    fn show<P: Page>(&self, mut page: P, context: &RequestContext<RoleServer>) -> P {
        let mut pupil = self.shared.catalogue.pupil();
        let http = context.extensions.get::<Parts>();
        let names = http.and_then(|http| http.extensions.get::<ToolNames>());
        let learn = |item: &P::Item| {
            if let Some(names) = names.filter(|_| P::Item::KIND == TargetKind::Tool) {
                names.learn(item.key());
            }
            pupil.learn(item)
        };
        self.asked(context).show(&mut page, learn, context);
        page
    }

    /// Whether something is hidden from whoever may not use it, as far as is known.
    fn hides(&self, context: &RequestContext<RoleServer>) -> bool {
        asked::ruled(&context.extensions).is_some()
            || !self.shared.settings().shows_all() && self.restricts()
    }

    /// Whether anything depends on the scopes of who is asking, as far as is known.
    fn restricts(&self) -> bool {
        !self.shared.settings().scope_policy().is_empty() || !self.shared.catalogue.is_empty()
    }
}

impl<H: ServerHandler> DeclaredScopes for Guard<H> {
    fn declared_scopes(&self, target: &Target) -> Option<Requirement> {
        match self.tool(target) {
            Some(tool) => self.shared.catalogue.declared_by(&tool),
            // As long as the lists have not been walked, nobody may take it for undeclared, which
            // would put it under the default. The guard walks them before it decides itself.
            None => self.shared.catalogue.declared(target).or_else(|| {
                let known = self.shared.catalogue.is_walked(target.kind());
                (!known).then(Requirement::nothing)
            }),
        }
    }

    fn declares_any(&self) -> bool {
        let catalogue = &self.shared.catalogue;
        !(catalogue.is_complete() && catalogue.is_empty())
    }

    fn renew(&self, settings: &Arc<AuthSettings>) {
        Self::renew(self, Arc::clone(settings));
    }
}

impl<H> Clone for Guard<H> {
    fn clone(&self) -> Self {
        Self {
            handler: Arc::clone(&self.handler),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<H> fmt::Debug for Guard<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("settings", &self.shared.settings())
            .finish_non_exhaustive()
    }
}
