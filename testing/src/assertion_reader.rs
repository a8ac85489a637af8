//! Libraries of others that verify the gate's assertions about its callers, in processes of their own:
//! `interop/python/caller_assertion.py` and `interop/typescript/caller_assertion.mjs`.

use std::process::Stdio;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::installed::{installed, node, python, root};

const HINT: &str = "run `cargo xtask clients`, which installs what it needs into .work/";

/// Which library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// jose, in Node.
    Jose,
    /// PyJWT, with its own client of key sets.
    PyJwt,
}

/// A running verifier, which remembers keys as its library does; killed on drop.
pub struct AssertionReader {
    library: Library,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Library {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Jose, Self::PyJwt];

    fn command(self) -> Command {
        let (program, script) = match self {
            Self::Jose => (node(), "interop/typescript/caller_assertion.mjs"),
            Self::PyJwt => (python(), "interop/python/caller_assertion.py"),
        };
        let modules = installed("PROPUSK_TEST_TYPESCRIPT", ".work/typescript");
        let mut command = Command::new(program);
        command.arg(root().join(script));
        command.env("PROPUSK_TEST_TYPESCRIPT", modules);
        command
    }
}

impl AssertionReader {
    /// Starts one that takes the assertions of `issuer` and has its keys from the URL `keys`.
    ///
    /// # Errors
    /// What it needs is not installed.
    pub fn start(library: Library, keys: &str, issuer: &str) -> anyhow::Result<Self> {
        let mut child = library
            .command()
            .args([keys, issuer])
            // It ends itself when this closes, which it also does when we die.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{library:?}: {HINT}"))?;
        let orders = child.stdin.take().context("no standard input")?;
        let answers = child.stdout.take().context("no standard output")?;
        Ok(Self {
            library,
            orders,
            answers: BufReader::new(answers).lines(),
            _child: child,
        })
    }

    /// The claims, or in the library's own words why there are none.
    ///
    /// # Errors
    /// It does not run.
    pub async fn read(
        &mut self,
        assertion: &str,
        audience: &str,
    ) -> anyhow::Result<Result<Value, String>> {
        let order = json!({ "assertion": assertion, "audience": audience });
        self.orders
            .write_all(format!("{order}\n").as_bytes())
            .await?;
        let line = self.answers.next_line().await?;
        let line = line.with_context(|| format!("{:?} ended: {HINT}", self.library))?;
        let mut said: Value = serde_json::from_str(&line)?;
        match (said["claims"].take(), said["refused"].as_str()) {
            (Value::Null, Some(why)) => Ok(Err(why.to_owned())),
            (claims @ Value::Object(_), None) => Ok(Ok(claims)),
            _ => bail!("{:?} says {line}", self.library),
        }
    }
}
