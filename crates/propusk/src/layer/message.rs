//! What a JSON-RPC message asks for, read once and strictly, before anybody acts on it.
//!
//! Two parsers that understand one message differently are how an operation slips past its check.
//! So whatever could be read in two ways (a member that comes twice, a batch, `params` or a
//! reference that is a list) is refused here, whatever the parser behind would make of it. Names of
//! members count in exactly their case, and with their escapes resolved: `"\u006eame"` is `name`. One
//! that another parser takes for `name`, since it does not look at case, is refused (CVE-2026-27896).
//! What is deep inside `arguments` decides nothing and is only skipped, unless a rule reads it.

use std::{borrow::Cow, collections::BTreeSet, fmt, marker::PhantomData};

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};

use super::{lookalike, strict};
use crate::{Operation, Target, TargetKind};

/// A message that does not say in one way only what it asks for.
#[derive(Debug)]
pub(super) struct Unclear {
    /// A code of JSON-RPC 2.0 §5.1.
    pub(super) code: i32,
    /// A sentence for the developer who sent it; it may quote what was sent.
    pub(super) message: String,
    /// The id of the request, where it could be read.
    pub(super) id: Option<Value>,
}

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
pub(super) const METHOD_NOT_FOUND: i32 = -32601;
pub(super) const INVALID_PARAMS: i32 = -32602;

/// What a message asks for.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// None where it is an answer to the server.
    pub(super) operation: Option<Operation>,
    /// None where it is a notification, or not a text or a number.
    pub(super) id: Option<Value>,
    /// `params.arguments`, where they are wanted and there.
    pub(super) arguments: Option<&'a RawValue>,
    pub(super) kept: Kept,
}

/// What a client got to keep and comes back with, of whatever type it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Kept {
    /// `params.taskId`, whatever the method.
    pub(super) task: Option<Value>,
    /// `params.requestState`.
    pub(super) state: Option<Value>,
    /// `params.notifications.taskIds` of `subscriptions/listen`.
    pub(super) listened: Vec<Value>,
}

/// Reads what a message asks for.
pub(super) fn asked(body: &[u8]) -> Result<Asked<'_>, Unclear> {
    read::<false>(body)
}

/// The same with its arguments, which are one object, or `null`, in which no name comes twice.
pub(super) fn asked_with_arguments(body: &[u8]) -> Result<Asked<'_>, Unclear> {
    let mut asked = read::<true>(body)?;
    let Some(arguments) = asked.arguments else {
        return Ok(asked);
    };
    match arguments.get().as_bytes().first() {
        Some(b'{') => {}
        Some(b'n') => asked.arguments = None,
        _ => {
            return Err(Unclear {
                code: INVALID_PARAMS,
                message: "`params.arguments` is not an object".to_owned(),
                id: asked.id,
            });
        }
    }
    match strict::check(arguments) {
        Ok(()) => Ok(asked),
        Err(error) => Err(unclear(&error, asked.id)),
    }
}

fn read<const ARGUMENTS: bool>(body: &[u8]) -> Result<Asked<'_>, Unclear> {
    // One look at all of it costs less than one at each text.
    let body = str::from_utf8(body).map_err(|error| Unclear {
        code: PARSE_ERROR,
        message: format!("the message is not JSON: {error}"),
        id: None,
    })?;
    let Object(message) = serde_json::from_str::<Object<Message<'_, ARGUMENTS>>>(body)
        .map_err(|error| unclear(&error, None))?;
    let Some(method) = message.method else {
        return Ok(Asked {
            operation: None,
            id: message.id,
            arguments: None,
            kept: Kept::default(),
        });
    };
    let arguments = message.params.arguments;
    let mut kept = Kept {
        task: message.params.task.clone(),
        state: message.params.state.clone(),
        listened: Vec::new(),
    };
    match message.params.targets(&method, &mut kept) {
        Ok(targets) => Ok(Asked {
            operation: Some(Operation::on(method, targets)),
            id: message.id,
            arguments,
            kept,
        }),
        // Since 2026-07-28 these are no methods any more, and without what they act upon they never
        // were; that is what rmcp answers, too.
        Err(Wrong::Member(_)) if method.ends_with("subscribe") => Err(Unclear {
            code: METHOD_NOT_FOUND,
            message: "there is no such method".to_owned(),
            id: message.id,
        }),
        Err(Wrong::Member(member)) => Err(Unclear {
            code: INVALID_PARAMS,
            message: format!("{member} of this method is missing or is not a text"),
            id: message.id,
        }),
        Err(Wrong::Json(error)) => Err(unclear(&error, message.id)),
    }
}

