//! The strict JSON object, beside serde_json's reading and one that remembers every name: it
//! accepts exactly the objects with no name twice at any level and no more than eight levels.

use std::{cell::Cell, collections::HashSet, fmt};

use propusk::fuzzing;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

const DEEPEST: usize = 8;

pub(crate) fn run(input: &[u8]) -> bool {
    let strict = fuzzing::strict_object(input);
    let read = serde_json::from_slice::<Value>(input);
    let fine = match &read {
        Ok(value @ Value::Object(_)) => depth(value) <= DEEPEST && !repeats_a_name(input),
        _ => false,
    };
    match strict {
        Some(members) => {
            assert!(fine, "accepted what is not strict");
            assert_eq!(read.ok(), Some(Value::Object(members)), "read differently");
            true
        }
        None => {
            assert!(!fine, "refused an object that is in order");
            false
        }
    }
}

fn depth(value: &Value) -> usize {
    let below = match value {
        Value::Array(elements) => elements.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + below.unwrap_or_default()
}

thread_local! {
    static REPEATED: Cell<bool> = const { Cell::new(false) };
}

/// Of something that serde_json reads.
fn repeats_a_name(json: &[u8]) -> bool {
    REPEATED.set(false);
    let read = serde_json::from_slice::<Names>(json);
    assert!(read.is_ok(), "JSON at first, and then not");
    REPEATED.get()
}

/// Reads anything and notes where a name comes twice.
struct Names;

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Names {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some((name, _)) = entries.next_entry::<String, Self>()? {
            if !names.insert(name) {
                REPEATED.set(true);
            }
        }
        Ok(self)
    }
}
