//! How a user gets to the authorization server from a terminal, and how the answer comes back.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use propusk::client::{
    AuthorizationUrl, Browser, Redirect, TokenError, TokenErrorKind, open_browser,
};

use crate::{commands::screen::Screen, output::note, terminal};

/// Opens the system's browser or shows the address; waits for the browser to come back to this
/// machine, or for its address to be pasted.
#[derive(Clone)]
pub(in crate::commands) struct TerminalBrowser {
    opens: bool,
    /// What to ask before, unless the user has agreed already.
    question: Option<String>,
    agreed: Arc<AtomicBool>,
    /// The terminal, where others write to it too.
    screen: Option<Arc<Screen>>,
}

impl TerminalBrowser {
    pub(in crate::commands) fn new(opens: bool) -> Self {
        Self {
            opens,
            question: None,
            agreed: Arc::default(),
            screen: None,
        }
    }

    /// Asks this before it does anything.
    pub(in crate::commands) fn asking(mut self, question: String) -> Self {
        self.question = Some(question);
        self
    }

    /// Keeps others away from this terminal until somebody has signed in.
    pub(in crate::commands) fn on(mut self, screen: Arc<Screen>) -> Self {
        self.screen = Some(screen);
        self
    }

    /// The next sign-in is one that the user has agreed to.
    pub(in crate::commands) fn agree(&self) {
        self.agreed.store(true, Relaxed);
    }

    async fn may_go_on(&self) -> bool {
        if self.agreed.swap(false, Relaxed) {
            return true;
        }
        match &self.question {
            Some(question) => terminal::agrees(question).await,
            None => true,
        }
    }

    fn show(&self, url: &AuthorizationUrl) {
        let opened = self.opens
            && match open_browser(url) {
                Ok(()) => true,
                Err(error) => {
                    note(&error.to_string());
                    false
                }
            };
        match opened {
            true => note("your browser should open; if it does not, open this address yourself:"),
            false => note("open this address in a browser:"),
        }
        note(&format!("  {url}"));
    }
}

impl Browser for TerminalBrowser {
    async fn authorize(
        &self,
        url: &AuthorizationUrl,
        redirect: Redirect,
    ) -> Result<String, TokenError> {
        let _alone = match &self.screen {
            Some(screen) => Some(screen.ask().await),
            None => None,
        };
        if !self.may_go_on().await {
            return Err(TokenError::new(
                TokenErrorKind::LoginRequired,
                "nobody signed in",
            ));
        }
        self.show(url);
        let pastes = !self.opens || io::stdin().is_terminal();
        if pastes {
            note(
                "waiting for the browser to come back; where it runs on another machine, paste here \
                 the address that it ends at:",
            );
        } else {
            note("waiting for the browser to come back");
        }
        tokio::select! {
            came = redirect.wait() => came,
            pasted = pasted(), if pastes => Ok(pasted),
        }
    }
}

/// The address that somebody pastes. Where the input has ended, nobody does.
async fn pasted() -> String {
    while let Some(line) = terminal::line().await {
        if !line.trim().is_empty() {
            return line;
        }
    }
    std::future::pending().await
}
