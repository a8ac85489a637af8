//! JSON objects, read strictly: no name twice at any level (RFC 7515 §4, RFC 7519 §4), a limit on
//! depth, nothing behind the end.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deeply objects and arrays may be nested, the outermost included.
const DEEPEST: usize = 8;

/// Why a text is not such an object. It never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidObject {
    #[error("is not a JSON object")]
    NotAnObject,
    #[error("has a name twice")]
    Duplicate,
    #[error("is nested too deeply")]
    TooDeep,
}

/// Objects that were judged each by itself.
pub(crate) type Elements = Vec<Result<Map<String, Value>, InvalidObject>>;

/// Parses one object. The caller has bounded its length.
pub(crate) fn parse_object(json: &[u8]) -> Result<Map<String, Value>, InvalidObject> {
    let offence = Cell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = Level {
        left: DEEPEST,
        offence: &offence,
    }
    .deserialize(&mut deserializer);
    let value = value.map_err(|_| InvalidObject::NotAnObject)?;
    deserializer.end().map_err(|_| InvalidObject::NotAnObject)?;
    as_object(value, &offence)
}

/// Parses an object whose member `name` is an array of objects. A bad element does not spoil the
/// others; the document around them must be in order.
pub(crate) fn parse_objects_of(json: &[u8], name: &'static str) -> Result<Elements, InvalidObject> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let offence = Cell::new(None);
    let members = deserializer.deserialize_map(Document {
        name,
        offence: &offence,
    });
    let ended = members.and_then(|members| deserializer.end().map(|()| members));
    match (ended, offence.get()) {
        (_, Some(offence)) => Err(offence),
        (Ok(Some(members)), None) => Ok(members),
        _ => Err(InvalidObject::NotAnObject),
    }
}

fn as_object(
    value: Value,
    offence: &Cell<Option<InvalidObject>>,
) -> Result<Map<String, Value>, InvalidObject> {
    match (value, offence.get()) {
        (_, Some(offence)) => Err(offence),
        (Value::Object(members), None) => Ok(members),
        _ => Err(InvalidObject::NotAnObject),
    }
}

/// Builds a value and notes what is wrong with it, so that what follows can still be read.
#[derive(Clone, Copy)]
struct Level<'a> {
    left: usize,
    offence: &'a Cell<Option<InvalidObject>>,
}

impl Level<'_> {
    fn below(self) -> Self {
        Self {
            left: self.left.saturating_sub(1),
            ..self
        }
    }

    /// Whether there may be one more level here.
    fn may_nest(self) -> bool {
        if self.left == 0 {
            self.note(InvalidObject::TooDeep);
        }
        self.left > 0
    }

    fn note(self, offence: InvalidObject) {
        self.offence.set(Some(offence));
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).map(Value::Number);
        number.ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        if !self.may_nest() {
            while elements.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        let mut values = Vec::new();
        while let Some(value) = elements.next_element_seed(self.below())? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        if !self.may_nest() {
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self.below())?;
            if members.insert(name, value).is_some() {
                self.note(InvalidObject::Duplicate);
            }
        }
        Ok(Value::Object(members))
    }
}

/// The document around an array of objects: `{"keys": […]}`.
struct Document<'a> {
    name: &'static str,
    offence: &'a Cell<Option<InvalidObject>>,
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Option<Elements>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the array {:?}", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let level = Level {
            left: DEEPEST,
            offence: self.offence,
        }
        .below();
        let mut others = Map::new();
        let mut found = None;
        while let Some(name) = entries.next_key::<String>()? {
            let again = if name == self.name {
                found.replace(entries.next_value_seed(Array)?).is_some()
            } else {
                let value = entries.next_value_seed(level)?;
                others.insert(name, value).is_some()
            };
            if again {
                level.note(InvalidObject::Duplicate);
            }
        }
        Ok(found)
    }
}

/// An array whose elements are judged each by itself.
struct Array;

