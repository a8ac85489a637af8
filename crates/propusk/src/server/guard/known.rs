//! What is known of the definitions that lists have shown.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use super::listed::Listed;
use crate::{Requirement, Target, TargetKind, glob::Glob, spelling};

/// So many declarations of one kind are remembered; a name beyond them is looked for in the lists
/// each time. Of names that declare nothing half as many, so that they take no lock's place.
const MOST_NAMES: usize = 100_000;

/// Each of them is compared with each URI that is not listed itself.
const MOST_TEMPLATES: usize = 10_000;

/// A name that is declared in more ways than this is closed.
const MOST_WAYS: usize = 16;

/// How many definitions are remembered.
struct Most {
    names: usize,
    templates: usize,
}

impl Default for Most {
    fn default() -> Self {
        Self {
            names: MOST_NAMES,
            templates: MOST_TEMPLATES,
        }
    }
}

/// The definitions, by name or URI.
#[derive(Default)]
pub(super) struct Known {
    most: Most,
    tools: Named,
    prompts: Named,
    resources: Named,
    templates: HashMap<String, (Glob, Definition)>,
    /// Whether anything has declared anything.
    declares: bool,
    /// Of which kinds something declared could not be remembered.
    full: HashSet<TargetKind>,
}

/// Those of one kind, by name or URI.
type Named = HashMap<String, Definition>;

/// What a definition declares, in all the ways in which it has done so. Each is understood once.
#[derive(Default)]
pub(super) struct Definition {
    ways: Vec<Declared>,
    /// All of them; `None` where it has never declared anything.
    needs: Option<Requirement>,
    /// Whether the handler gives it to whoever asks for it by its name.
    by_name: AtomicBool,
}

struct Declared {
    written: Value,
    needs: Requirement,
}

/// What lists have shown about a target.
#[derive(Default)]
pub(super) struct About {
    /// Whether its name, or a template that it fits, stood in a list.
    pub(super) listed: bool,
    /// All that is declared for it.
    pub(super) declared: Option<Requirement>,
}

/// Something else than is known.
pub(super) struct News;