fn unclear(error: &serde_json::Error, id: Option<Value>) -> Unclear {
    let (code, what) = match error.classify() {
        serde_json::error::Category::Data => (INVALID_REQUEST, "is not accepted"),
        _ => (PARSE_ERROR, "is not JSON"),
    };
    let error: String = error.to_string().chars().take(200).collect();
    Unclear {
        code,
        message: format!("the message {what}: {error}"),
        id,
    }
}

#[derive(Default)]
struct Message<'a, const ARGUMENTS: bool> {
    id: Option<Value>,
    method: Option<String>,
    params: Params<'a, ARGUMENTS>,
}

impl<'de, const ARGUMENTS: bool> Members<'de> for Message<'de, ARGUMENTS> {
    const WHAT: &'static str = "one object; a batch is not accepted";

    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => {
                let id: Value = map.next_value()?;
                self.id = (id.is_string() || id.is_number()).then_some(id);
            }
            "method" => self.method = Some(map.next_value()?),
            "params" => {
                let params = map.next_value::<Option<Object<Params<'de, ARGUMENTS>>>>()?;
                self.params = params.map(|Object(params)| params).unwrap_or_default();
            }
            _ => skip(name, &["id", "method", "params"], map)?,
        }
        Ok(())
    }
}

/// Skips a member that decides nothing, unless some parser takes it for one of these.
fn skip<'de, A: MapAccess<'de>>(name: &str, of: &[&str], map: &mut A) -> Result<(), A::Error> {
    if lookalike::is_like_one(name, of) {
        return Err(A::Error::custom(format_args!(
            "{name:?} can be taken for another member"
        )));
    }
    map.next_value::<IgnoredAny>().map(drop)
}

const PARAMS: [&str; 7] = [
    "name",
    "uri",
    "taskId",
    "ref",
    "notifications",
    "arguments",
    "requestState",
];

/// The members of `params` that name what a method acts upon.
#[derive(Default)]
struct Params<'a, const ARGUMENTS: bool> {
    name: Option<Value>,
    uri: Option<Value>,
    task: Option<Value>,
    state: Option<Value>,
    reference: Option<&'a RawValue>,
    notifications: Option<&'a RawValue>,
    arguments: Option<&'a RawValue>,
}

impl<'de, const ARGUMENTS: bool> Members<'de> for Params<'de, ARGUMENTS> {
    const WHAT: &'static str = "`params` as an object";

    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => self.name = Some(map.next_value()?),
            "uri" => self.uri = Some(map.next_value()?),
            "taskId" => self.task = Some(map.next_value()?),
            "requestState" => self.state = Some(map.next_value()?),
            "ref" => self.reference = Some(map.next_value()?),
            "notifications" => self.notifications = Some(map.next_value()?),
            "arguments" if ARGUMENTS => self.arguments = Some(map.next_value()?),
            "arguments" => drop(map.next_value::<IgnoredAny>()?),
            _ => skip(name, &PARAMS, map)?,
        }
        Ok(())
    }
}

