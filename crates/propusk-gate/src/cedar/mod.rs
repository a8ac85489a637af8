//! Rules in Cedar (<https://www.cedarpolicy.com>), evaluated after the scopes.
//!
//! ```cedar
//! permit(principal, action, resource);
//!
//! @id("only-below-tmp")
//! @reason("Files outside of /tmp are not for this server.")
//! forbid(principal, action == Propusk::Action::"tools/call", resource == Propusk::Tool::"write_file")
//! unless { context.arguments has path && context.arguments.path like "/tmp/*" &&
//!          !(context.arguments.path like "*..*") };
//! ```
//!
//! # What is decided
//!
//! As always in Cedar: what no `permit` allows is denied, and a `forbid` wins. A policy that fails for
//! a request (it looks at something that is not there, or compares a text with a number) denies it,
//! whatever the others say. A request about several resources is decided about for each, and a URI also
//! in its normal form; all must be allowed. To listen to notifications about a resource is asked as
//! `resources/subscribe` of it.
//!
//! | | |
//! |---|---|
//! | `principal` | `Propusk::Principal::"SUBJECT"`, or `"ISSUER\|SUBJECT"` where an issuer gave the token, `in Propusk::Issuer::"ISSUER"`; `"\|"` is who has none. `anonymous`, `subject`, `issuer` and `clientId` (where there are), `scopes` (a set), `claims` |
//! | `action` | `Propusk::Action::"tools/call"` and the other methods of MCP; `"request"` is a request without a message that asks for something. What a client needs to get to know a server, and the lists, are `in Propusk::Action::"connect"` |
//! | `resource` | `Propusk::Tool::"NAME"`, `Prompt` (both with `name`), `Resource::"URI"` (with `uri`), `Task`, all `in Propusk::Server::"UPSTREAM"`; that server itself for all other methods |
//! | `context` | `arguments`, `method`, `upstream`, `now` (a `datetime`), `time` (seconds since 1970), `hour` (0 to 23, UTC), `weekday` (1, Monday, to 7), `remote` (an `ipaddr`, where it is known) |
//!
//! # Arguments and claims
//!
//! They are what the client or the issuer made them, so a policy looks with `has` before it looks
//! inside; one that does not is an error when it is read. Texts, truth values, records and whole
//! numbers (`1e3` is 1000) are what they are; a list is a set, without its order; a number with at most
//! four places is a `decimal`. `null` is `Propusk::Null::"null"`, and any other number a
//! `Propusk::Number`, with which nothing can be done but to see that it is there: to compare it is an
//! error, and errors deny. Of more than ten thousand values, or 32 levels, nothing is allowed.
//!
//! # Lists
//!
//! What no arguments, no time and no address could make allowed is in no list: what a `forbid` that does
//! not look at the `context` forbids, and what no `permit` allows even if everything that it asks of the
//! `context` is taken to hold.

mod policies;
mod request;
mod schema;
mod value;

use std::sync::Arc;

use cedar_policy::{
    AuthorizationError, Authorizer, Decision, EntityTypeName, PolicyId, PolicySet, Response,
};
use propusk::{
    AccessToken, Target, TargetKind,
    rules::{Allowance, Asked, Rules, Verdict},
};

pub use policies::InvalidPolicies;
pub use schema::schema;

use request::{Mentioned, Question, Vocabulary};

/// Policies, parsed and validated once. A copy is cheap.
#[derive(Clone)]
pub struct CedarPolicies(Arc<Parsed>);

struct Parsed {
    authorizer: Authorizer,
    policies: PolicySet,
    /// The same without what depends on the context; see [`policies::for_lists`].
    for_lists: PolicySet,
    vocabulary: Vocabulary,
    warnings: Vec<String>,
}

impl CedarPolicies {
    /// Reads policies and compares them with the schema. `file` is for the errors.
    ///
    /// # Errors
    /// [`InvalidPolicies`] with all that is wrong, each with its line.
    pub fn parse(file: &str, text: &str) -> Result<Self, InvalidPolicies> {
        let (policies, warnings) = policies::parse(file, text)?;
        let mentioned = Mentioned::in_policies(&policies::as_text(file, &policies)?);
        Ok(Self(Arc::new(Parsed {
            authorizer: Authorizer::new(),
            for_lists: policies::for_lists(file, &policies)?,
            vocabulary: Vocabulary::new(mentioned)?,
            policies,
            warnings,
        })))
    }

