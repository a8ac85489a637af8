//! One field of a form as a question.

use rmcp::model::ElicitationSchema;
use serde_json::{Number, Value, json};

use crate::output::visible;

/// Words that a secret goes by.
const SECRETS: [&str; 7] = [
    "password", "passwort", "secret", "token", "api key", "apikey", "api_key",
];

/// A field, what may be answered, and what counts if nothing is.
pub(super) struct Question {
    pub(super) name: String,
    label: String,
    description: String,
    kind: Kind,
    schema: Value,
    required: bool,
}

enum Kind {
    Text,
    Number,
    Integer,
    Boolean,
    /// Values and what they are called; one of them, or several.
    One(Vec<(String, String)>),
    Many(Vec<(String, String)>),
}

impl Question {
    /// The fields of a form, in the order of the server.
    pub(super) fn all(schema: &ElicitationSchema) -> Vec<Self> {
        let sorted = || schema.properties.keys().cloned().collect();
        let order = schema.property_order.clone().unwrap_or_else(sorted);
        let required = schema.required.as_deref().unwrap_or_default();
        let question = |name: String| {
            let field = serde_json::to_value(schema.properties.get(&name)?).ok()?;
            let required = required.contains(&name);
            Some(Self::new(name, field, required))
        };
        order.into_iter().filter_map(question).collect()
    }

    fn new(name: String, schema: Value, required: bool) -> Self {
        let text = |member: &str| visible(schema[member].as_str().unwrap_or_default());
        let title = text("title");
        Self {
            label: if title.is_empty() {
                visible(&name)
            } else {
                title
            },
            description: text("description"),
            kind: Kind::of(&schema),
            name,
            schema,
            required,
        }
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Whether it sounds as if a secret was asked for.
    pub(super) fn looks_secret(&self) -> bool {
        let text = format!("{} {} {}", self.name, self.label, self.description).to_lowercase();
        SECRETS.iter().any(|word| text.contains(word))
    }

    /// What is shown before the answer is typed.
    pub(super) fn text(&self) -> String {
        let mut text = self.label.clone();
        if !self.description.is_empty() {
            text.push_str(&format!(": {}", self.description));
        }
        let hint = match &self.kind {
            Kind::Text => String::new(),
            Kind::Number => "a number".to_owned(),
            Kind::Integer => "a whole number".to_owned(),
            Kind::Boolean => "y or n".to_owned(),
            Kind::One(choices) => format!("one of {}", listed(choices)),
            Kind::Many(choices) => format!("some of {}, with commas", listed(choices)),
        };
        let default = self.default_shown().map(|value| format!("default {value}"));
        let skip = (!self.required && default.is_none()).then(|| "may be left out".to_owned());
        let hints = [(!hint.is_empty()).then_some(hint), default, skip];
        let hints: Vec<String> = hints.into_iter().flatten().collect();
        match hints.is_empty() {
            true => format!("{text}?"),
            false => format!("{text} ({})?", hints.join("; ")),
        }
    }

    /// The value of an answer; `None` where it is left out.
    pub(super) fn read(&self, line: &str) -> Result<Option<Value>, String> {
        if line.is_empty() {
            return match self.schema.get("default") {
                Some(default) => Ok(Some(default.clone())),
                None if self.required => Err("this is needed (Ctrl-D cancels)".to_owned()),
                None => Ok(None),
            };
        }
        let value = match &self.kind {
            Kind::Text => self.text_value(line)?,
            Kind::Number => self.number(line)?,
            Kind::Integer => self.integer(line)?,
            Kind::Boolean => match line.to_lowercase().as_str() {
                "y" | "yes" | "true" => json!(true),
                "n" | "no" | "false" => json!(false),
                _ => return Err("answer y or n".to_owned()),
            },
            Kind::One(choices) => json!(chosen(choices, line)?),
            Kind::Many(choices) => {
                let several = line.split(',').map(|word| chosen(choices, word.trim()));
                json!(several.collect::<Result<Vec<_>, _>>()?)
            }
        };
        Ok(Some(value))
    }

    fn text_value(&self, line: &str) -> Result<Value, String> {
        let length = line.chars().count() as u64;
        let limit = |member: &str| self.schema[member].as_u64();
        match (limit("minLength"), limit("maxLength")) {
            (Some(least), _) if length < least => Err(format!("at least {least} characters")),
            (_, Some(most)) if length > most => Err(format!("at most {most} characters")),
            _ => Ok(json!(line)),
        }
    }

    fn integer(&self, line: &str) -> Result<Value, String> {
        let number: i64 = line
            .parse()
            .map_err(|_| "this is no whole number".to_owned())?;
        self.within(number as f64)?;
        Ok(json!(number))
    }

    fn number(&self, line: &str) -> Result<Value, String> {
        let number: f64 = line.parse().map_err(|_| "this is no number".to_owned())?;
        self.within(number)?;
        let number = Number::from_f64(number).ok_or("this is no number")?;
        Ok(Value::Number(number))
    }

    fn within(&self, number: f64) -> Result<(), String> {
        let limit = |member: &str| self.schema[member].as_f64();
        match (limit("minimum"), limit("maximum")) {
            (Some(least), _) if number < least => Err(format!("at least {least}")),
            (_, Some(most)) if number > most => Err(format!("at most {most}")),
            _ => Ok(()),
        }
    }

    fn default_shown(&self) -> Option<String> {
        match self.schema.get("default")? {
            Value::String(text) => Some(visible(text)),
            Value::Bool(yes) => Some(if *yes { "y" } else { "n" }.to_owned()),
            other => Some(visible(&other.to_string())),
        }
    }
}

impl Kind {
    fn of(schema: &Value) -> Self {
        let items = &schema["items"];
        let (choices, many) = match items.is_object() {
            true => (choices(items), true),
            false => (choices(schema), false),
        };
        match (choices, many) {
            (Some(choices), true) => return Self::Many(choices),
            (Some(choices), false) => return Self::One(choices),
            (None, _) => {}
        }
        match schema["type"].as_str() {
            Some("number") => Self::Number,
            Some("integer") => Self::Integer,
            Some("boolean") => Self::Boolean,
            _ => Self::Text,
        }
    }
}

/// The values of an enumeration, with their titles.
fn choices(schema: &Value) -> Option<Vec<(String, String)>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(titled) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let pair = |choice: &Value| Some((text(&choice["const"])?, text(&choice["title"])?));
        return Some(titled.iter().filter_map(pair).collect());
    }
    let values: Vec<String> = schema["enum"].as_array()?.iter().filter_map(text).collect();
    let names = schema["enumNames"].as_array().cloned().unwrap_or_default();
    let name = |at: usize| names.get(at).and_then(text);
    let pairs = values.into_iter().enumerate();
    Some(
        pairs
            .map(|(at, value)| (value.clone(), name(at).unwrap_or(value)))
            .collect(),
    )
}

