//! Real clients in other languages against the built server, and through the gate against servers in
//! other languages.

mod gate;

use std::{fs, path::Path, process::Command};

use anyhow::ensure;

use crate::{
    browser, clients, node, npm,
    process::{self, Server},
};

/// The token and the subject that the checks expect.
const TOKEN: &str = "interop-token-123";
const SUBJECT: &str = "alice";

/// The official Python client, in every era that it speaks, and the examples in other languages.
///
/// # Errors
///
/// Fails where a check does, or what it needs cannot be had.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let program = process::build(root, "propusk-cli", "propusk", false)?;
    python(root, &program)?;
    in_browser(root, &program)?;
    gate::run(root, &program)
}

fn serve(program: &Path, flags: &[&str]) -> anyhow::Result<Server> {
    let mut serve = Command::new(program);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn,rmcp=off"]);
    serve.arg("--token").arg(format!("{TOKEN}={SUBJECT}:echo"));
    Server::start(serve.args(flags).env_remove("PROPUSK_TOKENS"))
}

fn python(root: &Path, program: &Path) -> anyhow::Result<()> {
    let python = clients::python(root)?;
    let server = serve(program, &[])?;
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
    process::run(example.env("PROPUSK_TOKEN", TOKEN))
}

/// The example of a page, from another port than those of its servers.
fn in_browser(root: &Path, program: &Path) -> anyhow::Result<()> {
    const HOME: &str = ".work/example-browser";
    browser::install(root)?;
    let home = root.join(HOME);
    let esbuild = home.join("node_modules/.bin/esbuild");
    npm::install(root, "examples/browser", HOME, || {
        ensure!(esbuild.exists(), "{} is missing", esbuild.display());
        Ok(())
    })?;
    for file in ["index.html", "client.js"] {
        fs::copy(root.join("examples/browser").join(file), home.join(file))?;
    }
    let mut bundle = Command::new(&esbuild);
    bundle.args(["client.js", "--bundle", "--format=esm", "--outdir=built"]);
    process::run(bundle.arg("--log-level=warning").current_dir(&home))?;
    let pages = ["--allowed-origin", "http://127.0.0.1:*"];
    let allowed = serve(program, &pages)?;
    let scoped = serve(
        program,
        &[&pages[..], &["--required-scope", "talk"]].concat(),
    )?;
    let closed = serve(program, &[])?;
    let mut check = Command::new(node::suite_runtime(root)?.node);
    check
        .arg(root.join("interop/browser/example.mjs"))
        .arg("--page")
        .arg(&home);
    for (flag, server) in [
        ("--allowed", &allowed),
        ("--scoped", &scoped),
        ("--closed", &closed),
    ] {
        check.args([flag, &server.url]);
    }
    process::run(check.env("PROPUSK_TOKEN", TOKEN))
}
