//! A folder of one's own, the program in it, and a server that ends with its handle.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Seek},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub(crate) const PROPUSK: &str = env!("CARGO_BIN_EXE_propusk");

/// Longer than anything takes; a test that gets here has found a hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// A fixed token of most servers here; the subject is alice.
pub(crate) const ALICE: &str = "alice-fixed-token-1";
pub(crate) const BOB: &str = "bob-fixed-token-2";

/// Words of a command line, and variables of an environment, as they stand in tables.
pub(crate) type Words<'a> = &'a [&'a str];
pub(crate) type Env<'a> = &'a [(&'a str, &'a str)];

/// The flags of a server without a store, with tokens for alice and bob.
pub(crate) const FIXED: Words<'static> = &[
    "--token",
    "alice-fixed-token-1=alice:echo,notes:read,notes:write",
    "--token",
    "bob-fixed-token-2=bob",
];

/// Polls until there is an answer.
pub(crate) fn until<T>(what: &str, patience: Duration, mut poll: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(began.elapsed() < patience, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// Expects an exit code; shows everything otherwise.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "{self:#?}");
        self
    }

    /// The only line on stdout.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        let line = self.out.strip_suffix('\n').expect("a line on stdout");
        assert!(!line.contains('\n') && !line.is_empty(), "{self:#?}");
        line.to_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// A folder of one's own.
pub(crate) struct Sandbox(TempDir);

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for temporary files"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("written");
    }

    /// Every file and folder below, with its content.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(self.0.path(), "", &mut found);
        found
    }

    /// Another program in this folder, with nothing of the environment of the tests.
    pub(crate) fn command(&self, program: &str, args: Words<'_>, env: Env<'_>) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(env.iter().copied());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: Words<'_>) -> Done {
        self.run_with(&[], args)
    }

    /// Runs the program to its end, with environment variables.
    pub(crate) fn run_with(&self, env: Env<'_>, args: Words<'_>) -> Done {
        done(self.command(PROPUSK, args, env))
    }

    /// `propusk call URL …` with a token in the environment.
    pub(crate) fn call(&self, token: &str, url: &str, rest: Words<'_>) -> Done {
        let env = [("PROPUSK_TOKEN", token)];
        let args = [&["call", url], rest].concat();
        self.run_with(if token.is_empty() { &[] } else { &env }, &args)
    }

    /// Issues a token, and says which.
    pub(crate) fn issue(&self, args: Words<'_>) -> String {
        self.run(&[&["token", "issue"], args].concat())
            .code(0)
            .line()
    }

    /// Starts `propusk serve` on a free port and waits for its address.
    pub(crate) fn serve(&self, args: Words<'_>) -> Server {
        self.serve_with(&[], args)
    }

    pub(crate) fn serve_with(&self, env: Env<'_>, args: Words<'_>) -> Server {
        self.serve_at("127.0.0.1:0", env, args)
    }

    pub(crate) fn serve_at(&self, listen: &str, env: Env<'_>, args: Words<'_>) -> Server {
        let args = [&["serve", "--listen", listen], args].concat();
        Server::start(self.command(PROPUSK, &args, env))
    }
}

fn collect(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), found);
            found.insert(name, Vec::new());
        } else {
            found.insert(name, fs::read(&path).expect("readable"));
        }
    }
}

/// Runs a command to its end; one that does not end is killed and fails the test.
pub(crate) fn done(mut command: Command) -> Done {
    let (mut out, mut err) = (unnamed(), unnamed());
    command.stdout(out.try_clone().expect("a handle"));
    command.stderr(err.try_clone().expect("a handle"));
    let mut child = KilledOnDrop(command.spawn().expect("it starts"));
    let status = child.wait(&format!("{command:?}"));
    Done {
        code: status.code().unwrap_or(-1),
        out: content(&mut out),
        err: content(&mut err),
    }
}

pub(crate) fn unnamed() -> File {
    tempfile::tempfile().expect("a temporary file")
}

pub(crate) fn content(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().expect("a file");
    file.read_to_string(&mut text).expect("UTF-8");
    text
}

struct KilledOnDrop(Child);

impl KilledOnDrop {
    fn wait(&mut self, what: &str) -> ExitStatus {
        until(what, PATIENCE, || self.0.try_wait().expect("a child"))
    }
}

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running `propusk serve`.
pub(crate) struct Server {
    child: KilledOnDrop,
    pub(crate) url: String,
    out: File,
    err: File,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let (mut out, mut err) = (unnamed(), unnamed());
        command.stdout(out.try_clone().expect("a handle"));
        command.stderr(err.try_clone().expect("a handle"));
        let mut child = KilledOnDrop(command.spawn().expect("it starts"));
        let url = until("the address of the server", PATIENCE, || {
            let out = content(&mut out);
            if let Some(status) = child.0.try_wait().expect("a child") {
                panic!("it ended with {status}: {out}{}", content(&mut err));
            }
            let line = out.lines().find(|_| out.ends_with('\n'))?;
            Some(line.strip_prefix("listening on ").expect(line).to_owned())
        });
        Self {
            child,
            url,
            out,
            err,
        }
    }

    /// The address as others name it.
    pub(crate) fn address(&self) -> &str {
        let rest = self.url.strip_prefix("http://").expect("http");
        rest.split('/').next().expect("an authority")
    }

    pub(crate) fn out(&mut self) -> String {
        content(&mut self.out)
    }

    pub(crate) fn err(&mut self) -> String {
        content(&mut self.err)
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Sends a signal to this process.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.0.id().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    /// Asks it to stop; its exit code and all that it wrote.
    pub(crate) fn stop(self) -> Done {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Done {
        let status = self.child.wait("the end of the server");
        Done {
            code: status.code().unwrap_or(-1),
            out: self.out(),
            err: self.err(),
        }
    }
}
