//! Runs the official MCP conformance suite against `conformance-server` and `conformance-client`, and
//! against the same server behind `propusk serve`, as an upstream over HTTP and as one over stdio.
//!
//! The suite cannot send a token, and a program that callers without a name share may ask nobody. So the
//! gate over stdio wants a token, and one more in front of it has that token for everybody.
//!
//! The verdict is this file's own, from the suite's list of required scenarios and the checks it
//! wrote: a required scenario that the suite left out, or that checked nothing, is a failure too.

mod report;

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use anyhow::{Context, ensure};

use crate::{
    node::{self, NodeTools},
    process::{self, Server},
};
use report::{Report, problems, required};

/// Newest first. The same programs must satisfy both.
const REVISIONS: [&str; 2] = ["2026-07-28", "2025-11-25"];

/// Scenarios of clients that the suite runs and does not require: they are about extensions, or came
/// later. This project requires them.
const CLIENT_BESIDES: [&str; 7] = [
    "auth/client-credentials-basic",
    "auth/client-credentials-jwt",
    "auth/dpop",
    "auth/dpop-nonce",
    "auth/enterprise-managed-authorization",
    "auth/wif-jwt-bearer",
    "json-schema-2020-12-preservation",
];

/// In milliseconds: the suite starts all clients of a revision at once.
const CLIENT_TIMEOUT: &str = "120000";

/// Runs every scenario that must pass, of both revisions, and prints one line for each side of each
/// revision.
///
/// # Errors
///
/// Fails when anything required failed or did not run, after all of it is printed.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let tools = node::suite_runtime(root)?;
    let build = |name| process::build(root, "propusk-conformance", name, false);
    let fixture = build("conformance-server")?;
    let server = Server::start(Command::new(&fixture).arg("0"))?;
    let program = process::build(root, "propusk-cli", "propusk", false)?;
    let mut before_http = gate(&program, "optional", "nobodys-conformance-token");
    let before_http = Server::start(before_http.args(["--upstream", &server.url]))?;
    let mut over_stdio = gate(&program, "required", TOKEN);
    let over_stdio = Server::start(over_stdio.arg("--").arg(&fixture).arg("--stdio"))?;
    let before_stdio = Server::start(&mut with_token(root, &program, &over_stdio.url)?)?;
    let client = build("conformance-client")?;
    let client = client.to_str().context("the path of this folder")?;
    // The suite takes a whole command, and splits it at spaces.
    ensure!(!client.contains(' '), "{client} has a space in it");

    let sides = [
        Side::server("server", &server.url),
        Side::server("server behind the gate, over HTTP", &before_http.url),
        Side::server("server behind the gate, over stdio", &before_stdio.url),
        Side {
            name: "client",
            side: "client",
            arguments: vec!["--command", client, "--timeout", CLIENT_TIMEOUT],
            besides: &CLIENT_BESIDES,
            prefix: "",
        },
    ];
    let mut passed = true;
    for side in sides {
        for revision in REVISIONS {
            let report = side.check(&tools, revision, root)?;
            println!("{report}");
            passed &= report.failed().next().is_none();
        }
    }
    ensure!(passed, "see .work/conformance for the checks that failed");
    Ok(())
}

/// Of the one caller of the gate over stdio.
const TOKEN: &str = "conformance-token-1";

fn gate(program: &Path, admission: &str, token: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--no-web"])
        .args(["--admission", admission])
        .args(["--token", &format!("{token}=suite")])
        // A foreign host, which the suite tries, is a warning.
        .args(["--log", "error,rmcp=off"])
        .env_remove("PROPUSK_TOKENS");
    command
}

/// A gate that admits everybody, and shows its own token to the one behind.
fn with_token(root: &Path, program: &Path, url: &str) -> anyhow::Result<Command> {
    let file = root.join(".work/conformance/gate.toml");
    let credentials = r#"{ header = "authorization", prefix = "Bearer ", env = "BEHIND" }"#;
    fs::create_dir_all(root.join(".work/conformance"))?;
    fs::write(
        &file,
        format!("[[upstream]]\nurl = {url:?}\ncredentials = {credentials}\n"),
    )?;
    let mut command = gate(program, "optional", "nobodys-conformance-token");
    command.env("BEHIND", TOKEN).arg("--config").arg(file);
    Ok(command)
}

/// One side of the protocol, as the suite is told about it.
struct Side<'a> {
    /// How it is called here.
    name: &'static str,
    /// `server` or `client`.
    side: &'static str,
    arguments: Vec<&'a str>,
    /// What must pass beyond the suite's own list.
    besides: &'a [&'a str],
    /// What the names of result folders begin with.
    prefix: &'static str,
}

impl<'a> Side<'a> {
    fn server(name: &'static str, url: &'a str) -> Self {
        Self {
            name,
            side: "server",
            arguments: vec!["--url", url],
            besides: &[],
            prefix: "server-",
        }
    }

    /// Runs the suite for one revision, with its results in `.work/conformance/<name>/<revision>`.
    fn check(&self, tools: &NodeTools, revision: &str, root: &Path) -> anyhow::Result<Report> {
        let folder = root
            .join(".work/conformance")
            .join(self.name.replace([' ', ','], "-"))
            .join(revision);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let log = File::create(folder.join("suite.log"))?;
        let status = Command::new(&tools.node)
            .arg(&tools.conformance)
            .arg(self.side)
            .args(&self.arguments)
            .args(["--requirements", revision])
            .arg("--output-dir")
            .arg(&folder)
            .stdout(log.try_clone()?)
            .stderr(log)
            .status()
            .context("running the conformance suite")?;

        let list = fs::read_to_string(tools.requirements.join(format!("{revision}.yaml")))?;
        let report = Report {
            side: self.name,
            revision: revision.to_owned(),
            required: problems(&required(&list, self.side), self.prefix, &folder)?,
            besides: problems(self.besides, self.prefix, &folder)?,
        };
        ensure!(!report.required.is_empty(), "no scenario is required");
        ensure!(
            status.success() || report.failed().next().is_some(),
            "the suite failed, and no required scenario says why: see {}",
            folder.join("suite.log").display()
        );
        Ok(report)
    }
}