    /// What is odd about them, each with its line: a policy that can never apply, for example.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.0.warnings
    }

    /// How many policies there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.policies.num_of_policies()
    }

    /// Whether there is none, and so nothing is allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.policies.is_empty()
    }

    /// The rules for the upstream of this name.
    #[must_use]
    pub fn rules(&self, upstream: impl Into<Arc<str>>) -> CedarRules {
        CedarRules {
            policies: self.clone(),
            upstream: upstream.into(),
        }
    }
}

impl std::fmt::Debug for CedarPolicies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CedarPolicies")
            .field("policies", &self.len())
            .finish_non_exhaustive()
    }
}

/// [Policies](CedarPolicies) in front of one upstream.
#[derive(Debug, Clone)]
pub struct CedarRules {
    policies: CedarPolicies,
    upstream: Arc<str>,
}

impl CedarRules {
    fn answer(&self, (request, entities): &Question) -> Response {
        let Parsed {
            authorizer,
            policies,
            ..
        } = &*self.policies.0;
        authorizer.is_authorized(request, policies, entities)
    }

    /// What was decided, with the names of the policies that did, and `None` where it is allowed.
    fn refusal(&self, response: &Response) -> Option<Verdict> {
        let parsed = &*self.policies.0;
        let diagnostics = response.diagnostics();
        // What an error says can hold what the client sent, so only the names are told.
        let failed: Vec<_> = diagnostics.errors().map(policy_of).collect();
        if !failed.is_empty() {
            let names = policies::names(&parsed.policies, failed);
            return Some(Verdict::deny(format!("cedar: {names} failed")));
        }
        if response.decision() == Decision::Allow {
            return None;
        }
        let names = policies::names(&parsed.policies, diagnostics.reason());
        if names.is_empty() {
            return Some(Verdict::deny("cedar: no policy permits it"));
        }
        let mut reasons = diagnostics.reason();
        let message = reasons.find_map(|id| parsed.policies.annotation(id, "reason"));
        let message = message.map(str::to_owned).filter(|text| !text.is_empty());
        let words = message.iter().map(|text| format!(": {text}"));
        Some(Verdict::Deny {
            reason: format!("cedar: forbidden by {names}{}", words.collect::<String>()),
            message,
        })
    }
}

impl Rules for CedarRules {
    fn judge(&self, asked: &Asked<'_>) -> Verdict {
        let parsed = &*self.policies.0;
        let questions = match parsed.vocabulary.questions(asked, &self.upstream) {
            Ok(questions) => questions,
            Err(why) => return Verdict::deny(format!("cedar: {}", why.as_str())),
        };
        let mut permitting = Vec::new();
        for question in &questions {
            let response = self.answer(question);
            if let Some(refusal) = self.refusal(&response) {
                return refusal;
            }
            permitting.extend(response.diagnostics().reason().cloned());
        }
        let names = policies::names(&parsed.policies, &permitting);
        Verdict::Allow(Allowance::new().because(format!("cedar: permitted by {names}")))
    }

    fn shows(&self, target: &Target, caller: Option<&AccessToken>) -> bool {
        let parsed = &*self.policies.0;
        // A template is not the resource that will be read.
        if target.kind() == TargetKind::Resource && target.name().contains('{') {
            return true;
        }
        let question = parsed.vocabulary.listed(target, caller, &self.upstream);
        question.is_ok_and(|(request, entities)| {
            let answer = parsed
                .authorizer
                .is_authorized(&request, &parsed.for_lists, &entities);
            let fails = answer.diagnostics().errors().next().is_some();
            answer.decision() == Decision::Allow && !fails
        })
    }

    fn reads_arguments(&self) -> bool {
        self.policies.0.vocabulary.mentioned().arguments
    }
}

fn policy_of(error: &AuthorizationError) -> &PolicyId {
    match error {
        AuthorizationError::PolicyEvaluationError(error) => error.policy_id(),
    }
}

fn name(of: &str) -> Result<EntityTypeName, InvalidPolicies> {
    let name = format!("Propusk::{of}").parse();
    name.map_err(|error| InvalidPolicies::internal(&error))
}

#[cfg(test)]
mod tests;
