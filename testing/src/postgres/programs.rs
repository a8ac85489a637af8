//! Where PostgreSQL's programs are, and as whom they run.

use std::{
    env,
    ffi::OsStr,
    fs, io,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Debian keeps each version in a folder of its own, outside `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Whom the server runs as where the tests run as root, which it refuses.
const SERVER_USER: &str = "postgres";

/// The programs of one installation.
pub(super) struct Programs {
    folder: PathBuf,
    /// User and group of the server, where they are not the tests' own.
    owner: Option<(u32, u32)>,
}

impl Programs {
    pub(super) fn find() -> io::Result<Self> {
        let folder = candidates()
            .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
            .ok_or_else(|| {
                io::Error::other(
                    "PostgreSQL is not installed: install it with `apt-get install postgresql`, or \
                     run `cargo xtask test`, which does",
                )
            })?;
        let owner = match number(&["-u"])? {
            0 => Some((number(&["-u", SERVER_USER])?, number(&["-g", SERVER_USER])?)),
            _ => None,
        };
        Ok(Self { folder, owner })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// One of the programs, with nothing of the environment that libpq would take as a setting.
    pub(super) fn command(&self, name: &str) -> Command {
        plain(self.path(name).as_ref())
    }

    /// Any program, run as the user of the server.
    pub(super) fn as_server_user(&self, program: impl AsRef<OsStr>) -> Command {
        let Some((user, group)) = self.owner else {
            return plain(program.as_ref());
        };
        let mut command = plain("setpriv".as_ref());
        command
            .arg(format!("--reuid={user}"))
            .arg(format!("--regid={group}"))
            .arg("--clear-groups")
            .arg(program);
        command
    }

    /// Makes a file or a folder that of the server's user.
    pub(super) fn give(&self, path: &Path) -> io::Result<()> {
        match self.owner {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }
}

/// Folders to look in: those of `PATH` with their links followed, then Debian's, newest first.
fn candidates() -> impl Iterator<Item = PathBuf> {
    let in_path = env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = env::split_paths(&in_path)
        .filter_map(|folder| fs::canonicalize(folder.join("initdb")).ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_owned))
        .collect();
    let entries = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let in_debian = versions.into_iter().rev().map(|(_, folder)| folder);
    in_path.into_iter().chain(in_debian)
}

fn plain(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .env("LC_ALL", "C");
    command
}

fn number(arguments: &[&str]) -> io::Result<u32> {
    let printed = run(plain("id".as_ref()).args(arguments))?;
    printed.trim().parse().map_err(io::Error::other)
}

/// Runs a program to its end and answers what it printed.
pub(super) fn run(command: &mut Command) -> io::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{name}: {}", said.trim())))
}
