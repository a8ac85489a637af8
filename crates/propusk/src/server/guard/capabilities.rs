//! What a server offers, cut down to what its caller can use.

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{SKILLS_EXTENSION_ID, ServerCapabilities},
    service::RequestContext,
};

use super::{Guard, asked::Asked, catalogue::each_page, listed::Page};
use crate::TargetKind;

impl<H: ServerHandler> Guard<H> {
    /// Takes away the capabilities of which this caller can use nothing, where there is something
    /// to hide. What cannot be told, since a list fails, is left: it is hidden in the list itself.
    pub(super) async fn cut_capabilities(
        &self,
        has: &mut ServerCapabilities,
        context: &RequestContext<RoleServer>,
    ) {
        for kind in [TargetKind::Tool, TargetKind::Prompt, TargetKind::Resource] {
            let loaded = self
                .shared
                .catalogue
                .load(kind, None, &*self.handler, context);
            // It has been logged, and does not hold up the others.
            let _ = loaded.await;
        }
        if self.shared.settings().shows_all() || !self.hides(context) {
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
        if has.supports_skills()
            && (has.resources.is_none() || self.are_skills_hidden(context).await)
        {
            let extensions = has.extensions.as_mut();
            extensions.and_then(|extensions| extensions.remove(SKILLS_EXTENSION_ID));
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

    /// The same for skills.
    async fn are_skills_hidden(&self, context: &RequestContext<RoleServer>) -> bool {
        let mut seen = Seen::default();
        let looked = self.look_at_skills(context, &mut seen).await;
        looked.is_ok() && seen.something && !seen.usable
    }

    async fn look_at_skills(
        &self,
        context: &RequestContext<RoleServer>,
        seen: &mut Seen,
    ) -> Result<(), ErrorData> {
        let (asked, handler) = (self.asked(context), &*self.handler);
        let list = |page| handler.list_skills(page, context.clone());
        each_page(list, |page| seen.look(&asked, page)).await
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
                each_page(list, |page| seen.look(&asked, page)).await?;
                // A skill is read as a resource, too.
                self.look_at_skills(context, seen).await
            }
        }
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
