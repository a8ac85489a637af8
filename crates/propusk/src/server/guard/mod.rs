//! The second check: at the handler itself, on the very values that it is given.

mod asked;
mod catalogue;
mod handler;
mod listed;

use std::{any::Any, fmt, sync::Arc};

use http::request::Parts;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{ServerCapabilities, Tool},
    service::{NotificationContext, RequestContext},
};

use self::{
    asked::Asked,
    catalogue::{Catalogue, each_page},
    listed::Page,
};
use crate::{
    AuthSettings, Operation, Requirement, Target, TargetKind,
    decide::within_scopes,
    layer::{Declared, DeclaredScopes, Onward},
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
/// What is declared for prompts and resources is learned from the handler's lists, which are walked
/// once when the first client arrives, and from every list that passes afterwards. A prompt or
/// resource that is added while the server runs is protected by its declaration from the moment it
/// is first listed to anybody; a [`ScopePolicy`](crate::ScopePolicy) protects it before.
pub struct Guard<H> {
    handler: Arc<H>,
    shared: Arc<Shared>,
}

struct Shared {
    settings: AuthSettings,
    catalogue: Catalogue,
}

impl<H: ServerHandler> Guard<H> {
    /// Puts a guard around a handler. The settings are those of the layer in front.
    #[must_use]
    pub fn new(handler: H, settings: AuthSettings) -> Self {
        Self::around(Arc::new(handler), settings)
    }

    pub(super) fn around(handler: Arc<H>, settings: AuthSettings) -> Self {
        Self {
            handler,
            shared: Arc::new(Shared {
                settings,
                catalogue: Catalogue::default(),
            }),
        }
    }

    fn asked(&self, context: &RequestContext<RoleServer>) -> Asked<'_> {
        Asked::new(&self.shared.settings, context)
    }

    /// Checks an operation, whatever was checked before.
    async fn admit(
        &self,
        mut operation: Operation,
        context: &RequestContext<RoleServer>,
    ) -> Result<(Asked<'_>, Operation), ErrorData> {
        if let Operation::Method { targets, .. } = &mut operation {
            for target in targets {
                let declared = self.declared(target, context).await?;
                target.declare(declared);
            }
        }
        let asked = self.asked(context);
        asked.check(&operation)?;
        Ok((asked, operation))
    }

    /// What is declared for a target, and for certain.
    async fn declared(
        &self,
        target: &Target,
        context: &RequestContext<RoleServer>,
    ) -> Result<Option<Requirement>, ErrorData> {
        if let Some(declared) = self.declared_before(target, context) {
            return Ok(declared);
        }
        if let Some(tool) = self.tool(target) {
            return Ok(self.shared.catalogue.declared_by(&tool));
        }
        let catalogue = &self.shared.catalogue;
        let handler = &*self.handler;
        catalogue.load(target.kind(), handler, context).await?;
        Ok(catalogue.declared(target))
    }

    /// What the layer in front was told of this very tool, by this guard, for this request.
    fn declared_before(
        &self,
        target: &Target,
        context: &RequestContext<RoleServer>,
    ) -> Option<Option<Requirement>> {
        let http = &context.extensions.get::<Parts>()?.extensions;
        let Declared { by, tool } = http.get::<Onward>()?.declared.as_ref()?;
        let by: &dyn Any = &**by;
        let is_own = Arc::ptr_eq(&by.downcast_ref::<Self>()?.shared, &self.shared);
        let is_same = tool.kind() == target.kind() && tool.name() == target.name();
        let declared = tool.declared();
        // Where the lists have not been walked, the layer is told of nothing that is needed.
        let is_certain = !declared.is_some_and(Requirement::is_nothing);
        (is_own && is_same && is_certain).then(|| declared.cloned())
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
        let caller = asked::caller(&context.extensions);
        within_scopes(&self.shared.settings, &operation, caller).is_ok()
    }

    /// Learns from a page and cuts it down to what its caller may use.
    fn show<P: Page>(&self, mut page: P, context: &RequestContext<RoleServer>) -> P {
        let mut pupil = self.shared.catalogue.pupil();
        let learn = |item: &P::Item| pupil.learn(item);
        self.asked(context).show(&mut page, learn, context);
        page
    }

    /// Takes away the capabilities of which this caller can use nothing, where there is something
    /// to hide. What cannot be told, since a list fails, is left: it is hidden in the list itself.
    async fn cut_capabilities(
        &self,
        has: &mut ServerCapabilities,
        context: &RequestContext<RoleServer>,
    ) {
        for kind in [TargetKind::Tool, TargetKind::Prompt, TargetKind::Resource] {
            let catalogue = &self.shared.catalogue;
            if let Err(error) = catalogue.load(kind, &*self.handler, context).await {
                tracing::debug!(?kind, code = error.code.0, "a list cannot be had");
            }
        }
        if self.shared.settings.shows_all() || !self.restricts() {
            return;
        }
        if has.tools.is_some() && self.is_hidden(TargetKind::Tool, context).await {
            has.tools = None;
        }
        let completes = has.prompts.is_some() || has.resources.is_some();
        if has.prompts.is_some() && self.is_hidden(TargetKind::Prompt, context).await {
            has.prompts = None;
        }
        if has.resources.is_some() && self.is_hidden(TargetKind::Resource, context).await {
            has.resources = None;
        }
        if completes && has.prompts.is_none() && has.resources.is_none() {
            // There is nothing left to complete.
            has.completions = None;
        }
    }

    /// Whether there is something of this kind and the caller may use none of it.
    async fn is_hidden(&self, kind: TargetKind, context: &RequestContext<RoleServer>) -> bool {
        let mut seen = Seen::default();
        let looked = self.look(kind, context, &mut seen).await;
        looked.is_ok() && seen.something && !seen.usable
    }

    async fn look(
        &self,
        kind: TargetKind,
        context: &RequestContext<RoleServer>,
        seen: &mut Seen,
    ) -> Result<(), ErrorData> {
        let (asked, handler) = (self.asked(context), &*self.handler);
        match kind {
            TargetKind::Tool => {
                let list = |page| handler.list_tools(page, context.clone());
                each_page(list, |page| seen.look(&asked, page)).await
            }
            TargetKind::Prompt => {
                let list = |page| handler.list_prompts(page, context.clone());
                each_page(list, |page| seen.look(&asked, page)).await
            }
            _ => {
                let list = |page| handler.list_resources(page, context.clone());
                each_page(list, |page| seen.look(&asked, page)).await?;
                let list = |page| handler.list_resource_templates(page, context.clone());
                each_page(list, |page| seen.look(&asked, page)).await
            }
        }
    }

    /// Whether anything depends on who is asking, as far as is known.
    fn restricts(&self) -> bool {
        !self.shared.settings.scope_policy().is_empty() || !self.shared.catalogue.is_empty()
    }
}

/// What of a list a caller can use.
#[derive(Default)]
struct Seen {
    something: bool,
    usable: bool,
}

impl Seen {
    /// Whether more must be looked at.
    fn look<P: Page>(&mut self, asked: &Asked<'_>, page: &P) -> bool {
        self.usable |= page.items().iter().any(|item| asked.may_use(item));
        self.something |= !page.items().is_empty();
        !self.usable
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
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}
