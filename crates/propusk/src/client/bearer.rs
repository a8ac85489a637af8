//! A token that the caller has.

use std::fmt;

use super::{OutgoingToken, ProtectedServer, TokenError, TokenSource};
use crate::BearerToken;

/// One fixed token, or none: what [`Client::bearer`](super::Client::bearer) makes.
pub(super) struct FixedBearer(pub(super) Option<BearerToken>);

impl TokenSource for FixedBearer {
    async fn token(&self, _: &ProtectedServer) -> Result<Option<OutgoingToken>, TokenError> {
        Ok(self.0.clone().map(OutgoingToken::new))
    }
}

impl fmt::Debug for FixedBearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FixedBearer")
    }
}
