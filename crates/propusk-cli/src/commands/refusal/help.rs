//! Commands that would help. Their parts come from a server, and somebody may paste them into a
//! shell.

use propusk::{Scope, ScopeSet};

use crate::output::visible;

/// The command that signs in at this server.
pub(in crate::commands) fn login_command(url: &str) -> String {
    format!("propusk login {}", quoted(url))
}

/// The same for a login that permits this.
pub(super) fn wider_login_command(url: &str, account: Option<&str>, scopes: &ScopeSet) -> String {
    with_scopes(with_account(login_command(url), account), scopes)
}

/// The same for a client that signs in itself.
pub(super) fn machine_login_command(url: &str, account: Option<&str>, client: &str) -> String {
    let command = with_account(login_command(url), account);
    format!(
        "{command} --client-credentials --client-id {}",
        quoted(client)
    )
}

fn with_account(command: String, account: Option<&str>) -> String {
    match account {
        Some(account) => format!("{command} --account {}", quoted(account)),
        None => command,
    }
}

/// The command that issues a token with these scopes.
pub(super) fn issue_command(scopes: &ScopeSet) -> String {
    with_scopes("propusk token issue --subject NAME".to_owned(), scopes)
}

/// Asks for these scopes.
pub(super) fn with_scopes(mut command: String, scopes: &ScopeSet) -> String {
    for scope in scopes.iter().map(Scope::as_str) {
        command.push_str(&format!(" --scope {}", quoted(scope)));
    }
    command
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", visible(text).replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_for_its_own_is_quoted() {
        for (text, expected) in [
            (
                "https://mcp.example.com:8000/mcp",
                "https://mcp.example.com:8000/mcp",
            ),
            ("https://a/?x=1&y=$(z)", "'https://a/?x=1&y=$(z)'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("a\u{1b}b", "'a\\u{1b}b'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
