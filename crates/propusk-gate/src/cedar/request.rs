//! What a policy is asked about.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, SystemTime},
};

use cedar_policy::{Context, Entities, Entity, EntityId, EntityUid, Request, RestrictedExpression};
use propusk::{AccessToken, Operation, Target, TargetKind, rules::Asked};
use serde_json::Value;

use super::{InvalidPolicies, name, schema::is_in_connect, value::Names};

/// The action of a request that is no message which asks for something.
pub(super) const NO_MESSAGE: &str = "request";

const LISTEN: &str = "subscriptions/listen";
const SUBSCRIBE: &str = "resources/subscribe";

/// More resources in one subscription are not judged one by one.
const MOST_TARGETS: usize = 100;

/// The names of entities, and what the policies mention at all: what they do not is not made.
pub(super) struct Vocabulary {
    types: Types,
    values: Names,
    mentioned: Mentioned,
}

struct Types {
    action: cedar_policy::EntityTypeName,
    principal: cedar_policy::EntityTypeName,
    issuer: cedar_policy::EntityTypeName,
    server: cedar_policy::EntityTypeName,
    tool: cedar_policy::EntityTypeName,
    prompt: cedar_policy::EntityTypeName,
    resource: cedar_policy::EntityTypeName,
    task: cedar_policy::EntityTypeName,
}

/// What policies mention. A word in a comment or a text counts too: that costs a little and is safe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mentioned {
    pub(super) arguments: bool,
    pub(super) claims: bool,
    now: bool,
}

impl Mentioned {
    pub(super) fn in_policies(policies: &str) -> Self {
        Self {
            arguments: policies.contains("arguments"),
            claims: policies.contains("claims"),
            now: policies.contains("now"),
        }
    }
}

/// Why something cannot be judged; it is denied then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unjudgeable {
    TooManyTargets,
    Arguments,
    Claims,
    Internal,
}

impl Unjudgeable {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::TooManyTargets => "more than 100 resources at once",
            Self::Arguments => "the arguments are too many or too deep to be judged",
            Self::Claims => "the claims of the token are too many or too deep to be judged",
            Self::Internal => "the request has no form in Cedar",
        }
    }
}

/// One question to the policies, and the entities in it.
pub(super) type Question = (Request, Entities);

impl Vocabulary {
    pub(super) fn new(mentioned: Mentioned) -> Result<Self, InvalidPolicies> {
        Ok(Self {
            types: Types {
                action: name("Action")?,
                principal: name("Principal")?,
                issuer: name("Issuer")?,
                server: name("Server")?,
                tool: name("Tool")?,
                prompt: name("Prompt")?,
                resource: name("Resource")?,
                task: name("Task")?,
            },
            values: Names::new()?,
            mentioned,
        })
    }

    pub(super) fn mentioned(&self) -> Mentioned {
        self.mentioned
    }

    /// The questions about one operation: one for each thing that it acts upon, and for each spelling
    /// of that. All must be allowed.
    pub(super) fn questions(
        &self,
        asked: &Asked<'_>,
        upstream: &str,
    ) -> Result<Vec<Question>, Unjudgeable> {
        let (method, targets) = match asked.operation {
            Operation::Method { method, targets } => (&**method, &targets[..]),
            _ => (NO_MESSAGE, &[][..]),
        };
        if targets.len() > MOST_TARGETS {
            return Err(Unjudgeable::TooManyTargets);
        }
        let context = self.context(asked, method, upstream)?;
        let mut questions = Vec::with_capacity(targets.len() + 1);
        let mut ask = |action: &str, target: Option<(TargetKind, &str)>| {
            let context = context.clone();
            let question = self.question(action, target, asked.caller, upstream, context)?;
            questions.push(question);
            Ok(())
        };
        if targets.is_empty() || method == LISTEN {
            ask(method, None)?;
        }
        // To listen is for everybody who may connect; to hear of a resource is to subscribe to it.
        let action = if method == LISTEN { SUBSCRIBE } else { method };
        for target in targets {
            ask(action, Some((target.kind(), target.name())))?;
            let normal = target.normal_name();
            if normal != target.name() {
                ask(action, Some((target.kind(), &normal)))?;
            }
        }
        Ok(questions)
    }

    /// The question whether a list shows this; about its use nothing else is known.
    pub(super) fn listed(
        &self,
        target: &Target,
        caller: Option<&AccessToken>,
        upstream: &str,
    ) -> Result<Question, Unjudgeable> {
        let method = match target.kind() {
            TargetKind::Tool => "tools/call",
            TargetKind::Prompt => "prompts/get",
            TargetKind::Resource => "resources/read",
            _ => "tasks/get",
        };
        let named = Some((target.kind(), target.name()));
        self.question(method, named, caller, upstream, Context::empty())
    }

    fn question(
        &self,
        method: &str,
        target: Option<(TargetKind, &str)>,
        caller: Option<&AccessToken>,
        upstream: &str,
        context: Context,
    ) -> Result<Question, Unjudgeable> {
        let types = &self.types;
        let uid = EntityUid::from_type_name_and_id;
        let action = uid(types.action.clone(), EntityId::new(method));
        let mut entities = Vec::with_capacity(5);
        if is_in_connect(method) {
            let connect = uid(types.action.clone(), EntityId::new("connect"));
            entities.push(Entity::new_no_attrs(
                action.clone(),
                HashSet::from([connect]),
            ));
        }
        let principal = self.principal(caller)?;
        let principal_uid = principal.uid();
        entities.push(principal);
        let server = uid(types.server.clone(), EntityId::new(upstream));
        let resource = match target {
            None => Entity::new_no_attrs(server, HashSet::new()),
            Some((kind, name)) => self.thing(kind, name, server)?,
        };
        let resource_uid = resource.uid();
        entities.push(resource);
        let entities = Entities::from_entities(entities, None);
        let request = Request::new(principal_uid, action, resource_uid, context, None);
        match (request, entities) {
            (Ok(request), Ok(entities)) => Ok((request, entities)),
            _ => Err(Unjudgeable::Internal),
        }
    }

