//! stub
use super::CredentialsError;
use http::HeaderMap;
use propusk::AccessToken;

/// stub
#[derive(Debug, Clone)]
pub struct CallerAssertion;
impl CallerAssertion {
    pub(crate) fn add_to(
        &self,
        _: &mut HeaderMap,
        _: Option<&AccessToken>,
        _: &str,
    ) -> Result<(), CredentialsError> {
        Ok(())
    }
}