impl Known {
    #[cfg(test)]
    pub(super) fn with_room_for(most: usize) -> Self {
        let most = Most {
            names: most,
            templates: most,
        };
        Self {
            most,
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.declares
    }

    /// Whether something of this kind is declared that could not be remembered.
    pub(super) fn is_full(&self, kind: TargetKind) -> bool {
        self.full.contains(&kind)
    }

    /// What is known of this definition, unless it says something else.
    pub(super) fn exactly<T: Listed>(&self, item: &T) -> Result<Option<&Requirement>, News> {
        let known = self.definition::<T>(item.key()).ok_or(News)?;
        match item.written() {
            // Silence takes nothing back.
            Some(written) if !known.knows(written) => Err(News),
            _ => Ok(known.needs.as_ref()),
        }
    }

    /// What somebody says who is asked for one definition by its name: nothing but its own word
    /// counts, and where it is silent what lists have shown.
    pub(super) fn own<T: Listed>(&self, item: &T) -> Option<Requirement> {
        let known = self.definition::<T>(item.key());
        if let Some(known) = known {
            known.by_name.store(true, Ordering::Relaxed);
        }
        let Some(written) = item.written() else {
            return known?.needs.clone();
        };
        let same = |way: &&Declared| way.written == *written;
        match known.and_then(|known| known.ways.iter().find(same)) {
            Some(way) => Some(way.needs.clone()),
            None => item.declared(),
        }
    }

    /// Whether nothing but lists has shown this target.
    pub(super) fn is_only_listed(&self, target: &Target) -> bool {
        let known = self.named(target.kind()).and_then(|k| k.get(target.name()));
        known.is_some_and(|known| !known.by_name.load(Ordering::Relaxed))
    }

    fn definition<T: Listed>(&self, key: &str) -> Option<&Definition> {
        match T::IS_TEMPLATE {
            true => self.templates.get(key).map(|(_, known)| known),
            false => self.named(T::KIND)?.get(key),
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

    /// Under its name as it is listed, and in its normal form: a target is looked up in both.
    pub(super) fn set<T: Listed>(&mut self, item: &T) {
        self.declares |= item.written().is_some();
        let mut kept = self.set_as(item, item.key());
        if T::KIND == TargetKind::Resource {
            let normal = spelling::normal(item.key());
            if normal != item.key() {
                kept &= self.set_as(item, &normal);
            }
        }
        if !kept && item.written().is_some() && self.full.insert(T::KIND) {
            tracing::warn!(
                kind = ?T::KIND,
                "more is declared than can be remembered: names that are not are looked for in the \
                 lists each time"
            );
        }
    }

    /// Whether there was room for it.
    fn set_as<T: Listed>(&mut self, item: &T, name: &str) -> bool {
        let declares = item.written().is_some();
        let most = self.most.names;
        if T::IS_TEMPLATE {
            if !has_room(&self.templates, name, declares, self.most.templates) {
                return false;
            }
            let definition = || (Glob::of_template(name), Definition::default());
            let (_, known) = self
                .templates
                .entry(name.to_owned())
                .or_insert_with(definition);
            known.add(item);
            return true;
        }
        let Some(named) = self.named_mut(T::KIND) else {
            return true;
        };
        let room = has_room(named, name, declares, most);
        if room {
            named.entry(name.to_owned()).or_default().add(item);
        }
        room
    }

    /// What is known about a target: by a definition of its name or by a template that its URI fits,
    /// and all of it where there are several.
    pub(super) fn about(&self, target: &Target) -> About {
        let mut about = About::default();
        if target.kind() != TargetKind::Resource {
            let named = self.named(target.kind());
            about.take(named.and_then(|named| named.get(target.name())));
            return about;
        }
        for uri in &spellings(target.name()) {
            about.take(self.resources.get(&**uri));
            let fits = |template: &str, glob: &Glob| template == uri || glob.matches(uri);
            for (template, (glob, known)) in &self.templates {
                about.take(fits(template, glob).then_some(known));
            }
        }
        about
    }
}

impl Definition {
    fn knows(&self, written: &Value) -> bool {
        // Where it is closed, nothing is news.
        self.ways.len() > MOST_WAYS || self.ways.iter().any(|way| way.written == *written)
    }

    /// Another way to declare it takes nothing back either: all of them are needed.
    fn add<T: Listed>(&mut self, item: &T) {
        let (Some(written), Some(needs)) = (item.written(), item.declared()) else {
            return;
        };
        if self.knows(written) {
            return;
        }
        self.ways.push(Declared {
            written: written.clone(),
            needs: needs.clone(),
        });
        self.needs = Some(match self.needs.take() {
            _ if self.ways.len() > MOST_WAYS => Requirement::never(),
            Some(before) => before.and(needs),
            None => needs,
        });
        if self.ways.len() == 2 {
            tracing::warn!(
                kind = ?T::KIND,
                name = item.key(),
                "one definition declares different scopes; all of them are needed"
            );
        }
    }
}

impl About {
    fn take(&mut self, known: Option<&Definition>) {
        let Some(known) = known else {
            return;
        };
        self.listed = true;
        self.add(known.needs.clone());
    }

    fn add(&mut self, needs: Option<Requirement>) {
        let Some(needs) = needs else {
            return;
        };
        self.declared = Some(match self.declared.take() {
            Some(before) if before != needs => before.and(needs),
            _ => needs,
        });
    }

    /// Takes over what a definition says, where it is about this target.
    pub(super) fn look<T: Listed>(&mut self, target: &Target, item: &T) {
        if is_about(target, item) {
            self.listed = true;
            self.add(item.declared());
        }
    }
}

fn is_about<T: Listed>(target: &Target, item: &T) -> bool {
    if target.kind() != TargetKind::Resource || item.key() == target.name() {
        return item.key() == target.name();
    }
    let listed = spellings(item.key());
    let fits = |uri: &str| {
        listed
            .iter()
            .any(|key| key == uri || T::IS_TEMPLATE && Glob::of_template(key).matches(uri))
    };
    spellings(target.name()).iter().any(|uri| fits(uri))
}

/// A URI as it is written, and in its normal form where that is another.
fn spellings(uri: &str) -> Vec<Cow<'_, str>> {
    let normal = spelling::normal(uri);
    let mut spellings = vec![Cow::Borrowed(uri)];
    if normal != uri {
        spellings.push(normal);
    }
    spellings
}

fn has_room<T>(known: &HashMap<String, T>, name: &str, declares: bool, most: usize) -> bool {
    let most = if declares { most } else { most / 2 };
    known.len() < most || known.contains_key(name)
}

#[cfg(test)]
mod tests {
    use rmcp::model::{Prompt, Resource, ResourceTemplate};

    use super::*;
    use crate::server::scopes;

    fn declared(known: &Known, target: &Target) -> String {
        known
            .about(target)
            .declared
            .map_or_else(|| "nothing".to_owned(), |needs| needs.to_string())
    }

    #[test]
    fn all_ways_to_declare_one_name_are_needed_and_too_many_close_it() {
        let mut known = Known::default();
        let prompt = Prompt::new("p", None::<String>, None);
        let target = Target::new(TargetKind::Prompt, "p");
        known.set(&prompt);
        assert!(known.is_empty() && known.about(&target).listed);
        for (scope, all) in [("a", "a"), ("b", "a and b"), ("a", "a and b")] {
            let prompt = prompt.clone().with_meta(scopes([scope]));
            known.set(&prompt);
            assert_eq!(declared(&known, &target), all);
            assert!(known.exactly(&prompt).is_ok(), "no longer news");
        }
        known.set(&prompt.clone().with_meta(scopes([])));
        assert_eq!(declared(&known, &target), "a and b");
        for n in 0..MOST_WAYS {
            let scope = format!("s{n}");
            known.set(&prompt.clone().with_meta(scopes([scope.as_str()])));
        }
        assert_eq!(known.about(&target).declared, Some(Requirement::never()));
        let another = prompt.clone().with_meta(scopes(["another"]));
        assert!(known.exactly(&another).is_ok());
        known.set(&another);
        let ways = known.prompts.get("p").expect("known").ways.len();
        assert_eq!(ways, MOST_WAYS + 1);
    }

    /// Names that declare nothing leave room for those that do.
    #[test]
    fn what_is_remembered_is_bounded_and_says_so_where_a_lock_has_no_room() {
        const MOST: usize = 10;
        let mut known = Known::with_room_for(MOST);
        let kind = TargetKind::Prompt;
        for n in 0..=MOST {
            known.set(&Prompt::new(format!("open{n}"), None::<String>, None));
        }
        assert_eq!(known.prompts.len(), MOST / 2);
        assert!(!known.is_full(kind));
        let locked = |n| Prompt::new(format!("locked{n}"), None::<String>, None);
        for n in 0..MOST / 2 {
            known.set(&locked(n).with_meta(scopes(["key"])));
        }
        assert!(!known.is_full(kind));
        known.set(&locked(MOST).with_meta(scopes(["key"])));
        assert!(known.is_full(kind) && !known.is_full(TargetKind::Tool));
        assert_eq!(known.prompts.len(), MOST);
        let first = Target::new(kind, "locked0");
        assert_eq!(declared(&known, &first), "key", "nothing is forgotten");
    }

    /// For a walk of whose locks some have no room.
    #[test]
    fn a_definition_is_found_by_each_spelling_of_its_target() {
        let read = |uri: &str| Target::new(TargetKind::Resource, uri);
        let look = |target: &Target| {
            let mut about = About::default();
            about.look(
                target,
                &Resource::new("mem:///a%20b", "a").with_meta(scopes(["one"])),
            );
            about.look(
                target,
                &ResourceTemplate::new("mem:///{id}", "t").with_meta(scopes(["two"])),
            );
            about
                .declared
                .map_or_else(|| "nothing".to_owned(), |needs| needs.to_string())
        };
        assert_eq!(look(&read("mem:///a b")), "one and two");
        assert_eq!(look(&read("MEM:///a%20b")), "one and two");
        assert_eq!(look(&read("mem:///c")), "two");
        assert_eq!(look(&read("file:///c")), "nothing");
    }
}
