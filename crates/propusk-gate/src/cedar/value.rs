//! JSON as values of Cedar.
//!
//! Cedar's own reading of JSON is not used: in it an object with `__entity` or `__extn` is something
//! else than an object, and this JSON is written by whoever is to be judged.

use cedar_policy::{EntityId, EntityTypeName, EntityUid, RestrictedExpression};
use serde_json::{Number, Value};

/// Beyond these nobody is judged: it costs too much, and no tool needs it.
const MOST_VALUES: usize = 10_000;
const DEEPEST: usize = 32;

/// JSON that is too large or too deep for a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch;

/// The names that stand for what Cedar has no value for.
pub(super) struct Names {
    null: EntityUid,
    number: EntityTypeName,
}

impl Names {
    pub(super) fn new() -> Result<Self, super::InvalidPolicies> {
        Ok(Self {
            null: EntityUid::from_type_name_and_id(super::name("Null")?, EntityId::new("null")),
            number: super::name("Number")?,
        })
    }

    /// A record of these members.
    pub(super) fn record<'a>(
        &self,
        members: impl IntoIterator<Item = (&'a String, &'a Value)>,
    ) -> Result<RestrictedExpression, TooMuch> {
        let mut left = MOST_VALUES;
        self.members(members, &mut left, DEEPEST)
    }

    fn members<'a>(
        &self,
        members: impl IntoIterator<Item = (&'a String, &'a Value)>,
        left: &mut usize,
        deeper: usize,
    ) -> Result<RestrictedExpression, TooMuch> {
        let members = members
            .into_iter()
            .map(|(name, value)| Ok((name.clone(), self.value(value, left, deeper)?)));
        let members = members.collect::<Result<Vec<_>, TooMuch>>()?;
        // No name comes twice in a map.
        RestrictedExpression::new_record(members).map_err(|_| TooMuch)
    }

    fn value(
        &self,
        value: &Value,
        left: &mut usize,
        deeper: usize,
    ) -> Result<RestrictedExpression, TooMuch> {
        let deeper = deeper.checked_sub(1).ok_or(TooMuch)?;
        *left = left.checked_sub(1).ok_or(TooMuch)?;
        Ok(match value {
            Value::Null => RestrictedExpression::new_entity_uid(self.null.clone()),
            Value::Bool(value) => RestrictedExpression::new_bool(*value),
            Value::Number(number) => self.number(number),
            Value::String(text) => RestrictedExpression::new_string(text.clone()),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.value(item, left, deeper));
                RestrictedExpression::new_set(items.collect::<Result<Vec<_>, TooMuch>>()?)
            }
            Value::Object(members) => self.members(members, left, deeper)?,
        })
    }

    /// A whole number is a `Long`, however it is written (`1e3` is 1000); one with at most four places
    /// is a `decimal`; any other is an entity of which a policy can only say whether it is there. To
    /// compare that, or one kind with another, is an error, and errors deny.
    fn number(&self, number: &Number) -> RestrictedExpression {
        if let Some(whole) = number.as_i64().or_else(|| whole(number)) {
            return RestrictedExpression::new_long(whole);
        }
        let text = number.to_string();
        if is_decimal(&text) {
            return RestrictedExpression::new_decimal(text);
        }
        let uid = EntityUid::from_type_name_and_id(self.number.clone(), EntityId::new(text));
        RestrictedExpression::new_entity_uid(uid)
    }
}

fn whole(number: &Number) -> Option<i64> {
    // Beyond this not every whole number has a value of its own.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    let value = number.as_f64().filter(|_| number.is_f64())?;
    (value.fract() == 0.0 && value.abs() <= LARGEST).then_some(value as i64)
}

/// Whether Cedar's `decimal` takes it: four places, and less than 922,337,203,685,477 before them.
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str, most| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let text = text.strip_prefix('-').unwrap_or(text);
    text.split_once('.')
        .is_some_and(|(before, after)| digits(before, 14) && digits(after, 4))
}
