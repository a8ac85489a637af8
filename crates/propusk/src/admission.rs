//! Who is admitted without a valid token.

use std::{fmt, str::FromStr};

/// What happens to a request without a valid token.
///
/// Whatever the admission, two credentials in one request are refused (400), and a verifier that
/// cannot tell is answered with 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Admission {
    /// No valid token: 401.
    #[default]
    Required,
    /// No token: the request goes on as anonymous. A token that is not valid: 401.
    Optional,
    /// No valid token: the request goes on without an [`AccessToken`](crate::AccessToken), and
    /// tools refuse by hand or by scope.
    Permissive,
}

impl FromStr for Admission {
    type Err = UnknownAdmission;

    fn from_str(text: &str) -> Result<Self, UnknownAdmission> {
        match text {
            "required" => Ok(Self::Required),
            "optional" => Ok(Self::Optional),
            "permissive" => Ok(Self::Permissive),
            _ => Err(UnknownAdmission),
        }
    }
}

impl fmt::Display for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Permissive => "permissive",
        })
    }
}

/// A text that names no admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an admission is one of: required, optional, permissive")]
pub struct UnknownAdmission;
