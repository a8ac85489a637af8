//! A real PostgreSQL.
//!
//! A shell watches over the server: when the pipe from the test process closes, for whatever reason,
//! it shuts the server down and removes the folder. So no server outlives its tests, also where they
//! panic, are killed, or never drop a static.

#![cfg(unix)]

mod cluster;
mod programs;

use std::{
    fs, io,
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use self::programs::Programs;

/// Longer than a start or a stop takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts the server, waits for a line or the end of it on stdin, and shuts the server down: fast
/// (open connections are cut), and if that does not help, at once.
const SUPERVISOR: &str = r#"
"$1" -D "$3/data" -p "$2" >>"$3/log" 2>&1 </dev/null &
server=$!
read -r word
kill -INT $server
{ sleep 10; kill -QUIT $server; } >/dev/null 2>&1 &
wait $server
kill $!
[ "$word" = keep ] || rm -rf "$3"
"#;

/// A PostgreSQL server of one's own, on a free loopback port, in a folder of its own.
///
/// It takes TLS and plain connections, asks for a password, and keeps nothing: the disk is never
/// synchronised.
pub struct Postgres {
    programs: Programs,
    folder: PathBuf,
    port: u16,
    supervisor: Mutex<Option<Supervisor>>,
    databases: AtomicU32,
}

struct Supervisor {
    shell: Child,
    pipe: ChildStdin,
}

impl Postgres {
    /// The name of the superuser.
    pub const USER: &str = "propusk";

    /// The password of the superuser, to be searched for where it must not be. In a URL it stands
    /// percent-encoded: [`Postgres::PASSWORD_IN_URL`].
    pub const PASSWORD: &str = "hunter2/п@ss";

    /// [`Postgres::PASSWORD`] as it stands in a URL.
    pub const PASSWORD_IN_URL: &str = "hunter2%2F%D0%BF%40ss";

    /// The server refuses connections without TLS to a database with this name.
    pub const TLS_ONLY: &str = "tls_only";

    /// The server that all tests of this process share, each with a database of its own.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().unwrap_or_else(|error| panic!("{error}")))
    }

    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// Says how to install PostgreSQL where it is missing, and what the server said where it does
    /// not start.
    pub fn start() -> io::Result<Self> {
        let programs = Programs::find()?;
        let folder = cluster::create(&programs)?;
        let mut server = Self {
            programs,
            folder,
            port: 0,
            supervisor: Mutex::new(None),
            databases: AtomicU32::new(0),
        };
        cluster::initialise(&server.programs, &server.folder)?;
        // Nobody can reserve a port for another program, so it may be taken in between.
        for _ in 0..20 {
            server.port = cluster::free_port()?;
            match server.resume() {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                result => return result.map(|()| server),
            }
        }
        Err(io::Error::other("PostgreSQL found no free port"))
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the server, which signs itself, as a PEM file.
    pub fn certificate(&self) -> PathBuf {
        cluster::certificate(&self.folder)
    }

    /// Creates an empty database and answers its URL, with the password.
    ///
    /// # Errors
    /// What `createdb` says.
    pub fn database(&self) -> io::Result<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        self.database_named(&format!("test_{number}"))
    }

    /// [`Postgres::database`] with a name.
    ///
    /// # Errors
    /// What `createdb` says.
    pub fn database_named(&self, name: &str) -> io::Result<String> {
        let mut create = self.programs.command("createdb");
        create
            .args(["--host=127.0.0.1", "--no-password"])
            .arg(format!("--port={}", self.port))
            .arg(format!("--username={}", Self::USER))
            .arg(name)
            .env("PGPASSWORD", Self::PASSWORD);
        programs::run(&mut create)?;
        Ok(self.url(name))
    }

    /// The URL of a database, whether it is there or not, with the password.
    pub fn url(&self, database: &str) -> String {
        let (user, password, port) = (Self::USER, Self::PASSWORD_IN_URL, self.port);
        format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}")
    }

    /// Stops the server, cutting all connections. [`Postgres::resume`] starts it again.
    ///
    /// # Errors
    /// Where it does not end.
    pub fn stop(&self) -> io::Result<()> {
        match self.lock().take() {
            Some(mut supervisor) => {
                supervisor.pipe.write_all(b"keep\n")?;
                supervisor.wait()
            }
            None => Ok(()),
        }
    }

    /// Starts the server again after a [`Postgres::stop`], with the same data on the same port.
    ///
    /// # Errors
    /// What the server said where it does not start.
    pub fn resume(&self) -> io::Result<()> {
        let mut supervisor = self.lock();
        if supervisor.is_some() {
            return Ok(());
        }
        let log = self.folder.join("log");
        // Only what this start says counts.
        fs::write(&log, "").and_then(|()| self.programs.give(&log))?;
        let shell = self.programs.as_server_user("sh");
        *supervisor = Some(Supervisor::start(
            shell,
            self.programs.path("postgres"),
            self.port,
            &self.folder,
        )?);
        let ready = cluster::wait_until_ready(&self.folder, PATIENCE);
        if ready.is_err()
            && let Some(mut failed) = supervisor.take()
        {
            failed.pipe.write_all(b"keep\n")?;
            failed.wait()?;
        }
        ready
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Supervisor>> {
        self.supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(supervisor) = self.lock().take() {
            // Without a line on its stdin the shell removes the folder, too.
            let Supervisor { shell, pipe } = supervisor;
            drop(pipe);
            let _ = wait(shell);
        }
        // Gone already where it was running.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Supervisor {
    fn start(mut shell: Command, server: PathBuf, port: u16, folder: &Path) -> io::Result<Self> {
        shell
            .args(["-c", SUPERVISOR, "sh"])
            .arg(server)
            .arg(port.to_string())
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // So that Ctrl-C ends the tests alone, and the pipe then the rest in good order.
            .process_group(0);
        let mut shell = shell.spawn()?;
        let pipe = shell.stdin.take();
        let pipe = pipe.ok_or_else(|| io::Error::other("the shell has no stdin"))?;
        Ok(Self { shell, pipe })
    }

    fn wait(self) -> io::Result<()> {
        let Self { shell, pipe } = self;
        let result = wait(shell);
        drop(pipe);
        result
    }
}

/// Waits for the end of the shell, and with it of the server.
fn wait(mut shell: Child) -> io::Result<()> {
    let began = Instant::now();
    while shell.try_wait()?.is_none() {
        if began.elapsed() > PATIENCE {
            shell.kill()?;
            shell.wait()?;
            return Err(io::Error::other("PostgreSQL does not stop"));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

#[cfg(test)]
#[cfg(feature = "real-parts")]
mod tests;