impl<'de> DeserializeSeed<'de> for Array {
    type Value = Elements;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Elements, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Array {
    type Value = Elements;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Elements, A::Error> {
        let mut found = Vec::new();
        loop {
            let offence = Cell::new(None);
            let level = Level {
                left: DEEPEST,
                offence: &offence,
            };
            let Some(value) = elements.next_element_seed(level)? else {
                return Ok(found);
            };
            found.push(as_object(value, &offence));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7519_4_claim_names_must_be_unique() {
        use InvalidObject::{Duplicate, NotAnObject, TooDeep};
        let deep =
            |levels: usize| format!("{}{}", r#"{"a":"#.repeat(levels), "1") + &"}".repeat(levels);
        let arrays =
            |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        for (json, expected) in [
            ("{}", None),
            (r#" {"a":1,"b":[{"a":1},{"a":2}]} "#, None),
            (r#"{"a":1,"a":1}"#, Some(Duplicate)),
            (r#"{"aud":1,"\u0061ud":1}"#, Some(Duplicate)),
            (r#"{"a":{"b":1,"c":2,"b":3}}"#, Some(Duplicate)),
            (r#"{"a":[{"b":1,"b":1}]}"#, Some(Duplicate)),
            (r#"{"a":1,"A":1}"#, None),
            (&deep(8), None),
            (&deep(9), Some(TooDeep)),
            (&deep(100), Some(TooDeep)),
            (&deep(5000), Some(TooDeep)),
            (&arrays(7), None),
            (&arrays(8), Some(TooDeep)),
            ("", Some(NotAnObject)),
            ("[]", Some(NotAnObject)),
            ("null", Some(NotAnObject)),
            (r#""{}""#, Some(NotAnObject)),
            ("{}{}", Some(NotAnObject)),
            ("{} x", Some(NotAnObject)),
            ("{}\0", Some(NotAnObject)),
            ("\u{feff}{}", Some(NotAnObject)),
            (r#"{"a":1,}"#, Some(NotAnObject)),
            (r"{'a':1}", Some(NotAnObject)),
            (r#"{"a":NaN}"#, Some(NotAnObject)),
            (r#"{"a":1e999}"#, Some(NotAnObject)),
            (r#"{"a":01}"#, Some(NotAnObject)),
            (r#"{"a":"\ud800"}"#, Some(NotAnObject)),
            ("{\"a\":\"\n\"}", Some(NotAnObject)),
        ] {
            let shown = &json[..json.len().min(60)];
            assert_eq!(parse_object(json.as_bytes()).err(), expected, "{shown}");
        }
        assert_eq!(parse_object(b"{\"a\":\"\xff\"}").err(), Some(NotAnObject));
    }

    #[test]
    fn values_stay_what_they_are() {
        let json = r#"{"a":[null,true,"x\u00e9",1,-1,1.5,18446744073709551615,1e30],"b":{}}"#;
        let expected: Value = serde_json::from_str(json).expect("JSON");
        let parsed = parse_object(json.as_bytes()).expect("an object");
        assert_eq!(Value::Object(parsed), expected);
    }

    #[test]
    fn a_bad_element_does_not_spoil_the_others() {
        let json =
            br#"{"x":{"y":[]},"keys":[{"a":1},{"a":1,"a":2},7,{"a":[[[[[[[[1]]]]]]]]},{"b":2}]}"#;
        let parsed = parse_objects_of(json, "keys").expect("a document");
        let shown: Vec<String> = parsed
            .iter()
            .map(|element| match element {
                Ok(members) => serde_json::to_string(members).expect("JSON"),
                Err(error) => error.to_string(),
            })
            .collect();
        let expected = [
            r#"{"a":1}"#,
            "has a name twice",
            "is not a JSON object",
            "is nested too deeply",
            r#"{"b":2}"#,
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_document_around_them_is_read_strictly() {
        for json in [
            "",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":null}"#,
            r#"{"keys":[]}x"#,
            r#"{"keys":[],"keys":[]}"#,
            r#"{"keys":[],"x":1,"x":1}"#,
            r#"{"keys":[{]}"#,
            r#"{"Keys":[]}"#,
            "<html>",
        ] {
            assert!(parse_objects_of(json.as_bytes(), "keys").is_err(), "{json}");
        }
    }
}
