//! What a third party states about a program or its user, as a signed JSON Web Token that is read
//! anew each time: the platform's file, or whatever a closure finds.

use std::{
    error::Error,
    io::Read,
    path::{Path, PathBuf},
    pin::Pin,
};

use zeroize::Zeroizing;

use crate::client::{TokenError, TokenErrorKind};

/// In bytes; real ones are one or two kilobytes.
const MOST: u64 = 64 * 1024;

type Cause = Box<dyn Error + Send + Sync>;
type Asked = Pin<Box<dyn Future<Output = Result<Zeroizing<String>, Cause>> + Send>>;

/// Where it comes from.
pub(super) struct Statement(Box<dyn Fn() -> Asked + Send + Sync>);

impl Statement {
    pub(super) fn new<A, F>(ask: A) -> Self
    where
        A: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<String, Cause>> + Send + 'static,
    {
        Self(Box::new(move || {
            let asked = ask();
            Box::pin(async move { Ok(Zeroizing::new(asked.await?)) })
        }))
    }

    pub(super) fn file(path: PathBuf) -> Self {
        Self(Box::new(move || {
            let path = path.clone();
            Box::pin(async move {
                let reading = tokio::task::spawn_blocking(move || read(&path)).await?;
                Ok(reading?)
            })
        }))
    }

    /// What it says now.
    pub(super) async fn now(&self, what: &str) -> Result<Zeroizing<String>, TokenError> {
        let text = (self.0)().await.map_err(|cause| {
            let message = format!("{what} could not be had: {cause}");
            TokenError::new(TokenErrorKind::Unavailable, message).with_cause(cause)
        })?;
        let text = text.trim();
        // The server judges it; this finds the wrong file before it is sent away.
        let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=');
        if text.split('.').count() != 3 || !text.chars().all(usable) {
            return Err(TokenError::new(
                TokenErrorKind::Misconfigured,
                format!("{what} is no signed JSON Web Token; check where it comes from"),
            ));
        }
        Ok(Zeroizing::new(text.to_owned()))
    }
}

fn read(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let shown = |error: std::io::Error| {
        std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    };
    let mut text = Zeroizing::new(String::new());
    let file = std::fs::File::open(path).map_err(shown)?;
    file.take(MOST).read_to_string(&mut text).map_err(shown)?;
    Ok(text)
}
