//! A client that somebody else wrote, at the orders of a test.

use serde_json::{Value, json};

use super::person::Person;

/// The refusals that a client got: status, where it is known, and challenge.
pub(super) type Refusals = Vec<(u16, String)>;

/// What the stories ask of a client. Everything about scopes is its own business.
pub(super) trait Client {
    /// The protocol version that was negotiated.
    fn version(&self) -> &str;

    /// Does one order; signing in, where the client wants that, is `person`'s part.
    fn obey(&mut self, person: &mut Person<'_>, order: &Value) -> Result<Value, String>;

    /// What was refused since the last time somebody asked.
    fn refusals(&mut self) -> Refusals;

    /// What it wrote for humans.
    fn warnings(&mut self) -> String {
        String::new()
    }
}

/// Whether anything goes on after a sign-in that failed: the Python client of version 2.3 ends the
/// whole connection then.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterFailedSignIn {
    GoesOn,
    Ends,
}

impl dyn Client + '_ {
    pub(super) fn call(&mut self, person: &mut Person<'_>, tool: &str) -> Result<Value, String> {
        let arguments = match tool {
            "notes_add" => json!({ "text": "a note" }),
            _ => json!({}),
        };
        self.obey(person, &json!({ "call": tool, "arguments": arguments }))
    }

    /// The scopes of the token that the server sees, sorted.
    #[track_caller]
    pub(super) fn scopes(&mut self, person: &mut Person<'_>) -> Vec<String> {
        let caller = self.call(person, "whoami").unwrap();
        assert_eq!(caller["subject"], super::super::provider::SUBJECT);
        serde_json::from_value(caller["scopes"].clone()).unwrap()
    }

    #[track_caller]
    pub(super) fn sees(&mut self, person: &mut Person<'_>, tool: &str) -> bool {
        let tools = self.obey(person, &json!({ "list": true })).unwrap();
        let tools: Vec<String> = serde_json::from_value(tools).unwrap();
        assert!(tools.contains(&"whoami".to_owned()), "{tools:?}");
        tools.iter().any(|name| name == tool)
    }
}
