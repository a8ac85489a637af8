//! Which program is started, and with which environment.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
    process::Stdio,
};

use tokio::process::Command;

/// What a program gets of our environment where nothing else is said. It is the list of the official
/// MCP SDKs, whose clients start the same servers.
pub const INHERITED: [&str; 6] = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];

/// A program that speaks MCP on its standard input and output.
///
/// No shell is asked: the program is started with these very arguments. It is looked for in `PATH`
/// where its name has no slash. Its environment has the names of [`INHERITED`] that are set here, what
/// [`inherit`](Self::inherit) and [`env`](Self::env) add, and nothing else: neither the tokens nor the
/// other secrets of this process.
#[derive(Clone)]
pub struct StdioCommand {
    program: OsString,
    arguments: Vec<OsString>,
    inherited: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    folder: Option<PathBuf>,
}

impl StdioCommand {
    /// A program without arguments.
    #[must_use]
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            inherited: INHERITED.iter().map(OsString::from).collect(),
            environment: BTreeMap::new(),
            folder: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Also takes these variables from our own environment, as they are when the program is started.
    #[must_use]
    pub fn inherit<N: Into<OsString>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.inherited.extend(names.into_iter().map(Into::into));
        self
    }

    /// Takes only these variables from our own environment, and not those of [`INHERITED`].
    #[must_use]
    pub fn inherit_only<N: Into<OsString>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.inherited.clear();
        self.inherit(names)
    }

    /// Sets the folder in which it runs (ours by default).
    #[must_use]
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The program as it was named; for messages.
    #[must_use]
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// The command, in a process group of its own, with all three streams piped.
    pub(super) fn build(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        for name in &self.inherited {
            // A shell's exported function is code that another shell would run.
            let value =
                env::var_os(name).filter(|value| !value.as_encoded_bytes().starts_with(b"()"));
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.envs(&self.environment);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}

/// Arguments and values may be secrets, and are not shown.
impl fmt::Debug for StdioCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdioCommand")
            .field("program", &self.program)
            .field("arguments", &self.arguments.len())
            .field("inherited", &self.inherited)
            .field("environment", &self.environment.keys())
            .field("folder", &self.folder)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(command: &StdioCommand) -> BTreeMap<OsString, Option<OsString>> {
        let built = command.build();
        let variables = built.as_std().get_envs();
        variables
            .map(|(name, value)| (name.to_owned(), value.map(OsStr::to_owned)))
            .collect()
    }

    #[test]
    fn the_environment_is_what_was_configured() {
        let command = StdioCommand::new("server")
            .inherit_only(["PATH"])
            .env("KEY", "value");
        let variables = environment(&command);
        let names: Vec<_> = variables.keys().map(|name| name.to_str()).collect();
        assert_eq!(names, [Some("KEY"), Some("PATH")]);
        assert_eq!(
            variables[OsStr::new("KEY")].as_deref(),
            Some(OsStr::new("value"))
        );
    }

    #[test]
    fn a_value_is_not_shown() {
        let command = StdioCommand::new("server")
            .args(["--key=secret-1"])
            .env("KEY", "secret-2");
        assert!(!format!("{command:?}").contains("secret"));
    }
}