    fn thing(
        &self,
        kind: TargetKind,
        name: &str,
        server: EntityUid,
    ) -> Result<Entity, Unjudgeable> {
        let types = &self.types;
        let (of_type, attribute) = match kind {
            TargetKind::Tool => (&types.tool, Some("name")),
            TargetKind::Prompt => (&types.prompt, Some("name")),
            TargetKind::Resource => (&types.resource, Some("uri")),
            _ => (&types.task, None),
        };
        let uid = EntityUid::from_type_name_and_id(of_type.clone(), EntityId::new(name));
        let text = || RestrictedExpression::new_string(name.to_owned());
        let attributes = attribute.map(|attribute| (attribute.to_owned(), text()));
        let attributes: HashMap<_, _> = attributes.into_iter().collect();
        Entity::new(uid, attributes, HashSet::from([server])).map_err(|_| Unjudgeable::Internal)
    }

    fn principal(&self, caller: Option<&AccessToken>) -> Result<Entity, Unjudgeable> {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let types = &self.types;
        let mut attributes = HashMap::from([(
            "anonymous".to_owned(),
            RestrictedExpression::new_bool(caller.is_none()),
        )]);
        let mut add = |name: &str, value| drop(attributes.insert(name.to_owned(), value));
        add("subject", text(caller.map_or("", AccessToken::subject)));
        let scopes = caller.map(AccessToken::scopes);
        let scopes = scopes.into_iter().flat_map(propusk::ScopeSet::iter);
        let scopes = scopes.map(|scope| text(scope.as_str()));
        add(
            "scopes",
            RestrictedExpression::new_set(scopes.collect::<Vec<_>>()),
        );
        let mut parents = HashSet::new();
        if let Some(issuer) = caller.and_then(AccessToken::issuer) {
            add("issuer", text(issuer));
            let id = EntityId::new(issuer);
            parents.insert(EntityUid::from_type_name_and_id(types.issuer.clone(), id));
        }
        if let Some(client) = caller.and_then(AccessToken::client_id) {
            add("clientId", text(client));
        }
        let claims = caller.filter(|_| self.mentioned.claims);
        let claims = claims.map(AccessToken::claims).into_iter().flatten();
        let claims = self.values.record(claims);
        add("claims", claims.map_err(|_| Unjudgeable::Claims)?);
        let id = EntityId::new(principal_id(caller));
        let uid = EntityUid::from_type_name_and_id(types.principal.clone(), id);
        Entity::new(uid, attributes, parents).map_err(|_| Unjudgeable::Internal)
    }

    fn context(
        &self,
        asked: &Asked<'_>,
        method: &str,
        upstream: &str,
    ) -> Result<Context, Unjudgeable> {
        let long = RestrictedExpression::new_long;
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let moment = Moment::of(asked.now);
        let mut pairs = vec![
            ("method", text(method)),
            ("upstream", text(upstream)),
            ("time", long(moment.seconds)),
            ("hour", long(moment.hour())),
            ("weekday", long(moment.weekday())),
            ("arguments", self.arguments(asked)?),
        ];
        if self.mentioned.now {
            pairs.push(("now", RestrictedExpression::new_datetime(moment.rfc3339())));
        }
        if let Some(remote) = asked.remote {
            pairs.push((
                "remote",
                RestrictedExpression::new_ip(remote.to_canonical().to_string()),
            ));
        }
        let pairs = pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Context::from_pairs(pairs).map_err(|_| Unjudgeable::Internal)
    }

    fn arguments(&self, asked: &Asked<'_>) -> Result<RestrictedExpression, Unjudgeable> {
        let arguments = asked.arguments.filter(|_| self.mentioned.arguments);
        let parsed: BTreeMap<String, Value> = match arguments {
            None => BTreeMap::new(),
            Some(json) => serde_json::from_str(json.get()).map_err(|_| Unjudgeable::Arguments)?,
        };
        let record = self.values.record(&parsed);
        record.map_err(|_| Unjudgeable::Arguments)
    }
}

/// Whose token it is: the subject, and where an issuer gave it, the issuer and a bar before it. No two
/// principals have one id: a subject without an issuer that has a bar in it gets one more in front, and
/// nobody's is the only one that begins with one and names nobody.
fn principal_id(caller: Option<&AccessToken>) -> String {
    let Some(caller) = caller else {
        return "|".to_owned();
    };
    let subject = caller.subject();
    match caller.issuer() {
        Some(issuer) => format!("{}|{subject}", issuer.replace('|', "%7C")),
        None if subject.contains('|') => format!("||{subject}"),
        None => subject.to_owned(),
    }
}

/// A point in time, in UTC.
struct Moment {
    seconds: i64,
}

impl Moment {
    fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.unwrap_or_default().as_secs();
        // To the year 9999, which is what RFC 3339 can say.
        let seconds = i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .min(253_402_300_799);
        Self { seconds }
    }

    fn hour(&self) -> i64 {
        self.seconds / 3_600 % 24
    }

    /// From 1, Monday, to 7, Sunday (ISO 8601). 1970 began on a Thursday.
    fn weekday(&self) -> i64 {
        (self.seconds / 86_400 + 3) % 7 + 1
    }

    fn rfc3339(&self) -> String {
        let since = Duration::from_secs(self.seconds.unsigned_abs());
        humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since).to_string()
    }
}
