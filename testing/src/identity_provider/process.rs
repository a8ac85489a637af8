//! The Node process.

use std::{
    fs::{self, File},
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdin, Command},
    time::timeout,
};

use super::{installed::Installed, options::Options};

/// Longer than any start takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running provider, killed on drop.
pub(super) struct Process {
    child: Child,
    /// The provider ends itself when this closes, which it also does when we die.
    stdin: Option<ChildStdin>,
    issuer: String,
    control: String,
}

impl Process {
    /// Starts the provider with its state in `home`, and waits for its two lines.
    pub(super) async fn start(options: &Options, home: &Path, port: u16) -> anyhow::Result<Self> {
        let installed = Installed::find()?;
        let log = home.join("provider.log");
        let mut child = Command::new(&installed.node)
            .arg(&installed.script)
            .arg("--until-stdin-closes")
            .arg(format!("--port={port}"))
            .arg(format!("--state={}", home.join("state.json").display()))
            .args(options.flags())
            .env("PROPUSK_TEST_IDP", &installed.modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", installed.node.display()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let lines = async { anyhow::Ok((lines.next_line().await?, lines.next_line().await?)) };
        let (Some(first), Some(second)) = timeout(PATIENCE, lines).await.context("no line")??
        else {
            bail!(
                "the identity provider did not start: {}",
                fs::read_to_string(&log).unwrap_or_default()
            );
        };
        Ok(Self {
            child,
            stdin,
            issuer: after(&first, "listening on ")?,
            control: after(&second, "control on ")?,
        })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn control(&self) -> &str {
        &self.control
    }

    /// Lets the provider write its state and end.
    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        drop(self.stdin.take());
        let ended = timeout(PATIENCE, self.child.wait());
        let status = ended
            .await
            .context("the identity provider does not end")??;
        ensure!(
            status.success(),
            "the identity provider ended with {status}"
        );
        Ok(())
    }
}

fn after(line: &str, prefix: &str) -> anyhow::Result<String> {
    let rest = line.strip_prefix(prefix);
    rest.map(str::to_owned)
        .with_context(|| format!("the provider's line is {line:?}, not {prefix}…"))
}
