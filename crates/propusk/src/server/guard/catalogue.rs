//! What a handler declares for what it lists.
//!
//! A tool can be asked for by its name (`get_tool`); a prompt or a resource only by listing all. So
//! the lists are walked for each caller, and every list that passes is learned from: what anybody has
//! seen locked is locked for all, also where another list shows it without its declaration, or with
//! another one. A name that no list has shown is looked for before it may be used.

use std::{
    sync::{PoisonError, RwLock, RwLockReadGuard},
    time::{Duration, Instant},
};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{ErrorCode, PaginatedRequestParams},
    service::RequestContext,
};
use tokio::time::timeout;

use super::{
    asked::caller,
    known::{About, Known},
    listed::{Listed, Page},
    walks::{Walks, walker},
};
use crate::{Requirement, Target, TargetKind};

/// More pages than a list has; a handler whose cursors lead in a circle must not hold a request.
const MOST_PAGES: usize = 1_000;

/// A list that takes longer cannot be had: whoever waits for it is refused.
const LONGEST: Duration = Duration::from_secs(10);

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
struct Sought<'a> {
    target: &'a mut Target,
    about: About,
}

impl Catalogue {
    /// Finds what is declared for the targets of one request, as far as its caller can know of it, who
    /// came at `arrived`.
    ///
    /// What has been listed is known, and a change of it is seen within a minute. What has not is
    /// looked for now: it may have been added a moment ago. That is no amplification, since whoever
    /// may ask for a made-up name may as well ask for the list.
    ///
    /// # Errors
    /// A list cannot be had now, so that nobody knows what is declared.
    pub(super) async fn find<H: ServerHandler>(
        &self,
        targets: Vec<&mut Target>,
        arrived: Instant,
        handler: &H,
        context: &RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let mut sought: Vec<Sought<'_>> = Vec::new();
        for target in targets {
            let kind = target.kind();
            let before = self.about(target);
            if self.is_all(kind, &before) {
                let since = (!before.listed).then_some(arrived);
                self.load(kind, since, handler, context).await?;
            }
            // That may have been more than there is room for.
            let about = self.about(target);
            if self.is_all(kind, &about) {
                target.declare(about.declared);
            } else {
                sought.push(Sought { target, about });
            }
        }
        self.look_for(sought, handler, context).await
    }

    /// Whether nothing else can be declared for a target of this kind. Where something had no room, it
    /// can for a resource: by another template, or under another spelling.
    fn is_all(&self, kind: TargetKind, about: &About) -> bool {
        !self.read().is_full(kind) || (kind != TargetKind::Resource && about.listed)
    }

    /// Looks for all that is declared where not all could be remembered, with one walk of a kind.
    async fn look_for<H: ServerHandler>(
        &self,
        mut sought: Vec<Sought<'_>>,
        handler: &H,
        context: &RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        while let Some(kind) = sought.first().map(|first| first.target.kind()) {
            let others = |sought: &Sought<'_>| sought.target.kind() != kind;
            let (rest, mut all): (Vec<_>, Vec<_>) = sought.into_iter().partition(others);
            self.walk_all(kind, handler, context, &mut all).await?;
            for Sought { target, about } in all {
                target.declare(about.declared);
            }
            sought = rest;
        }
        Ok(())
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
        let walk = || self.walk_all(kind, handler, context, &mut []);
        let caller = caller(&context.extensions);
        walked.walk(walker(caller), since, walk).await
    }

