//! How a command fails: an exit code, one sentence, and the way out.

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use propusk::client::{ClientError, ErrorKind, TokenError, TokenErrorKind};
use propusk_store::StoreError;

use crate::output::{note, printable, visible};

/// Exit codes, as the README lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// The tool answered with an error, or what was asked for is not there.
    Error = 1,
    /// The command line, a file or a value in it makes no sense.
    Usage = 2,
    /// No token, or one that is not valid.
    NotAuthenticated = 3,
    /// The token does not permit it.
    NotPermitted = 4,
    /// A server, a store or an address is not available.
    Unavailable = 5,
}

impl Code {
    fn of(kind: TokenErrorKind) -> Self {
        match kind {
            TokenErrorKind::Unavailable => Self::Unavailable,
            TokenErrorKind::Misconfigured => Self::Usage,
            _ => Self::NotAuthenticated,
        }
    }
}

/// Why a command ended without doing what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    message: String,
    hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl std::fmt::Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            hints: Vec::new(),
        }
    }

    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self::new(Code::Usage, message)
    }

    pub(crate) fn unavailable(message: impl std::fmt::Display) -> Self {
        Self::new(Code::Unavailable, message)
    }

    /// Adds a line that says what to do.
    pub(crate) fn hint(mut self, hint: impl std::fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// All of it on one line, for the log.
    pub(crate) fn on_one_line(&self) -> String {
        let all = [&self.message].into_iter().chain(&self.hints);
        let all: Vec<_> = all.map(|text| visible(text)).collect();
        all.join("; ")
    }

    /// Writes it to stderr.
    pub(crate) fn report(&self) -> ExitCode {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        note(&format!("{red}error:{red:#} {}", shown(&self.message)));
        for hint in &self.hints {
            note(&format!("  {}", shown(hint)));
        }
        ExitCode::from(self.code as u8)
    }
}

/// What a server says may be long, may try to steer the terminal, and may have lines that look like
/// ours: every further one is marked.
fn shown(text: &str) -> String {
    const LONGEST: usize = 500;
    let mut text = printable(text.trim_end());
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    text.replace('\n', "\n  | ")
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let code = match error.kind() {
            ErrorKind::Unauthenticated => Code::NotAuthenticated,
            ErrorKind::Forbidden => Code::NotPermitted,
            ErrorKind::Unavailable { .. } | ErrorKind::Transport => Code::Unavailable,
            ErrorKind::Rpc(_) => Code::Error,
            ErrorKind::NoToken(why) => Code::of(*why),
            _ => Code::Usage,
        };
        // On one line: a server words some of them.
        let mut failure = Self::new(code, visible(&error.to_string()));
        match error.kind() {
            ErrorKind::Transport if failure.message.contains("HTTP 404") => {
                failure.message = "there is no MCP server at this URL (404)".to_owned();
                failure.hint("is the path right? most servers answer at /mcp")
            }
            ErrorKind::Transport if failure.message.contains("invalid peer certificate") => failure
                .hint("the certificate is not one that is trusted here for this name; that of an authority of your own is named with SSL_CERT_FILE=authority.pem"),
            ErrorKind::Transport if failure.message.contains("invalid HTTP version") => {
                failure.hint("what answers there speaks no HTTP, or it over TLS: is it https?")
            }
            ErrorKind::Rpc(data) if data.message == "tool not found" => {
                failure.hint("see what there is with: propusk tools URL")
            }
            _ => failure,
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::new(Code::of(error.kind()), visible(&error.to_string()))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = if error.is_not_found() || error.is_revoked() {
            Code::Error
        } else if error.is_bad_place() || error.is_newer_schema() || error.is_invalid_token() {
            Code::Usage
        } else {
            Code::Unavailable
        };
        Self::new(code, error)
    }
}
