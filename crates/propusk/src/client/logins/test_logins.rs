//! Logins for the tests of this module.

use std::time::{Duration, SystemTime};

use super::{Login, LoginKey};
use crate::{BearerToken, ScopeSet};

/// The login of an account, obtained now, for an hour.
pub(super) fn login(account: &str) -> Login {
    let key = LoginKey {
        server: "https://mcp.example/mcp".to_owned(),
        resource: "https://mcp.example/mcp".to_owned(),
        issuer: "https://login.example".to_owned(),
        client_id: "propusk".to_owned(),
        account: Some(account.to_owned()),
    };
    let token = BearerToken::parse(&format!("access-{account}")).expect("a token");
    let now = SystemTime::now();
    Login::new(key, "https://login.example/token", token)
        .with_refresh_token(Some(format!("refresh-{account}")))
        .with_times(now, Some(now + Duration::from_secs(3600)))
        .with_scopes(ScopeSet::parse("notes:read notes:write").expect("scopes"))
}
