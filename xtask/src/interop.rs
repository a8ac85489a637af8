//! Real clients in other languages against the built server, and through the gate against servers in
//! other languages.

mod gate;

use std::{path::Path, process::Command};

use crate::{
    clients,
    process::{self, Server},
};

/// The token and the subject that the checks expect.
const TOKEN: &str = "interop-token-123";
const SUBJECT: &str = "alice";

/// The official Python client, in every era that it speaks, and what is in [`gate`].
///
/// # Errors
///
/// Fails where a check does, or Python or its packages cannot be had.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let python = clients::python(root)?;
    let program = process::build(root, "propusk-cli", "propusk", false)?;
    let mut serve = Command::new(&program);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn,rmcp=off"]);
    let server = Server::start(
        serve
            .arg("--token")
            .arg(format!("{TOKEN}={SUBJECT}:echo"))
            .env_remove("PROPUSK_TOKENS"),
    )?;
    let mut check = Command::new(&python);
    check
        .arg(root.join("interop/python/check.py"))
        .arg(&server.url);
    process::run(
        check
            .env("PROPUSK_TOKEN", TOKEN)
            .env("EXPECT_SUBJECT", SUBJECT),
    )?;
    // The example that the README shows.
    let mut example = Command::new(&python);
    example
        .arg(root.join("examples/python/client.py"))
        .arg(&server.url);
    process::run(example.env("PROPUSK_TOKEN", TOKEN))?;
    gate::run(root, &program)
}
