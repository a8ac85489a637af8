//! How a user gets to the authorization server, and how the answer comes back.

use std::{
    ffi::OsString,
    fmt,
    process::{Command, Stdio},
};

use super::Redirect;
use crate::client::{TokenError, TokenErrorKind};

/// Brings a user to the authorization server and brings back where the browser was sent to.
///
/// [`SystemBrowser`] opens the system's browser. A program without one shows the URL and lets the
/// user paste the address: the redirect leads to this machine, and where the browser runs on another
/// one it ends in an error page with that address in its address bar.
///
/// What it brings back is checked by whoever asked; an implementation hands it on as it is.
pub trait Browser: Send + Sync + 'static {
    /// Shows the page at `url`, and answers with the whole URL that the browser was sent to
    /// afterwards. [`Redirect::wait`] waits for it; dropping the [`Redirect`] stops listening.
    ///
    /// # Errors
    /// [`TokenError`]; it is shown to the user.
    fn authorize(
        &self,
        url: &AuthorizationUrl,
        redirect: Redirect,
    ) -> impl Future<Output = Result<String, TokenError>> + Send;
}

/// The page where a user signs in: over `https`, or on this very machine.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationUrl(String);

impl AuthorizationUrl {
    /// The caller has checked the scheme and the address.
    pub(super) fn new(checked: String) -> Self {
        Self(checked)
    }

    /// The URL. It contains no secret, but it is of use for one sign-in only.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuthorizationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AuthorizationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// The browser of the system, with [`open_browser`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemBrowser;

impl Browser for SystemBrowser {
    async fn authorize(
        &self,
        url: &AuthorizationUrl,
        redirect: Redirect,
    ) -> Result<String, TokenError> {
        open_browser(url)?;
        redirect.wait().await
    }
}

/// Opens a page in the system's browser: the program that the environment variable `BROWSER` names,
/// else `xdg-open`, `open` or `rundll32`. The URL is one argument of that program; no shell sees it,
/// and no environment variable of propusk's (`PROPUSK_…`) is inherited.
///
/// # Errors
/// [`TokenErrorKind::Misconfigured`] where the program does not start.
pub fn open_browser(url: &AuthorizationUrl) -> Result<(), TokenError> {
    let chosen = std::env::var("BROWSER").unwrap_or_default();
    let mut command = command(&chosen, url);
    forget_ours(&mut command, std::env::vars_os().map(|(name, _)| name));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| {
        TokenError::new(
            TokenErrorKind::Misconfigured,
            "no browser could be opened; open the address yourself (--no-browser shows it), or name \
             your browser in the environment variable BROWSER",
        )
        .with_cause(error)
    })?;
    // Somebody has to ask how it ended, or it stays in the table of processes.
    std::thread::spawn(move || drop(child.wait()));
    Ok(())
}

fn command(chosen: &str, url: &AuthorizationUrl) -> Command {
    // The variable may also be a list or a template; those are left to `xdg-open`.
    let plain = !chosen.is_empty() && !chosen.contains([' ', '%', ':', '\t', '\n']);
    let mut command = if plain {
        Command::new(chosen)
    } else if cfg!(target_os = "windows") {
        let mut command = Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else if cfg!(target_os = "macos") {
        Command::new("open")
    } else {
        Command::new("xdg-open")
    };
    command.arg(url.as_str());
    command
}

/// Takes our own settings out of what the browser inherits: some of them are secrets, and a browser
/// hands them on to everything that it starts.
fn forget_ours(command: &mut Command, names: impl Iterator<Item = OsString>) {
    for name in names {
        if name.to_string_lossy().starts_with("PROPUSK_") {
            command.env_remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_inherits_no_secret_of_ours() {
        let mut command = Command::new("firefox");
        let names = ["PATH", "PROPUSK_CLIENT_SECRET", "HOME", "PROPUSK_TOKEN"];
        forget_ours(&mut command, names.into_iter().map(OsString::from));
        let mut changed: Vec<_> = command.get_envs().collect();
        changed.sort_unstable();
        let expected = ["PROPUSK_CLIENT_SECRET", "PROPUSK_TOKEN"];
        assert_eq!(changed, expected.map(|name| (name.as_ref(), None)));
    }

    /// MCP Security Best Practices, authorization URL validation: never through a shell.
    #[test]
    fn the_url_is_one_argument_of_a_program_that_is_no_shell() {
        let url = AuthorizationUrl::new("https://login.example/?a=1&b=$(x)`y`;z".to_owned());
        for (chosen, program) in [
            ("/usr/bin/my-browser", Some("/usr/bin/my-browser")),
            ("firefox", Some("firefox")),
            ("firefox -new-tab %s", None),
            ("one:two", None),
            ("sh -c 'x'", None),
            ("", None),
        ] {
            let command = command(chosen, &url);
            let used = command.get_program().to_str().expect("UTF-8");
            match program {
                Some(program) => assert_eq!(used, program),
                None => assert!(["xdg-open", "open", "rundll32"].contains(&used), "{used}"),
            }
            let last = command.get_args().last().expect("an argument");
            assert_eq!(last, url.as_str());
        }
    }
}
