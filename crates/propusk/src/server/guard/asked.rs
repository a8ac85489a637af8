//! One request at the guard.

use std::{borrow::Cow, sync::Arc};

use http::request::Parts;
use rmcp::{
    ErrorData, RoleServer,
    model::{CacheScope, Extensions, MetaObject, ProtocolVersion, RequestId},
    service::RequestContext,
};

use super::{
    super::{
        refusal::refusal_in,
        scopes::{MISSING, SCOPES, array, is_array_of},
    },
    Shared,
    listed::{Listed, Page},
    way::Way,
};
use crate::{
    AccessToken, AuthSettings, Operation, Permit, Reason, Refusal, Requirement, ScopeSet, Target,
    TargetKind,
    decide::{Needs, within_scopes},
    layer::Onward,
    rules::{RuleSet, Rules as _},
};

/// Who asks, and where a refusal goes. Without a permit in the request (it came another way than
/// through an [`AuthLayer`](crate::AuthLayer)) nobody is asking, whatever else it says.
pub(super) struct Asked<'a> {
    shared: &'a Shared,
    settings: Arc<AuthSettings>,
    caller: Option<AccessToken>,
    /// What the rules were asked about, and the rules, where the layer in front has any.
    ruled: Option<Arc<(Operation, RuleSet)>>,
    way: Way,
}

/// The caller of the request that came with these extensions.
pub(super) fn caller(extensions: &Extensions) -> Option<&AccessToken> {
    let http = &extensions.get::<Parts>()?.extensions;
    http.get::<Permit>()?.caller()
}

/// The rules that judged the request with these extensions, and what they were asked about.
pub(super) fn ruled(extensions: &Extensions) -> Option<&Arc<(Operation, RuleSet)>> {
    let http = &extensions.get::<Parts>()?.extensions;
    http.get::<Onward>()?.ruled.as_ref()
}

impl<'a> Asked<'a> {
    pub(super) fn new(shared: &'a Shared, context: &RequestContext<RoleServer>) -> Self {
        Self::of(shared, &context.extensions, Some(&context.id))
    }

    /// Of a notification, which has no id.
    pub(super) fn notified(shared: &'a Shared, extensions: &Extensions) -> Self {
        Self::of(shared, extensions, None)
    }

    fn of(shared: &'a Shared, extensions: &Extensions, id: Option<&RequestId>) -> Self {
        let caller = caller(extensions);
        Self {
            shared,
            settings: shared.settings(),
            way: Way::of(extensions, id, caller),
            caller: caller.cloned(),
            ruled: ruled(extensions).cloned(),
        }
    }

    /// The second check, on what rmcp is about to hand to the handler.
    pub(super) fn check(&self, operation: &Operation) -> Result<(), ErrorData> {
        within_scopes(&self.settings, operation, self.caller.as_ref())
            .map_err(|refusal| self.refuse(operation, refusal))?;
        if let Some(ruled) = &self.ruled
            && !is_covered(operation, &ruled.0)
        {
            let why = format!(
                "the rules judged {}, and the handler would get this",
                ruled.0
            );
            let refusal = Refusal::by_rule(Reason::Ruled, why, None);
            return Err(self.refuse(operation, refusal));
        }
        self.way.allowed(self.shared, operation);
        Ok(())
    }

    /// Passes an answer on, and tells the layer where it is a refusal out of the handler's own
    /// body. What the operation needs in any case is named with what the handler found out.
    pub(super) fn answer<T>(
        &self,
        operation: &Operation,
        answer: Result<T, ErrorData>,
    ) -> Result<T, ErrorData> {
        let error = match answer {
            Err(error) => error,
            answer => return answer,
        };
        let Some(refusal) = refusal_in(&error) else {
            return Err(error);
        };
        if refusal.reason() == Reason::Forbidden {
            return Err(self.refuse(operation, refusal));
        }
        let needs = Needs::of(&self.settings, operation).named(self.caller.as_ref());
        let mut named = needs.unwrap_or_default();
        named.extend(refusal.needed_scopes().iter().cloned());
        // Signing in is what would help somebody who has not.
        let reason = match (refusal.reason(), &self.caller) {
            (Reason::InsufficientScope, None) => Reason::NoToken,
            (reason, _) => reason,
        };
        Err(self.refuse(operation, Refusal::new(reason, named)))
    }

