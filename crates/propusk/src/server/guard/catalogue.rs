//! What a handler declares for what it lists.
//!
//! A tool can be asked for by its name (`get_tool`); a prompt or a resource only by listing all. So
//! the lists are walked for each caller, when something of their kind is first wanted, and every list
//! that passes later is learned from: what anybody has seen locked is locked for all, also where
//! another list shows it without its declaration. Only another declaration takes its place.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{ErrorCode, PaginatedRequestParams},
    service::RequestContext,
};
use serde_json::Value;

use super::{
    asked::caller,
    listed::{Listed, Page},
    walks::{Walks, walker},
};
use crate::{Requirement, Target, TargetKind, glob::Glob, spelling};

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

/// The declarations; what declares nothing is not kept.
#[derive(Default)]
struct Known {
    tools: Named,
    prompts: Named,
    resources: Named,
    templates: HashMap<String, (Glob, Declared)>,
}

/// Those of one kind, by name or URI.
type Named = HashMap<String, Declared>;

/// What a definition declares. It is understood once, and as long as the same is written.
#[derive(Clone)]
struct Declared {
    written: Value,
    needs: Requirement,
}

impl Declared {
    fn by<T: Listed>(item: &T) -> Option<Self> {
        Some(Self {
            written: item.written()?.clone(),
            needs: item.declared()?,
        })
    }
}

impl Catalogue {
    /// Walks the lists of this kind as the caller of this request sees them, unless that has been
    /// done a short while ago.
    ///
    /// # Errors
    /// A list cannot be had now, so that nobody knows what is declared.
    pub(super) async fn load<H: ServerHandler>(
        &self,
        kind: TargetKind,
        handler: &H,
        context: &RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let Some(walked) = self.walked.of(kind) else {
            return Ok(());
        };
        let walk = || async {
            match kind {
                TargetKind::Tool => {
                    self.walk(|page| handler.list_tools(page, context.clone()))
                        .await
                }
                TargetKind::Prompt => {
                    self.walk(|page| handler.list_prompts(page, context.clone()))
                        .await
                }
                _ => {
                    self.walk(|page| handler.list_resources(page, context.clone()))
                        .await?;
                    self.walk(|page| handler.list_resource_templates(page, context.clone()))
                        .await?;
                    // A skill is read as a resource, too.
                    self.walk(|page| handler.list_skills(page, context.clone()))
                        .await
                }
            }
        };
        let caller = caller(&context.extensions);
        walked
            .walk(walker(caller), walk)
            .await
            .inspect_err(|error| {
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
    ) -> Result<(), ErrorData>
    where
        F: Future<Output = Result<P, ErrorData>>,
    {
        each_page(list, |page: &P| {
            let mut pupil = self.pupil();
            page.items().iter().for_each(|item| drop(pupil.learn(item)));
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
        match self.read().exactly(item) {
            Ok(declared) => declared.map(|declared| declared.needs.clone()),
            Err(News) => item.declared(),
        }
    }

    /// What is declared for a target, by a definition of its name or by a template that its URI
    /// fits; all of it where there are several.
    pub(super) fn declared(&self, target: &Target) -> Option<Requirement> {
        let known = self.read();
        if target.kind() != TargetKind::Resource {
            let declared = known.named(target.kind())?.get(target.name())?;
            return Some(declared.needs.clone());
        }
        let normal = spelling::normal(target.name());
        let mut spellings = vec![target.name()];
        if normal != target.name() {
            spellings.push(&normal);
        }
        let found = spellings.into_iter().flat_map(|uri| known.about(uri));
        found.cloned().reduce(Requirement::and)
    }

    pub(super) fn is_empty(&self) -> bool {
        let known = self.read();
        let named = [&known.tools, &known.prompts, &known.resources];
        known.templates.is_empty() && named.into_iter().all(HashMap::is_empty)
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
            return declared.map(|declared| declared.needs.clone());
        }
        // Whoever reads cannot write.
        self.known = None;
        let lock = &self.catalogue.known;
        let mut known = lock.write().unwrap_or_else(PoisonError::into_inner);
        known.set(item);
        item.declared()
    }
}

/// Something else than is known.
struct News;

impl Known {
    /// What is known of this definition, unless it declares something else.
    fn exactly<T: Listed>(&self, item: &T) -> Result<Option<&Declared>, News> {
        let known = match T::IS_TEMPLATE {
            true => self.templates.get(item.key()).map(|(_, known)| known),
            false => self.named(T::KIND).and_then(|of| of.get(item.key())),
        };
        match item.written() {
            // Silence takes nothing back.
            None => Ok(known),
            Some(written) if known.is_some_and(|known| known.written == *written) => Ok(known),
            Some(_) => Err(News),
        }
    }

    fn named(&self, kind: TargetKind) -> Option<&Named> {
        match kind {
            TargetKind::Tool => Some(&self.tools),
            TargetKind::Prompt => Some(&self.prompts),
            TargetKind::Resource => Some(&self.resources),
            TargetKind::Task => None,
        }
    }

    fn named_mut(&mut self, kind: TargetKind) -> Option<&mut Named> {
        match kind {
            TargetKind::Tool => Some(&mut self.tools),
            TargetKind::Prompt => Some(&mut self.prompts),
            TargetKind::Resource => Some(&mut self.resources),
            TargetKind::Task => None,
        }
    }

    /// Under its name as it is declared, and in its normal form: a target is looked up in both.
    fn set<T: Listed>(&mut self, item: &T) {
        let Some(declared) = Declared::by(item) else {
            return;
        };
        self.set_as::<T>(item.key(), declared.clone());
        if T::KIND == TargetKind::Resource {
            let normal = spelling::normal(item.key());
            if normal != item.key() {
                self.set_as::<T>(&normal, declared);
            }
        }
    }

    fn set_as<T: Listed>(&mut self, name: &str, declared: Declared) {
        if T::IS_TEMPLATE {
            let pattern = Glob::of_template(name);
            self.templates.insert(name.to_owned(), (pattern, declared));
        } else if let Some(named) = self.named_mut(T::KIND) {
            named.insert(name.to_owned(), declared);
        }
    }

    fn about<'a>(&'a self, uri: &'a str) -> impl Iterator<Item = &'a Requirement> {
        let named = self.resources.get(uri);
        let fitting = self
            .templates
            .iter()
            .filter(move |(template, (pattern, _))| *template == uri || pattern.matches(uri));
        named
            .into_iter()
            .chain(fitting.map(|(_, (_, declared))| declared))
            .map(|declared| &declared.needs)
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
