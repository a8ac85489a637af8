//! A list as its caller sees it. Items that stay, and everything around them, keep their bytes.

use std::{borrow::Cow, fmt, marker::PhantomData};

use propusk::{ScopeSet, Target, TargetKind, layer::Showing};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::View;

/// The lists that there are: the member of the result, what stands in it, the member that names it,
/// and the method that uses it.
const LISTS: &[(&str, TargetKind, &str, &str)] = &[
    ("tools", TargetKind::Tool, "name", "tools/call"),
    ("prompts", TargetKind::Prompt, "name", "prompts/get"),
    ("resources", TargetKind::Resource, "uri", "resources/read"),
    (
        "resourceTemplates",
        TargetKind::Resource,
        "uriTemplate",
        "resources/read",
    ),
    ("skills", TargetKind::Resource, "uri", "skills/get"),
    ("tasks", TargetKind::Task, "taskId", "tasks/get"),
];

/// A message that cannot be read in one way, so that nobody knows what it shows.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Unreadable;

impl From<serde_json::Error> for Unreadable {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

/// A message as a caller with this view gets it; `None`: as it is.
pub(in crate::http) fn edited(message: &str, view: &View) -> Result<Option<String>, Unreadable> {
    let edited = edit(message, view);
    if view.restricts { edited } else { Ok(None) }
}

fn edit(message: &str, view: &View) -> Result<Option<String>, Unreadable> {
    let message: Members<'_> = serde_json::from_str(message)?;
    let Some(result) = message.value("result") else {
        return match message.value("error") {
            Some(error) if lists_something(error)? => Err(Unreadable),
            // There is nothing left of it.
            None if tells_of_hidden(&message, view)? => Ok(Some(String::new())),
            _ => Ok(None),
        };
    };
    // What is no object lists nothing.
    if !result.get().starts_with('{') {
        return Ok(None);
    }
    let mut members: Members<'_> = serde_json::from_str(result.get())?;
    let mut lists = false;
    for (list, kind, key, method) in LISTS {
        let Some(items) = members.value(list) else {
            continue;
        };
        let kept = kept(items, |item| shown(item, *kind, key, method, view))?;
        members.set(list, kept);
        lists = true;
    }
    if !lists {
        return Ok(None);
    }
    if view.scoped || members.value("cacheScope").is_some() {
        members.set("cacheScope", "\"private\"".to_owned());
    }
    let mut message = message;
    message.set("result", members.to_string());
    Ok(Some(message.to_string()))
}

/// Whether a message says that a resource has changed of which this caller may not know.
fn tells_of_hidden(message: &Members<'_>, view: &View) -> Result<bool, Unreadable> {
    let method: Option<String> = match message.value("method") {
        Some(method) => serde_json::from_str(method.get())?,
        None => None,
    };
    if method.as_deref() != Some("notifications/resources/updated") {
        return Ok(false);
    }
    let params = message.value("params").map_or("{}", RawValue::get);
    let params: Members<'_> = serde_json::from_str(params)?;
    let Some(uri) = params.value("uri") else {
        return Ok(false);
    };
    let resource = Target::new(
        TargetKind::Resource,
        serde_json::from_str::<String>(uri.get())?,
    );
    let showing = view.showing("resources/read", &resource);
    Ok(!matches!(showing, Showing::AsItIs))
}

/// Whether an error has a list in its data, which no error of the protocol has.
fn lists_something(error: &RawValue) -> Result<bool, Unreadable> {
    if !error.get().starts_with('{') {
        return Ok(false);
    }
    let error: Members<'_> = serde_json::from_str(error.get())?;
    let Some(data) = error
        .value("data")
        .filter(|data| data.get().starts_with('{'))
    else {
        return Ok(false);
    };
    let data: Members<'_> = serde_json::from_str(data.get())?;
    Ok(LISTS.iter().any(|(list, ..)| data.value(list).is_some()))
}

/// An array with what is kept of it.
fn kept<'a>(
    items: &'a RawValue,
    show: impl Fn(&'a RawValue) -> Option<Cow<'a, str>>,
) -> Result<String, Unreadable> {
    let items: Vec<&RawValue> = serde_json::from_str(items.get())?;
    let mut array = String::from("[");
    for item in items.into_iter().filter_map(show) {
        if array.len() > 1 {
            array.push(',');
        }
        array.push_str(&item);
    }
    array.push(']');
    Ok(array)
}

/// What nobody can name, nobody can be shown.
fn shown<'a>(
    item: &'a RawValue,
    kind: TargetKind,
    key: &str,
    method: &str,
    view: &View,
) -> Option<Cow<'a, str>> {
    let mut members: Members<'a> = serde_json::from_str(item.get()).ok()?;
    let name: String = serde_json::from_str(members.value(key)?.get()).ok()?;
    match view.showing(method, &Target::new(kind, name)) {
        Showing::AsItIs => Some(Cow::Borrowed(item.get())),
        Showing::Locked { scopes, missing } => {
            let meta = members.value("_meta").map_or("{}", RawValue::get);
            let mut meta: Members<'_> = serde_json::from_str(meta).ok()?;
            if !scopes.is_empty() {
                meta.set("propusk/scopes", array(&scopes));
            }
            meta.set("propusk/missing-scopes", array(&missing));
            let meta = meta.to_string();
            members.set("_meta", meta);
            Some(Cow::Owned(members.to_string()))
        }
        _ => None,
    }
}

fn array(scopes: &ScopeSet) -> String {
    let names: Vec<_> = scopes.iter().map(propusk::Scope::as_str).collect();
    serde_json::Value::from(names).to_string()
}

/// The members of an object in their order, none of them twice.
struct Members<'a>(Vec<(Cow<'a, str>, Part<'a>)>);

enum Part<'a> {
    Kept(&'a RawValue),
    New(String),
}

impl<'a> Members<'a> {
    fn value(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find_map(|(key, part)| match part {
            Part::Kept(value) if key == name => Some(*value),
            _ => None,
        })
    }

    fn set(&mut self, name: &str, value: String) {
        let new = Part::New(value);
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, part)) => *part = new,
            None => self.0.push((Cow::Owned(name.to_owned()), new)),
        }
    }
}

impl fmt::Display for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, part)) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "{" } else { "," })?;
            let name = serde_json::to_string(name).map_err(|_| fmt::Error)?;
            let value = match part {
                Part::Kept(value) => value.get(),
                Part::New(text) => text,
            };
            write!(f, "{name}:{value}")?;
        }
        f.write_str(if self.0.is_empty() { "{}" } else { "}" })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for MembersVisitor<'a> {
    type Value = Members<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'a>, A::Error> {
        let mut members: Vec<(Cow<'a, str>, Part<'a>)> = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            if members.iter().any(|(other, _)| *other == name) || members.len() == MOST_MEMBERS {
                return Err(A::Error::custom(
                    "a member comes twice, or there are too many",
                ));
            }
            members.push((name, Part::Kept(map.next_value()?)));
        }
        Ok(Members(members))
    }
}

/// Each is compared with all before it; real objects here have a dozen.
const MOST_MEMBERS: usize = 256;

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
