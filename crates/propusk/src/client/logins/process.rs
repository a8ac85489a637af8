//! A renewal in a process of its own, which outlives its caller.
//!
//! An issuer that rotates refresh tokens has forgotten the old one when it answers. If the process is
//! killed before it has written down the new one, the login is lost, and no care inside that process
//! can help. A command line is killed often: by Ctrl-C, a closed terminal, an agent out of patience.
//! So it lets a small process do the renewal, which is in a session of its own.
//!
//! Both sides speak over standard input and output: a [`Renewal`] in, an outcome out. Neither
//! contains a secret, and neither do arguments and environment.

use std::{
    ffi::OsString,
    io,
    path::PathBuf,
    pin::pin,
    process::{ExitCode, Stdio},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

use super::{
    super::{HttpSettings, TokenError, TokenErrorKind, WAITING},
    LoginStore, Renewal,
};

/// Longer than a renewal takes, the wait for the lock included.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a wait may be before somebody is told what it is for.
const SILENCE: Duration = Duration::from_secs(2);

/// The longest message, in bytes.
const LONGEST: u64 = 64 * 1024;

/// How to start a program that calls [`RenewalProcess::serve`].
#[derive(Debug, Clone)]
pub struct RenewalProcess {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// What the process says at its end.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Renewed,
    LoginRequired(String),
    Declined(String),
    Unavailable(String),
    Unsafe(String),
    Misconfigured(String),
}

impl RenewalProcess {
    /// Another program.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
        }
    }

    /// This very program, which has to recognize the arguments. On Linux this works also when the
    /// file was replaced or removed meanwhile.
    ///
    /// # Errors
    /// The operating system does not say which program this is.
    pub fn this_program() -> io::Result<Self> {
        if cfg!(target_os = "linux") {
            return Ok(Self::new("/proc/self/exe"));
        }
        std::env::current_exe().map(Self::new)
    }

    /// Adds an argument. Everybody on this machine can read it.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The other side: reads one renewal from standard input, does it, and writes the outcome to
    /// standard output. To be called first of all, on behalf of the arguments that the caller gave.
    ///
    /// On Unix the process leaves the terminal and the process group of its caller first.
    pub async fn serve<S: LoginStore>(store: &S, settings: &HttpSettings) -> ExitCode {
        #[cfg(unix)]
        // It fails where the process leads its group already, which is as good.
        let _ = rustix::process::setsid();
        let mut order = Vec::new();
        let read = tokio::io::stdin()
            .take(LONGEST)
            .read_to_end(&mut order)
            .await;
        let renewal = read
            .ok()
            .and_then(|_| serde_json::from_slice::<Renewal>(&order).ok());
        let Some(renewal) = renewal else {
            // Whoever started it died before it said what is to be done.
            return ExitCode::FAILURE;
        };
        let outcome = Outcome::of(renewal.run(store, settings).await.map(drop));
        if let Ok(said) = serde_json::to_vec(&outcome) {
            // Nobody may be there any more to read it. The login is kept.
            let mut stdout = tokio::io::stdout();
            let _ = stdout.write_all(&said).await;
            let _ = stdout.flush().await;
        }
        ExitCode::SUCCESS
    }

    /// Starts the process, and waits for its end. It goes on when the caller does not.
    ///
    /// # Errors
    /// An I/O error: it did not start. Inside: as [`Renewal::run`].
    pub(super) async fn renew(&self, renewal: &Renewal) -> io::Result<Result<(), TokenError>> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            // It gets a login to renew, and needs no other secret.
            .env_remove("PROPUSK_TOKEN")
            .env_remove("PROPUSK_CLIENT_SECRET")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A caller's terminal or pipe must not stay open for it.
            .stderr(Stdio::null())
            .spawn()?;
        let order = serde_json::to_vec(renewal)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read is found by what it does not say.
            let _ = stdin.write_all(&order).await;
        }
        let mut said = pin!(timeout(PATIENCE, child.wait_with_output()));
        let said = match timeout(SILENCE, &mut said).await {
            Ok(said) => said,
            Err(_) => {
                let issuer = &renewal.key().issuer;
                tracing::info!(target: WAITING, "waiting for {issuer}, which renews the login");
                said.await
            }
        };
        Ok(match said {
            Ok(said) => outcome(&said?.stdout),
            Err(_) => Err(unavailable("takes too long")),
        })
    }
}

fn outcome(said: &[u8]) -> Result<(), TokenError> {
    let outcome = serde_json::from_slice::<Outcome>(said);
    let outcome = outcome.map_err(|_| unavailable("ended early"))?;
    let (kind, message) = match outcome {
        Outcome::Renewed => return Ok(()),
        Outcome::LoginRequired(message) => (TokenErrorKind::LoginRequired, message),
        Outcome::Declined(message) => (TokenErrorKind::Declined, message),
        Outcome::Unavailable(message) => (TokenErrorKind::Unavailable, message),
        Outcome::Unsafe(message) => (TokenErrorKind::Unsafe, message),
        Outcome::Misconfigured(message) => (TokenErrorKind::Misconfigured, message),
    };
    Err(TokenError::new(kind, message))
}

fn unavailable(what: &str) -> TokenError {
    let message = format!("the process that renews the login {what}; try again");
    TokenError::new(TokenErrorKind::Unavailable, message)
}

impl Outcome {
    fn of(done: Result<(), TokenError>) -> Self {
        let Err(error) = done else {
            return Self::Renewed;
        };
        let message = error.to_string();
        match error.kind() {
            TokenErrorKind::LoginRequired => Self::LoginRequired(message),
            TokenErrorKind::Declined => Self::Declined(message),
            TokenErrorKind::Unavailable => Self::Unavailable(message),
            TokenErrorKind::Unsafe => Self::Unsafe(message),
            TokenErrorKind::Misconfigured => Self::Misconfigured(message),
        }
    }
}
