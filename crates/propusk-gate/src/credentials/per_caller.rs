//! Tokens for callers: whichever grant gets them, they are kept, sent and refused in one way.

use http::HeaderMap;
use propusk::{AccessToken, Principal, client::IssuedToken};
use sha2::{Digest, Sha256};

use super::{CredentialsError, CredentialsErrorKind, kept::Kept};

/// One token for each token of a caller.
pub(super) struct PerCaller(Kept<Key>);

/// Who asks, and with which token: its digest, so that no map of secrets comes about. A token with
/// other scopes of the same principal gets another one.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key(Principal, [u8; 32]);

impl PerCaller {
    pub(super) fn new() -> Self {
        Self(Kept::new())
    }

    /// The header with what is kept for this caller, or with what `ask` gets for its token, which may
    /// be shown to a token endpoint and to nobody else. It is kept no longer than the caller's own is
    /// valid.
    pub(super) async fn headers(
        &self,
        caller: Option<&AccessToken>,
        ask: impl AsyncFnOnce(&str) -> Result<IssuedToken, CredentialsError>,
    ) -> Result<HeaderMap, CredentialsError> {
        let (caller, text) = token_of(caller)?;
        let (key, end) = (Key::new(caller, text), caller.valid_until());
        self.0.headers(&key, end, || ask(text)).await
    }

    /// Forgets what was refused. Whether there may be another one.
    pub(super) fn forget(&self, caller: Option<&AccessToken>, refused: &HeaderMap) -> bool {
        token_of(caller).is_ok_and(|(caller, text)| self.0.forget(&Key::new(caller, text), refused))
    }
}

impl Key {
    fn new(caller: &AccessToken, text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        Self(caller.principal().clone(), digest.into())
    }
}

fn token_of(caller: Option<&AccessToken>) -> Result<(&AccessToken, &str), CredentialsError> {
    let token = caller.and_then(|caller| Some((caller, caller.expose_token_text()?)));
    token.ok_or_else(|| {
        CredentialsError::new(
            CredentialsErrorKind::Anonymous,
            "tokens are exchanged for a caller, and this one has none",
        )
    })
}
