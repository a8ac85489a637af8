//! Servers that nobody here wrote, behind the gate, used by the official clients: over stdio those of
//! the npm registry for everything and for files, over HTTP a FastMCP server and one by the TypeScript
//! SDK. With a token, with one that lacks a scope, with none.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::{
    clients, node, npm,
    process::{self, Server},
};

const RICH: &str = "rich-interop-token-1";
const POOR: &str = "poor-interop-token-2";
const NONE: &str = "bare-interop-token-3";

/// Runs both clients against all four.
///
/// # Errors
///
/// Fails where a check does, or something of it cannot be had.
pub(super) fn run(root: &Path, program: &Path) -> anyhow::Result<()> {
    let python = clients::python(root)?;
    clients::install(root)?;
    let node = node::suite_runtime(root)?.node;
    let servers = servers(root)?;
    let work = root.join(".work/gate");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(work.join("files"))?;
    fs::write(work.join("files/hello.txt"), "hello from a file")?;

    let fastmcp = Server::start_held(
        Command::new(&python)
            .arg(root.join("interop/python/server_fastmcp.py"))
            .arg("--open"),
    )?;
    let typescript = Server::start_held(
        Command::new(&node)
            .arg(root.join("interop/typescript/server.mjs"))
            .arg("--open")
            .env("PROPUSK_TEST_TYPESCRIPT", root.join(".work/typescript")),
    )?;
    let upstreams = [
        Upstream::program("everything", &node, &servers.join("server-everything"), &[]),
        Upstream::program(
            "filesystem",
            &node,
            &servers.join("server-filesystem"),
            &[work.join("files")],
        ),
        Upstream::at("fastmcp", &fastmcp.url),
        Upstream::at("typescript", &typescript.url),
    ];
    let config = work.join("propusk.toml");
    let sections: Vec<_> = upstreams.iter().map(Upstream::section).collect();
    fs::write(&config, format!("{SERVE}{}", sections.concat()))?;
    let gate = Server::start(
        Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .current_dir(&work)
            .env_remove("PROPUSK_TOKENS"),
    )?;
    let base = gate.url.strip_suffix("/everything/mcp");
    let base = base.with_context(|| format!("the gate listens on {}", gate.url))?;
    let endpoints: Vec<_> = upstreams.iter().map(|one| one.case(base, &work)).collect();
    let tokens = json!({"rich": RICH, "poor": POOR, "none": NONE});
    let cases = work.join("cases.json");
    let text = json!({"tokens": tokens, "endpoints": endpoints}).to_string();
    fs::write(&cases, text)?;
    process::run(
        Command::new(&python)
            .arg(root.join("interop/python/gate.py"))
            .arg(&cases),
    )?;
    process::run(
        Command::new(&node)
            .arg(root.join("interop/typescript/gate.mjs"))
            .arg(&cases)
            .env("PROPUSK_TEST_TYPESCRIPT", root.join(".work/typescript")),
    )
}

/// The folder of the packages of servers.
fn servers(root: &Path) -> anyhow::Result<PathBuf> {
    const HOME: &str = ".work/servers";
    let packages = root.join(HOME).join("node_modules/@modelcontextprotocol");
    npm::install(root, "interop/servers", HOME, || {
        for name in ["server-everything", "server-filesystem"] {
            let program = packages.join(name).join("dist/index.js");
            ensure!(program.exists(), "{} is missing", program.display());
        }
        Ok(())
    })?;
    Ok(packages)
}

const SERVE: &str = r#"log = "warn,rmcp=off"

[serve]
token = [
    "rich-interop-token-1=alice:mcp,write",
    "poor-interop-token-2=bob:mcp",
    "bare-interop-token-3=carol",
]
required-scope = ["mcp"]
"#;

/// One endpoint.
struct Upstream {
    name: &'static str,
    /// The line of the configuration that says what it is.
    what: String,
}

impl Upstream {
    fn program(name: &'static str, node: &Path, package: &Path, arguments: &[PathBuf]) -> Self {
        let mut command = vec![node.to_owned(), package.join("dist/index.js")];
        command.extend_from_slice(arguments);
        let what = format!("command = {}", json!(command));
        Self { name, what }
    }

    fn at(name: &'static str, url: &str) -> Self {
        let what = format!("url = {}", json!(url));
        Self { name, what }
    }

    /// The names of a tool for all, and of one that needs a scope.
    fn tools(&self) -> [&'static str; 2] {
        match self.name {
            "everything" => ["echo", "get-sum"],
            "filesystem" => ["read_text_file", "write_file"],
            _ => ["echo", "notes_add"],
        }
    }

    fn section(&self) -> String {
        let (name, what, [_, locked]) = (self.name, &self.what, self.tools());
        format!(
            "\n[[upstream]]\nname = {name:?}\n{what}\n[upstream.scopes.tools]\n{locked:?} = \"write\"\n"
        )
    }

    fn case(&self, base: &str, work: &Path) -> Value {
        let [open, locked] = self.tools();
        let file = |name: &str| work.join("files").join(name);
        let (to_open, to_locked) = match self.name {
            "everything" => (
                (json!({"message": "Привет!"}), "Привет!"),
                (json!({"a": 19, "b": 23}), "42"),
            ),
            "filesystem" => (
                (json!({"path": file("hello.txt")}), "hello from a file"),
                (
                    json!({"path": file("written.txt"), "content": "x"}),
                    "written.txt",
                ),
            ),
            _ => (
                (json!({"message": "Привет!"}), "Привет!"),
                (json!({"text": "a note"}), "a note"),
            ),
        };
        let tool = |name, (arguments, gives): (Value, &str)| json!({"name": name, "arguments": arguments, "gives": gives});
        json!({
            "name": self.name,
            "url": format!("{base}/{}/mcp", self.name),
            "open": tool(open, to_open),
            "locked": tool(locked, to_locked),
        })
    }
}
