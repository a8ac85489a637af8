//! What a handler declares for what it lists.
//!
//! A tool can be asked for by its name (`get_tool`); a prompt or a resource only by listing all. So
//! the lists are walked for each caller, and every list that passes is learned from: what anybody has
//! seen locked is locked for all, also where another list shows it without its declaration, or with
//! another one. A name that no list has shown is looked for before it may be used.

use std::{
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard},
    time::Instant,
};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{ErrorCode, PaginatedRequestParams},
    service::RequestContext,
};

use super::{
    asked::caller,
    known::{About, Known},
    listed::{Listed, Page},
    walks::{Walks, walker},
};
use crate::{Requirement, Target, TargetKind};

/// More pages than a list has; a handler whose cursors lead in a circle must not hold a request.
const MOST_PAGES: usize = 1_000;

#[derive(Default)]
pub(super) struct Catalogue {
    walked: Walked,
    known: RwLock<Known>,
}

/// The walks through the lists of each kind.
#[derive(Default)]
struct Walked {
    tools: Walks,
    prompts: Walks,
    resources: Walks,
}

impl Walked {
    fn of(&self, kind: TargetKind) -> Option<&Walks> {
        match kind {
            TargetKind::Tool => Some(&self.tools),
            TargetKind::Prompt => Some(&self.prompts),
            TargetKind::Resource => Some(&self.resources),
            TargetKind::Task => None,
        }
    }
}

/// A target that a walk looks for, beside all that it learns.
type Wanted<'a> = Option<(&'a Target, &'a Mutex<About>)>;

impl Catalogue {
    /// What is declared for a target, as far as the caller of this request can know of it, who came
    /// at `arrived`.
    ///
    /// What has been listed is known, and a change of it is seen within a minute. What has not is
    /// looked for now: it may have been added a moment ago. That is no amplification, since whoever
    /// may ask for a made-up name may as well ask for the list.
    ///
    /// # Errors
    /// A list cannot be had now, so that nobody knows what is declared.
    pub(super) async fn find<H: ServerHandler>(
        &self,
        target: &Target,
        arrived: Instant,
        handler: &H,
        context: &RequestContext<RoleServer>,
    ) -> Result<Option<Requirement>, ErrorData> {
        let kind = target.kind();
        let before = self.about(target);
        // Of a resource there may be more to know, by a template that it fits.
        if kind != TargetKind::Resource && before.declared.is_some() {
            return Ok(before.declared);
        }
        let since = (!before.listed).then_some(arrived);
        self.load(kind, since, handler, context).await?;
        let about = self.about(target);
        if about.listed || !self.read().is_full(kind) {
            return Ok(about.declared);
        }
        let found = Mutex::new(about);
        self.walk_all(kind, handler, context, Some((target, &found)))
            .await?;
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(found.declared)
    }

    /// Walks the lists of this kind as the caller of this request sees them, unless that has been
    /// done: after `since`, or a short while ago.
    ///
    /// # Errors
    /// A list cannot be had now, so that nobody knows what is declared.
    pub(super) async fn load<H: ServerHandler>(
        &self,
        kind: TargetKind,
        since: Option<Instant>,
        handler: &H,
        context: &RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let Some(walked) = self.walked.of(kind) else {
            return Ok(());
        };
        let walk = || self.walk_all(kind, handler, context, None);
        let caller = caller(&context.extensions);
        walked.walk(walker(caller), since, walk).await
    }

    async fn walk_all<H: ServerHandler>(
        &self,
        kind: TargetKind,
        handler: &H,
        context: &RequestContext<RoleServer>,
        wanted: Wanted<'_>,
    ) -> Result<(), ErrorData> {
        let walked = async {
            match kind {
                TargetKind::Tool => {
                    self.walk(|page| handler.list_tools(page, context.clone()), wanted)
                        .await
                }
                TargetKind::Prompt => {
                    self.walk(|page| handler.list_prompts(page, context.clone()), wanted)
                        .await
                }
                _ => {
                    self.walk(|page| handler.list_resources(page, context.clone()), wanted)
                        .await?;
                    let templates = |page| handler.list_resource_templates(page, context.clone());
                    self.walk(templates, wanted).await?;
                    // A skill is read as a resource, too.
                    self.walk(|page| handler.list_skills(page, context.clone()), wanted)
                        .await
                }
            }
        };
        walked.await.inspect_err(|error| {
            let code = error.code.0;
            tracing::warn!(
                ?kind,
                code,
                "a list cannot be had; what it may declare stays closed"
            );
        })
    }

    async fn walk<P: Page, F>(
        &self,
        list: impl Fn(Option<PaginatedRequestParams>) -> F,
        wanted: Wanted<'_>,
    ) -> Result<(), ErrorData>
    where
        F: Future<Output = Result<P, ErrorData>>,
    {
        each_page(list, |page: &P| {
            let mut pupil = self.pupil();
            page.items().iter().for_each(|item| drop(pupil.learn(item)));
            if let Some((target, found)) = wanted {
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                page.items()
                    .iter()
                    .for_each(|item| found.look(target, item));
            }
            true
        })
        .await
    }