    fn refuse(&self, operation: &Operation, refusal: Refusal) -> ErrorData {
        self.way.refused(self.shared, operation, &refusal);
        refusal.into()
    }

    pub(super) fn may_use<T: Listed>(&self, item: &T) -> bool {
        let using = item.operation();
        within_scopes(&self.settings, &using, self.caller.as_ref()).is_ok() && self.shows(&using)
    }

    /// Whether the rules show what an operation acts upon.
    fn shows(&self, using: &Operation) -> bool {
        let (Some(ruled), Operation::Method { targets, .. }) = (&self.ruled, using) else {
            return true;
        };
        let caller = self.caller.as_ref();
        targets.iter().all(|target| ruled.1.shows(target, caller))
    }

    /// Takes out of a page what the caller may not use, and shows for the rest what it needs. The
    /// order and the cursor stay; a page may become empty. `declared` tells what an item declares.
    pub(super) fn show<P: Page>(
        &self,
        page: &mut P,
        mut declared: impl FnMut(&P::Item) -> Option<Requirement>,
        context: &RequestContext<RoleServer>,
    ) {
        let mut using = P::Item::using_one();
        page.items_mut().retain_mut(|item| {
            using.retarget(item.key(), declared(item));
            self.shows(&using) && self.show_item(item, &using)
        });
        let version = context.protocol_version();
        let modern = ProtocolVersion::V_2026_07_28;
        let is_modern = version.is_some_and(|version| version.as_str() >= modern.as_str());
        // Also where all is shown: what the caller lacks is shown with it.
        if is_modern {
            *page.cache_scope_mut() = Some(CacheScope::Private);
        }
    }

    fn show_item<T: Listed>(&self, item: &mut T, using: &Operation) -> bool {
        let (needs, caller) = (Needs::of(&self.settings, using), self.caller.as_ref());
        let permitted = needs.are_met_by(caller);
        if !permitted && !self.settings.shows_all() {
            return false;
        }
        if permitted && needs.is_common() {
            return true;
        }
        let only = needs.only_set().filter(|_| permitted);
        if only.is_some_and(|set| item.written().is_some_and(|own| is_array_of(own, set))) {
            return true;
        }
        let needs = match only {
            Some(set) => Cow::Borrowed(set),
            None => Cow::Owned(needs.particular(caller).unwrap_or_default()),
        };
        if !needs.is_empty() {
            let meta = item.meta_mut().get_or_insert_with(MetaObject::default);
            meta.insert(SCOPES.to_owned(), array(&needs));
        }
        if !permitted {
            let meta = item.meta_mut().get_or_insert_with(MetaObject::default);
            meta.insert(MISSING.to_owned(), array(&self.lacking(&needs)));
        }
        true
    }

    fn lacking(&self, needs: &ScopeSet) -> ScopeSet {
        let nothing = ScopeSet::default();
        let held = self.caller.as_ref().map_or(&nothing, AccessToken::scopes);
        let hierarchy = self.settings.scope_hierarchy();
        let lacks = |scope: &&crate::Scope| !hierarchy.grants(held, scope);
        needs.iter().filter(lacks).cloned().collect()
    }
}

/// Whether what a handler is about to get is what the rules have judged. The id of a task is another
/// one by then: what the client has of it is sealed.
fn is_covered(operation: &Operation, judged: &Operation) -> bool {
    let (
        Operation::Method { method, targets },
        Operation::Method {
            method: judged_method,
            targets: judged_targets,
        },
    ) = (operation, judged)
    else {
        return false;
    };
    let is_judged = |target: &Target| {
        target.kind() == TargetKind::Task
            || judged_targets
                .iter()
                .any(|judged| judged.kind() == target.kind() && judged.name() == target.name())
    };
    method == judged_method && targets.iter().all(is_judged)
}