enum Wrong {
    Member(&'static str),
    Json(serde_json::Error),
}

impl<const ARGUMENTS: bool> Params<'_, ARGUMENTS> {
    fn targets(self, method: &str, kept: &mut Kept) -> Result<Vec<Target>, Wrong> {
        if let Some(kind) = TargetKind::of_method(method) {
            return match kind {
                TargetKind::Tool | TargetKind::Prompt => one(kind, self.name, "`params.name`"),
                TargetKind::Resource => one(kind, self.uri, "`params.uri`"),
                TargetKind::Task => one(kind, self.task, "`params.taskId`"),
            };
        }
        match method {
            "completion/complete" => parse::<Reference>(self.reference, "`params.ref`")?.target(),
            "subscriptions/listen" => {
                let wanted = parse::<Notifications>(self.notifications, "`params.notifications`")?;
                kept.listened = wanted.tasks;
                let resource = |uri| Target::new(TargetKind::Resource, uri);
                Ok(wanted.resources.into_iter().map(resource).collect())
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn one(kind: TargetKind, name: Option<Value>, member: &'static str) -> Result<Vec<Target>, Wrong> {
    match name {
        Some(Value::String(name)) => Ok(vec![Target::new(kind, name)]),
        _ => Err(Wrong::Member(member)),
    }
}

fn parse<'de, T: Members<'de>>(
    json: Option<&'de RawValue>,
    member: &'static str,
) -> Result<T, Wrong> {
    let json = json.ok_or(Wrong::Member(member))?;
    let Object(parsed) = serde_json::from_str::<Object<T>>(json.get()).map_err(Wrong::Json)?;
    Ok(parsed)
}

/// What a completion is for.
#[derive(Default)]
struct Reference {
    kind: Option<Value>,
    name: Option<Value>,
    uri: Option<Value>,
}

impl Reference {
    fn target(self) -> Result<Vec<Target>, Wrong> {
        match self.kind.as_ref().and_then(Value::as_str) {
            Some("ref/prompt") => one(TargetKind::Prompt, self.name, "`params.ref.name`"),
            Some("ref/resource") => one(TargetKind::Resource, self.uri, "`params.ref.uri`"),
            _ => Err(Wrong::Member("`params.ref.type`")),
        }
    }
}

impl<'de> Members<'de> for Reference {
    const WHAT: &'static str = "`params.ref` as an object";

    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "type" => self.kind = Some(map.next_value()?),
            "name" => self.name = Some(map.next_value()?),
            "uri" => self.uri = Some(map.next_value()?),
            _ => skip(name, &["type", "name", "uri"], map)?,
        }
        Ok(())
    }
}

/// Each of them is judged, and whoever asks for endlessly many makes others wait.
const MOST_LISTENED: usize = 10_000;

/// What a stream of notifications is about.
#[derive(Default)]
struct Notifications {
    resources: Vec<String>,
    /// Of the tasks extension.
    tasks: Vec<Value>,
}

impl<'de> Members<'de> for Notifications {
    const WHAT: &'static str = "`params.notifications` as an object";

    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "resourceSubscriptions" => {
                self.resources = map.next_value::<Option<_>>()?.unwrap_or_default();
            }
            "taskIds" => self.tasks = map.next_value::<Option<_>>()?.unwrap_or_default(),
            _ => skip(name, &["resourceSubscriptions", "taskIds"], map)?,
        }
        if self.resources.len() + self.tasks.len() > MOST_LISTENED {
            return Err(A::Error::custom("it listens to too much at once"));
        }
        Ok(())
    }
}

/// A part of a message of which some members matter.
trait Members<'de>: Default {
    /// What is expected, for the error.
    const WHAT: &'static str;

    /// Takes the value of the member with this name out of `map`.
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

/// An object in which no member comes twice.
struct Object<T>(T);

impl<'de, T: Members<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Members<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WHAT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<T>, A::Error> {
        let mut object = T::default();
        let mut seen = Seen::default();
        while let Some(Name(name)) = map.next_key()? {
            object.member(&name, &mut map)?;
            if seen.has(&name) {
                return Err(A::Error::custom(format_args!("{name:?} comes twice")));
            }
            seen.add(name);
        }
        Ok(Object(object))
    }
}

/// The names of an object's members so far. Messages have a handful, which are compared one by one;
/// what has more is kept so that it takes no longer for that.
#[derive(Default)]
pub(super) struct Seen<'a> {
    first: [Cow<'a, str>; 6],
    count: usize,
    others: BTreeSet<Cow<'a, str>>,
}

impl<'a> Seen<'a> {
    pub(super) fn has(&self, name: &str) -> bool {
        let first = self.first.iter().take(self.count);
        first.into_iter().any(|seen| seen == name) || self.others.contains(name)
    }

    pub(super) fn add(&mut self, name: Cow<'a, str>) {
        match self.first.get_mut(self.count) {
            Some(free) => {
                *free = name;
                self.count += 1;
            }
            None => drop(self.others.insert(name)),
        }
    }
}

