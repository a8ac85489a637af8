//! MCP servers that others wrote, with bearer tokens: `interop/python` and `interop/typescript`.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use anyhow::{Context, bail};

use crate::installed::{installed, node, python, root};

/// Longer than any start takes.
const PATIENCE: Duration = Duration::from_secs(60);

const HINT: &str = "run `cargo xtask clients`, which installs what they need into .work/";

/// Who wrote the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// The official Python SDK: `MCPServer` with a token verifier.
    PythonSdk,
    /// `FastMCP` with a token verifier.
    FastMcp,
    /// The official TypeScript SDK: `createMcpHandler` behind `requireBearerAuth`.
    TypeScriptSdk,
    /// The same, where a transport with sessions serves 2025-11-25.
    TypeScriptSessions,
}

impl Framework {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::PythonSdk,
        Self::FastMcp,
        Self::TypeScriptSdk,
        Self::TypeScriptSessions,
    ];

    fn command(self) -> Command {
        let (program, script, flag) = match self {
            Self::PythonSdk => (python(), "interop/python/server_mcp.py", None),
            Self::FastMcp => (python(), "interop/python/server_fastmcp.py", None),
            Self::TypeScriptSdk => (node(), "interop/typescript/server.mjs", None),
            Self::TypeScriptSessions => {
                (node(), "interop/typescript/server.mjs", Some("--sessions"))
            }
        };
        let mut command = Command::new(program);
        let modules = installed("PROPUSK_TEST_TYPESCRIPT", ".work/typescript");
        command
            .arg(root().join(script))
            .args(flag)
            .env("PROPUSK_TEST_TYPESCRIPT", modules)
            // Otherwise it writes of every refusal.
            .env("FASTMCP_LOG_LEVEL", "WARNING");
        command
    }
}

/// A running server, which ends when this is dropped. Every request needs the scope `notes:read`.
#[derive(Debug)]
pub struct ForeignServer {
    child: Child,
    url: String,
}

impl ForeignServer {
    /// A token of alice with the scope `notes:read`.
    pub const READER: &str = "reader-token";
    /// A token of alice without a scope.
    pub const BARE: &str = "bare-token";
    /// Who both tokens stand for.
    pub const SUBJECT: &str = "alice";

    /// Starts a server on a free port and waits until it listens.
    ///
    /// # Errors
    /// What it needs is not installed, or it does not start.
    pub fn start(framework: Framework) -> anyhow::Result<Self> {
        let mut child = framework
            .command()
            // It ends itself when this closes, which it also does when we die.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{framework:?}: {HINT}"))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut server = Self {
            child,
            url: String::new(),
        };
        let (tell, first) = channel();
        // Reads on, so that a server that prints later does not die of a closed pipe.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let line = first.recv_timeout(PATIENCE);
        let line = line.with_context(|| format!("{framework:?} did not start: {HINT}"))?;
        match line.strip_prefix("listening on ") {
            Some(url) => url.clone_into(&mut server.url),
            None => bail!("{framework:?}: {line}"),
        }
        Ok(server)
    }

    /// Where it listens: `http://127.0.0.1:<port>/mcp`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its protected resource metadata is (RFC 9728 §3.1).
    #[must_use]
    pub fn metadata_url(&self) -> String {
        let origin = self.url.trim_end_matches("/mcp");
        format!("{origin}/.well-known/oauth-protected-resource/mcp")
    }
}

impl Drop for ForeignServer {
    fn drop(&mut self) {
        // It has ended already where something went wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
