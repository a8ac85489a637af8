//! Clients in other languages: processes that take orders and tell events, a line of JSON each
//! (`interop/python/oauth_client.py` says which).

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{
    client::{Client, Refusals},
    person::Person,
};
use crate::support::{Sandbox, content, unnamed};

/// Longer than any step takes; a client that is silent for so long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which client.
#[derive(Clone, Copy, Debug)]
pub(super) enum Language {
    Python,
    TypeScript,
}

pub(super) struct Script {
    child: Child,
    orders: ChildStdin,
    events: Receiver<Value>,
    err: File,
    version: String,
    refused: Refusals,
}

impl Script {
    /// Starts a client and lets it connect to a URL, in a mode, as a client that the provider knows
    /// by this id (none: it registers itself). An error is the client's own words.
    pub(super) fn start(
        language: Language,
        place: &Sandbox,
        (url, mode, client): (&str, &str, &str),
        person: &mut Person<'_>,
    ) -> Result<Self, String> {
        let (program, script) = language.program();
        let modules = installed("PROPUSK_TEST_TYPESCRIPT", ".work/typescript");
        let args = [&*script.to_string_lossy(), url, mode, client];
        let args = &args[..if client.is_empty() { 3 } else { 4 }];
        let env = [("PROPUSK_TEST_TYPESCRIPT", &*modules.to_string_lossy())];
        let mut command = place.command(&program.to_string_lossy(), args, &env);
        let err = unnamed();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(err.try_clone().unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{error}: {HINT}: {command:?}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, events) = channel();
        // It ends with the client, whose end closes the pipe.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if tell.send(event).is_err() {
                    break;
                }
            }
        });
        let mut script = Self {
            orders: child.stdin.take().unwrap(),
            child,
            events,
            err,
            version: String::new(),
            refused: Vec::new(),
        };
        let version = script.until("connected", person)?;
        version.as_str().unwrap().clone_into(&mut script.version);
        Ok(script)
    }

    /// Waits for an event, and meanwhile lets the person sign in.
    fn until(&mut self, name: &str, person: &mut Person<'_>) -> Result<Value, String> {
        loop {
            let event = self.events.recv_timeout(PATIENCE).unwrap_or_else(|gone| {
                panic!("{gone} ({HINT}): {}", content(&mut self.err));
            });
            if let Some(url) = event["visit"].as_str() {
                let back = person.visit(url);
                self.tell(&back);
            } else if event["refused"].is_array() {
                let refused = serde_json::from_value(event["refused"].clone());
                self.refused.push(refused.unwrap());
            } else if let Some(error) = event["error"].as_str() {
                return Err(error.to_owned());
            } else if let Some(value) = event.get(name) {
                return Ok(value.clone());
            } else {
                panic!("{event}: {}", content(&mut self.err));
            }
        }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.orders, "{line}").expect("the client listens");
    }
}

impl Client for Script {
    fn version(&self) -> &str {
        &self.version
    }

    fn obey(&mut self, person: &mut Person<'_>, order: &Value) -> Result<Value, String> {
        self.tell(&order.to_string());
        self.until("answer", person)
    }

    fn refusals(&mut self) -> Refusals {
        std::mem::take(&mut self.refused)
    }

    fn warnings(&mut self) -> String {
        content(&mut self.err)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It has ended already where something went wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Language {
    /// The interpreter and the script.
    fn program(self) -> (PathBuf, PathBuf) {
        match self {
            Self::Python => (
                installed("PROPUSK_TEST_PYTHON", ".work/python/bin/python"),
                root().join("interop/python/oauth_client.py"),
            ),
            Self::TypeScript => (
                installed("PROPUSK_TEST_NODE", ".work/node/node_modules/.bin/node"),
                root().join("interop/typescript/oauth_client.mjs"),
            ),
        }
    }
}

const HINT: &str = "run `cargo xtask clients`, which installs the clients into .work/";

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the workspace")
}

fn installed(variable: &str, usual: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| root().join(usual), PathBuf::from)
}