    /// Takes over what definitions declare, one after the other.
    pub(super) fn pupil(&self) -> Pupil<'_> {
        Pupil {
            catalogue: self,
            known: None,
        }
    }

    /// What this definition declares; it is not parsed where it says what is known already.
    pub(super) fn declared_by<T: Listed>(&self, item: &T) -> Option<Requirement> {
        self.read().own(item)
    }

    /// What is known to be declared for a target.
    pub(super) fn declared(&self, target: &Target) -> Option<Requirement> {
        self.about(target).declared
    }

    fn about(&self, target: &Target) -> About {
        self.read().about(target)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    /// Whether the lists of this kind have been walked for anybody.
    pub(super) fn is_walked(&self, kind: TargetKind) -> bool {
        self.walked.of(kind).is_none_or(Walks::any)
    }

    /// Whether all lists have been walked.
    pub(super) fn is_complete(&self) -> bool {
        let kinds = [TargetKind::Tool, TargetKind::Prompt, TargetKind::Resource];
        kinds.into_iter().all(|kind| self.is_walked(kind))
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Learns from a page. It holds the lock from one definition to the next, so that each of a long
/// page is looked at while the processor has it at hand, and is not to be kept.
pub(super) struct Pupil<'a> {
    catalogue: &'a Catalogue,
    known: Option<RwLockReadGuard<'a, Known>>,
}

impl Pupil<'_> {
    /// Takes over what this definition declares, and tells what is known to be declared.
    pub(super) fn learn<T: Listed>(&mut self, item: &T) -> Option<Requirement> {
        let known = self.known.get_or_insert_with(|| self.catalogue.read());
        if let Ok(declared) = known.exactly(item) {
            return declared.cloned();
        }
        // Whoever reads cannot write.
        self.known = None;
        let lock = &self.catalogue.known;
        let mut known = lock.write().unwrap_or_else(PoisonError::into_inner);
        known.set(item);
        match known.exactly(item) {
            Ok(declared) => declared.cloned(),
            // There was no room for it.
            Err(_) => item.declared(),
        }
    }
}

/// Asks for page after page until `look` has seen enough and says so with `false`. A handler
/// without such a list has an empty one.
pub(super) async fn each_page<P: Page, F>(
    list: impl Fn(Option<PaginatedRequestParams>) -> F,
    mut look: impl FnMut(&P) -> bool,
) -> Result<(), ErrorData>
where
    F: Future<Output = Result<P, ErrorData>>,
{
    let mut at = None;
    for _ in 0..MOST_PAGES {
        let page = match list(at).await {
            Err(error) if error.code == ErrorCode::METHOD_NOT_FOUND => return Ok(()),
            page => page?,
        };
        let cursor = page.cursor().cloned();
        if !look(&page) || cursor.is_none() {
            return Ok(());
        }
        at = Some(PaginatedRequestParams::default().with_cursor(cursor));
    }
    Err(ErrorData::internal_error("a list has no end", None))
}

#[cfg(test)]
mod tests {
    use rmcp::model::{ListPromptsResult, NumberOrString, Prompt};

    use super::*;
    use crate::server::{guard::offered::nobody, scopes};

    /// Each of its prompts needs a scope of the same name.
    struct Several;

    impl ServerHandler for Several {
        async fn list_prompts(
            &self,
            _: Option<PaginatedRequestParams>,
            _: RequestContext<RoleServer>,
        ) -> Result<ListPromptsResult, ErrorData> {
            let prompt = |name| Prompt::new(name, None::<String>, None).with_meta(scopes([name]));
            let prompts = ["a", "b", "c"].map(prompt).to_vec();
            Ok(ListPromptsResult::with_all_items(prompts))
        }
    }

    #[tokio::test]
    async fn a_lock_that_has_no_room_is_found_each_time() {
        let catalogue = Catalogue {
            known: RwLock::new(Known::with_room_for(1)),
            ..Catalogue::default()
        };
        let nobody = nobody();
        let context = RequestContext::new(NumberOrString::Number(0), nobody.peer().clone());
        for (name, needs) in [("a", "a"), ("b", "b"), ("c", "c"), ("b", "b")] {
            let target = Target::new(TargetKind::Prompt, name);
            let found = catalogue.find(&target, Instant::now(), &Several, &context);
            let found = found.await.expect("it lists").expect("declared");
            assert_eq!(found.to_string(), needs);
            let known = catalogue.declared(&target).is_some();
            assert_eq!(known, name == "a", "there is room for one");
        }
        let other = Target::new(TargetKind::Prompt, "d");
        let found = catalogue.find(&other, Instant::now(), &Several, &context);
        assert_eq!(found.await.expect("it lists"), None);
    }
}