/// The name of a member, borrowed where nothing in it is escaped.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> String {
        match asked(body.as_bytes()).map(|asked| asked.operation) {
            Ok(Some(operation)) => operation.to_string(),
            Ok(None) => "an answer".to_owned(),
            Err(unclear) => {
                let id = unclear.id.map_or(String::new(), |id| format!(" for {id}"));
                format!("{}{id}", unclear.code)
            }
        }
    }

    #[test]
    fn a_message_is_read_in_one_way_or_not_at_all() {
        #[rustfmt::skip]
        let table = [
            // What the specification has.
            (r#"{"id":1,"method":"tools/call","params":{"name":"a","arguments":{"name":"b","name":"c"}}}"#, "tools/call:a"),
            (r#"{"params":{"arguments":[],"name":"a"},"method":"tools/call"}"#, "tools/call:a"),
            (r#"{"method":"prompts/get","params":{"name":"a","uri":"b"}}"#, "prompts/get:a"),
            (r#"{"method":"resources/read","params":{"name":"a","uri":"b"}}"#, "resources/read:b"),
            (r#"{"method":"resources/subscribe","params":{"uri":"b"}}"#, "resources/subscribe:b"),
            (r#"{"method":"tasks/get","params":{"taskId":"t"}}"#, "tasks/get:t"),
            (r#"{"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"}}}"#, "completion/complete:p"),
            (r#"{"method":"completion/complete","params":{"ref":{"uri":"u","type":"ref/resource"}}}"#, "completion/complete:u"),
            (r#"{"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["a","b"]}}}"#, "subscriptions/listen:a,b"),
            (r#"{"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":null}}}"#, "subscriptions/listen"),
            (r#"{"method":"tools/list"}"#, "tools/list"),
            (r#"{"method":"tools/list","params":null}"#, "tools/list"),
            (r#"{"method":"x/y","params":{"name":5,"ref":[],"notifications":"z"}}"#, "x/y"),
            (r#"{"id":1,"result":{}}"#, "an answer"),
            (r#"{"id":1,"error":{}}"#, "an answer"),
            // One member, written in two ways, is the same member.
            (r#"{"method":"tools/call","params":{"\u006eame":"a"}}"#, "tools/call:a"),
            (r#"{"method":"tools/call","params":{"name":"\u0061"}}"#, "tools/call:a"),
            (r#"{"method":"tools/call","params":{"name":"a\u0000b"}}"#, "tools/call:a\0b"),
            (r#"{"method":"tools\/call","params":{"name":"a"}}"#, "tools/call:a"),
            // What a parser that does not look at case takes for the same member.
            (r#"{"method":"tools/call","params":{"NAME":"b","name":"a"}}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"name":"a","name\u0000":"b"}}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"name":"a","Arguments":{}}}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"name":"a","argument\u017f":{}}}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"name":"a"},"Params":{"name":"b"}}"#, "-32600"),
            (r#"{"method":"tools/list","METHOD":"tools/call","params":{"name":"a"}}"#, "-32600"),
            (r#"{"method":"tasks/get","params":{"taskId":"t","ta\u017f\u212aid":"u"}}"#, "-32600"),
            (r#"{"id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"a","Uri":"b"}}}"#, "-32600 for 1"),
            (r#"{"id":1,"method":"subscriptions/listen","params":{"notifications":{"resourcesubscriptions":["a"]}}}"#, "-32600 for 1"),
            (r#"{"id":1,"method":"subscriptions/listen","params":{"notifications":{"TaskIds":["a"]}}}"#, "-32600 for 1"),
            (r#"{"id":1,"method":"subscriptions/listen","params":{"notifications":{"taskIds":"a"}}}"#, "-32600 for 1"),
            (r#"{"method":"tools/call","params":{"name":"a","names":"b","_meta":{"Name":"c"}}}"#, "tools/call:a"),
            // Twice.
            (r#"{"method":"tools/list","method":"tools/call","params":{"name":"a"}}"#, "-32600"),
            (r#"{"method":"tools/call","params":{},"params":{"name":"a"}}"#, "-32600"),
            (r#"{"id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"name":"a","\u006eame":"b"}}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"name":"a","arguments":{},"arguments":{}}}"#, "-32600"),
            (r#"{"id":1,"id":2,"method":"tools/list"}"#, "-32600"),
            (r#"{"id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"a","name":"b"}}}"#, "-32600 for 1"),
            (r#"{"id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[],"resourceSubscriptions":["a"]}}}"#, "-32600 for 1"),
            // Twice among many, or the empty name.
            (r#"{"":1,"method":"tools/list","":2}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"name":"a","1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7}}"#, "tools/call:a"),
            (r#"{"method":"tools/call","params":{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"name":"a"}}"#, "tools/call:a"),
            (r#"{"method":"tools/call","params":{"name":"a","1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"name":"b"}}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"name":"a","8":8,"name":"b"}}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"name":"a","7":8}}"#, "-32600"),
            // Another case is another member to one parser, and the same to another.
            (r#"{"id":1,"method":"tools/call","params":{"Name":"a"}}"#, "-32600"),
            (r#"{"id":"x","method":"tools/call","Params":{"name":"a"}}"#, "-32600"),
            (r#"{"Method":"tools/call","params":{"name":"a"}}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"name":"a","NAME":"b"}}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"name\u0000":"a"}}"#, "-32600"),
            // Not what it must be.
            (r#"{"method":"tools/call","params":["a"]}"#, "-32600"),
            (r#"{"method":"tools/call","params":"a"}"#, "-32600"),
            (r#"{"method":"tools/call","params":{"name":["a"]}}"#, "-32602"),
            (r#"{"method":"tools/call","params":{"name":null}}"#, "-32602"),
            (r#"{"method":"tools/call"}"#, "-32602"),
            (r#"{"method":"resources/subscribe"}"#, "-32601"),
            (r#"{"id":1,"method":"resources/unsubscribe","params":{"URI":"a"}}"#, "-32600"),
            (r#"{"method":["tools/call"],"params":{"name":"a"}}"#, "-32600"),
            (r#"{"method":"completion/complete","params":{"ref":["ref/prompt","a"]}}"#, "-32600"),
            (r#"{"method":"completion/complete","params":{"ref":{"type":"ref/Prompt","name":"a"}}}"#, "-32602"),
            (r#"{"method":"subscriptions/listen","params":{"notifications":[true,null,null,["a"]]}}"#, "-32600"),
            (r#"{"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[1]}}}"#, "-32600"),
            (r#"[{"method":"tools/call","params":{"name":"a"}}]"#, "-32600"),
            ("[]", "-32600"), ("\"x\"", "-32600"), ("null", "-32600"), ("5", "-32600"),
            // No JSON, or more than that.
            ("", "-32700"), ("{", "-32700"), ("{} {}", "-32700"), ("\u{feff}{}", "-32700"),
            (r#"{"method":"a",}"#, "-32700"), (r#"{'method':"a"}"#, "-32700"),
            (r#"{"method":"tools/call","params":{"name":"\ud800"}}"#, "-32700"),
        ];
        for (body, expected) in table {
            assert_eq!(read(body), expected, "{body}");
        }
        for (count, expected) in [
            (MOST_LISTENED, "subscriptions/listen"),
            (MOST_LISTENED + 1, "-32600"),
        ] {
            let ids = vec![r#""a""#; count].join(",");
            let body = format!(
                r#"{{"method":"subscriptions/listen","params":{{"notifications":{{"taskIds":[{ids}]}}}}}}"#
            );
            assert_eq!(read(&body), expected, "{count}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let deep = format!(r#"{{"method":"a","params":{{"b":{deep}}}}}"#);
        assert_eq!(read(&deep), "a", "what is skipped takes no stack");
        for body in [
            &b"{\"method\":\"tools/call\",\"params\":{\"name\":\"\xff\"}}"[..],
            // Also where it is skipped: whoever is behind may not skip it.
            b"{\"method\":\"tools/call\",\"params\":{\"name\":\"a\",\"b\":\"\xff\"}}",
        ] {
            let unclear = asked(body).expect_err("not UTF-8");
            assert_eq!((unclear.code, unclear.id), (PARSE_ERROR, None));
        }
    }
}
