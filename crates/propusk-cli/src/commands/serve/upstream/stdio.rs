//! A program that speaks MCP on its standard input and output.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use propusk_gate::stdio::{
    Sharing, StdioCommand, StdioSettings, StdioUpstream, hide_from_children,
};

use super::{super::installed, UpstreamConfig, Wrong};
use crate::failure::Failure;

/// The program, and how it is run.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::commands::serve) struct Program {
    pub(in crate::commands::serve) command: Vec<String>,
    env: BTreeMap<String, String>,
    env_from: Vec<String>,
    folder: Option<PathBuf>,
    per: Sharing,
    most: Option<u32>,
    idle: Option<Duration>,
}

impl Program {
    /// The one of the command line.
    pub(in crate::commands::serve) fn typed(command: Vec<String>) -> Self {
        Self {
            command,
            env: BTreeMap::new(),
            env_from: Vec::new(),
            folder: None,
            per: Sharing::All,
            most: None,
            idle: None,
        }
    }

    pub(super) fn of(
        config: &UpstreamConfig,
        command: &[String],
        wrong: Wrong<'_>,
    ) -> Result<Self, Failure> {
        if command
            .first()
            .is_none_or(|program| program.trim().is_empty())
        {
            return Err(wrong("command", "there is no program in it")
                .hint("write the program and its arguments, such as [\"npx\", \"-y\", \"…\"]"));
        }
        let per = match config.per.as_deref() {
            None | Some("all") => Sharing::All,
            Some("principal") => Sharing::Principal,
            Some(other) => {
                let why = format!("{other:?} is neither all nor principal");
                return Err(wrong("per", &why));
            }
        };
        let idle = match config.idle.as_deref().map(humantime::parse_duration) {
            None => None,
            Some(Ok(idle)) if !idle.is_zero() => Some(idle),
            Some(_) => return Err(wrong("idle", "this is no duration, such as 10m")),
        };
        let alone = [
            ("most", config.most.is_some()),
            ("idle", config.idle.is_some()),
        ];
        if let Some((key, _)) = alone.iter().find(|(_, given)| *given)
            && per == Sharing::All
        {
            return Err(wrong(
                key,
                "this is for per = \"principal\": by default all share one process",
            ));
        }
        if config.most == Some(0) {
            return Err(wrong(
                "most",
                "with 0 there would be no process for anybody",
            ));
        }
        Ok(Self {
            command: command.to_vec(),
            env: config.env.clone(),
            env_from: config.env_from.clone(),
            folder: config.folder.clone(),
            per,
            most: config.most,
            idle,
        })
    }

    /// Whether it is there to be started, as far as can be seen without starting it.
    pub(in crate::commands::serve) fn check(&self, place: &str) -> Result<(), Failure> {
        let folder = self.folder.as_deref().unwrap_or(Path::new(""));
        if self.folder.is_some() && !folder.is_dir() {
            let shown = folder.display();
            return Err(
                Failure::usage(format!("{place}: folder: there is no folder {shown}"))
                    .hint("the program is started in it: create it, or name another one"),
            );
        }
        match self.command.first() {
            // With a PATH of its own it is found there, or not.
            Some(program) if !self.env.contains_key("PATH") => installed(program, folder),
            _ => Ok(()),
        }
    }

    /// The upstream; the program is not started yet.
    pub(in crate::commands::serve) fn upstream(&self, name: &str) -> StdioUpstream {
        let [program, arguments @ ..] = &self.command[..] else {
            return StdioUpstream::new(StdioCommand::new(""), StdioSettings::new(name));
        };
        let mut command = StdioCommand::new(program)
            .args(arguments)
            .inherit(&self.env_from);
        for (name, value) in &self.env {
            command = command.env(name, value);
        }
        if let Some(folder) = &self.folder {
            command = command.current_dir(folder);
        }
        let mut settings = StdioSettings::new(name).per(self.per);
        if let Some(most) = self.most {
            settings = settings.most(most as usize);
        }
        if let Some(idle) = self.idle {
            settings = settings.idle(idle);
        }
        // The program runs as the same user as this one, which may know secrets from its environment.
        if let Err(error) = hide_from_children() {
            tracing::warn!(%error, upstream = name,
                "this server can read the environment of the gate, and the secrets in it");
        }
        StdioUpstream::new(command, settings)
    }

    /// The names of the variables that it is given, whose values may be secrets.
    pub(in crate::commands::serve) fn variables(&self) -> impl Iterator<Item = &str> {
        self.env.keys().chain(&self.env_from).map(String::as_str)
    }
}

/// Without the values of variables, which are often keys.
impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let variables: Vec<_> = self.variables().collect();
        f.debug_struct("Program")
            .field("command", &self.command)
            .field("variables", &variables)
            .finish_non_exhaustive()
    }
}
