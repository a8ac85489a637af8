//! A gate in a process of its own.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::json;

use super::Client;

pub(crate) struct Program {
    pub(crate) gate: Child,
    url: String,
}

impl Program {
    /// In front of this program. It is waited for until that answers.
    pub(crate) fn start(arguments: &[impl AsRef<OsStr>]) -> Self {
        Self::run(Command::new(env!("CARGO_BIN_EXE_stdio-gate-fixture")).args(arguments))
    }

    /// The same, started by this command.
    pub(crate) fn run(command: &mut Command) -> Self {
        let mut gate = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        let stdout = gate.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut url).unwrap();
        let url = url.trim().to_owned();
        Self { gate, url }
    }

    /// Somebody without a token.
    pub(crate) fn anybody(&self) -> Client {
        Client::at(&self.url, "", json!({})).without_token()
    }

    /// Asks it to end, as the system does, and waits until it has.
    pub(crate) fn end(&mut self) {
        let told = Command::new("kill")
            .arg(self.gate.id().to_string())
            .status();
        assert!(told.unwrap().success());
        assert!(self.gate.wait().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.gate.kill();
        let _ = self.gate.wait();
    }
}