fn listed(choices: &[(String, String)]) -> String {
    let shown = choices.iter().map(|(value, title)| match value == title {
        true => visible(value),
        false => format!("{} ({})", visible(value), visible(title)),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// The value that was chosen, by itself or by its title.
fn chosen(choices: &[(String, String)], word: &str) -> Result<String, String> {
    let found = choices
        .iter()
        .find(|(value, title)| value == word || title == word);
    let value = found.map(|(value, _)| value.clone());
    value.ok_or_else(|| format!("choose one of {}", listed(choices)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(schema: Value, required: bool, line: &str) -> Result<Option<Value>, String> {
        Question::new("field".to_owned(), schema, required).read(line)
    }

    #[test]
    fn answers_are_what_the_schema_wants() {
        let colours =
            json!({ "type": "string", "enum": ["r", "g"], "enumNames": ["red", "green"] });
        let titled = json!({ "type": "string", "oneOf": [{ "const": "r", "title": "red" }] });
        let several = json!({ "type": "array", "items": { "type": "string", "enum": ["a", "b"] } });
        #[rustfmt::skip]
        let table = [
            (json!({ "type": "string" }), "x y", Some(json!("x y"))),
            (json!({ "type": "string", "minLength": 3 }), "ab", None),
            (json!({ "type": "string", "maxLength": 1 }), "жж", None),
            (json!({ "type": "integer" }), "5", Some(json!(5))),
            (json!({ "type": "integer" }), "5.5", None),
            (json!({ "type": "integer", "minimum": 6 }), "5", None),
            (json!({ "type": "number", "maximum": 6 }), "5.5", Some(json!(5.5))),
            (json!({ "type": "number" }), "NaN", None),
            (json!({ "type": "number" }), "x", None),
            (json!({ "type": "boolean" }), "Yes", Some(json!(true))),
            (json!({ "type": "boolean" }), "n", Some(json!(false))),
            (json!({ "type": "boolean" }), "5", None),
            (colours.clone(), "r", Some(json!("r"))),
            (colours.clone(), "green", Some(json!("g"))),
            (colours, "blue", None),
            (titled, "red", Some(json!("r"))),
            (several.clone(), "a, b", Some(json!(["a", "b"]))),
            (several, "a, c", None),
            (json!({ "type": "integer", "default": 7 }), "", Some(json!(7))),
            (json!({ "type": "integer" }), "", None),
        ];
        for (schema, line, expected) in table {
            assert_eq!(
                read(schema.clone(), true, line).ok().flatten(),
                expected,
                "{schema} {line}"
            );
        }
        assert_eq!(read(json!({ "type": "string" }), false, ""), Ok(None));
    }

    #[test]
    fn a_question_says_what_may_be_answered() {
        for (schema, required, text, secret) in [
            (json!({ "type": "string" }), true, "field?", false),
            (
                json!({ "type": "string" }),
                false,
                "field (may be left out)?",
                false,
            ),
            (
                json!({ "type": "boolean", "default": true }),
                true,
                "field (y or n; default y)?",
                false,
            ),
            (
                json!({ "type": "string", "title": "Your password\n" }),
                true,
                "Your password\\n?",
                true,
            ),
            (
                json!({ "type": "string", "enum": ["a", "b"], "description": "which" }),
                true,
                "field: which (one of a, b)?",
                false,
            ),
        ] {
            let question = Question::new("field".to_owned(), schema, required);
            assert_eq!(question.text(), text);
            assert_eq!(question.looks_secret(), secret, "{text}");
        }
    }
}