    async fn walk_all<H: ServerHandler>(
        &self,
        kind: TargetKind,
        handler: &H,
        context: &RequestContext<RoleServer>,
        sought: &mut [Sought<'_>],
    ) -> Result<(), ErrorData> {
        let walked = async {
            match kind {
                TargetKind::Tool => {
                    self.walk(|page| handler.list_tools(page, context.clone()), sought)
                        .await
                }
                TargetKind::Prompt => {
                    self.walk(|page| handler.list_prompts(page, context.clone()), sought)
                        .await
                }
                _ => {
                    self.walk(|page| handler.list_resources(page, context.clone()), sought)
                        .await?;
                    let templates = |page| handler.list_resource_templates(page, context.clone());
                    self.walk(templates, sought).await?;
                    // A skill is read as a resource, too.
                    self.walk(|page| handler.list_skills(page, context.clone()), sought)
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
        sought: &mut [Sought<'_>],
    ) -> Result<(), ErrorData>
    where
        F: Future<Output = Result<P, ErrorData>>,
    {
        each_page(list, |page: &P| {
            let mut pupil = self.pupil();
            page.items().iter().for_each(|item| drop(pupil.learn(item)));
            for sought in &mut *sought {
                let items = page.items().iter();
                items.for_each(|item| sought.about.look(sought.target, item));
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

    /// Whether nothing but lists has shown this target.
    pub(super) fn is_only_listed(&self, target: &Target) -> bool {
        self.read().is_only_listed(target)
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

/// [`pages`] within [`LONGEST`].
pub(super) async fn each_page<P: Page, F>(
    list: impl Fn(Option<PaginatedRequestParams>) -> F,
    look: impl FnMut(&P) -> bool,
) -> Result<(), ErrorData>
where
    F: Future<Output = Result<P, ErrorData>>,
{
    let too_long = |_| ErrorData::internal_error("a list takes too long", None);
    timeout(LONGEST, pages(list, look))
        .await
        .map_err(too_long)?
}

/// Asks for page after page until `look` has seen enough and says so with `false`. A handler
/// without such a list has an empty one.
async fn pages<P: Page, F>(
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rmcp::model::{
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, NumberOrString,
        Prompt, Resource, ResourceTemplate,
    };

    use super::*;
    use crate::server::{guard::offered::nobody, scopes};

    type Asked = Option<PaginatedRequestParams>;
    type Context = RequestContext<RoleServer>;

    /// Each of its prompts needs a scope of the same name.
    #[derive(Default)]
    struct Several {
        walks: AtomicUsize,
    }

    impl ServerHandler for Several {
        async fn list_prompts(&self, _: Asked, _: Context) -> Result<ListPromptsResult, ErrorData> {
            let prompt = |name| Prompt::new(name, None::<String>, None).with_meta(scopes([name]));
            let prompts = ["a", "b", "c"].map(prompt).to_vec();
            Ok(ListPromptsResult::with_all_items(prompts))
        }

        async fn list_resources(
            &self,
            _: Asked,
            _: Context,
        ) -> Result<ListResourcesResult, ErrorData> {
            self.walks.fetch_add(1, Ordering::SeqCst);
            let resource = |uri: &str| Resource::new(uri, uri);
            let resources = vec![
                resource("later:///1"),
                resource("mem:///a").with_meta(scopes(["a"])),
                resource("mem:///b").with_meta(scopes(["b"])),
            ];
            Ok(ListResourcesResult::with_all_items(resources))
        }

        async fn list_resource_templates(
            &self,
            _: Asked,
            _: Context,
        ) -> Result<ListResourceTemplatesResult, ErrorData> {
            let template = |uri: &str| ResourceTemplate::new(uri, uri);
            let templates = vec![
                template("mem:///{id}"),
                template("first:///{id}").with_meta(scopes(["first"])),
                template("later:///{id}").with_meta(scopes(["later"])),
            ];
            Ok(ListResourceTemplatesResult::with_all_items(templates))
        }
    }

    fn with_room_for(most: usize) -> Catalogue {
        Catalogue {
            known: RwLock::new(Known::with_room_for(most)),
            ..Catalogue::default()
        }
    }

    async fn find<const N: usize>(
        catalogue: &Catalogue,
        handler: &Several,
        kind: TargetKind,
        names: [&str; N],
    ) -> [String; N] {
        let nobody = nobody();
        let context = RequestContext::new(NumberOrString::Number(0), nobody.peer().clone());
        let mut targets = names.map(|name| Target::new(kind, name));
        let all = targets.iter_mut().collect();
        let found = catalogue.find(all, Instant::now(), handler, &context);
        found.await.expect("it lists");
        targets.map(|target| {
            let declared = target.declared().map(ToString::to_string);
            declared.unwrap_or_else(|| "nothing".to_owned())
        })
    }

    #[tokio::test]
    async fn a_lock_that_has_no_room_is_found_each_time() {
        let (catalogue, handler) = (with_room_for(1), Several::default());
        let kind = TargetKind::Prompt;
        for name in ["a", "b", "c", "b"] {
            assert_eq!(find(&catalogue, &handler, kind, [name]).await, [name]);
            let known = catalogue.declared(&Target::new(kind, name)).is_some();
            assert_eq!(known, name == "a", "there is room for one");
        }
        let found = find(&catalogue, &handler, kind, ["d", "a", "c"]).await;
        assert_eq!(found, ["nothing", "a", "c"]);
    }

    /// Neither an open template nor an open resource that is remembered stands for one that is not.
    #[tokio::test]
    async fn a_lock_that_has_no_room_is_found_beside_what_is_open() {
        let (catalogue, handler) = (with_room_for(2), Several::default());
        let kind = TargetKind::Resource;
        for (uri, needs) in [
            ("mem:///a", "a"),
            ("mem:///b", "b"),
            ("MEM:///%62", "b"),
            ("mem:///c", "nothing"),
            ("first:///1", "first"),
            ("later:///1", "later"),
            ("later:///2", "later"),
        ] {
            assert_eq!(
                find(&catalogue, &handler, kind, [uri]).await,
                [needs],
                "{uri}"
            );
        }
        let remembered = ["mem:///b", "later:///1"].map(|uri| Target::new(kind, uri));
        assert!(
            remembered
                .iter()
                .all(|target| catalogue.declared(target).is_none())
        );
    }

    #[tokio::test]
    async fn all_targets_of_a_request_are_looked_for_in_one_walk() {
        let (catalogue, handler) = (with_room_for(2), Several::default());
        let uris = ["mem:///a", "mem:///b", "mem:///c", "later:///1"];
        for most in [2, 1] {
            let found = find(&catalogue, &handler, TargetKind::Resource, uris).await;
            assert_eq!(found, ["a", "b", "nothing", "later"]);
            let walks = handler.walks.swap(0, Ordering::SeqCst);
            assert!(walks <= most, "{walks}");
        }
    }
}
