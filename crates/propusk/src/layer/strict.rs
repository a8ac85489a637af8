//! JSON in which no name comes twice, at any depth, in whatever case.
//!
//! Of two members with one name one parser takes the first and another the last. Where a rule decides
//! by what is inside of `arguments`, it must see what the tool will see.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    lookalike::folded,
    message::{Name, Seen},
};

/// Whether there is one way to read it.
pub(super) fn check(json: &RawValue) -> Result<(), serde_json::Error> {
    serde_json::from_str::<Strict>(json.get()).map(drop)
}

struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_unit<E: Error>(self) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        while items.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strict, A::Error> {
        let mut seen = Seen::default();
        while let Some(Name(name)) = map.next_key()? {
            let folded = match folded(&name) {
                Cow::Borrowed(_) => None,
                Cow::Owned(folded) => Some(Cow::Owned(folded)),
            };
            let folded = folded.unwrap_or(name);
            if seen.has(&folded) {
                return Err(A::Error::custom(format_args!("{folded:?} comes twice")));
            }
            seen.add(folded);
            map.next_value::<Strict>()?;
        }
        Ok(Strict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_once_at_every_depth() {
        #[rustfmt::skip]
        let table = [
            (r#"{"a":1,"b":[{"a":1},{"a":2}],"c":{"a":null}}"#, true),
            (r#"[1,-1,1.5,"x",true,null,{}]"#, true),
            (r#"{"a":{"a":{"a":1}}}"#, true),
            (r#"{"A":1,"b":1}"#, true),
            // What Go takes for one name.
            (r#"{"A":1,"a":1}"#, false),
            (r#"{"x":{"path":1,"Path":2}}"#, false),
            (r#"{"a":1,"a":1}"#, false),
            (r#"{"a":1,"\u0061":1}"#, false),
            (r#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#, false),
            (r#"{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"7":9}"#, false),
        ];
        for (json, expected) in table {
            let raw: &RawValue = serde_json::from_str(json).expect("JSON");
            assert_eq!(check(raw).is_ok(), expected, "{json}");
        }
    }
}
