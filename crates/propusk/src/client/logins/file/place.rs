//! Where logins are kept unless somebody says otherwise.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::super::{LoginStoreError, LoginStoreErrorKind};

/// The folder by the rules of the operating system.
pub(super) fn default_folder() -> Result<PathBuf, LoginStoreError> {
    folder(env::consts::OS, |name| env::var_os(name)).ok_or_else(|| {
        LoginStoreError::new(
            LoginStoreErrorKind::Unavailable,
            "there is no place to keep logins: set HOME (on Windows, LOCALAPPDATA)",
        )
    })
}

/// The XDG base directory specification calls what outlives a restart, and is not worth carrying to
/// another machine, *state*; a relative path there is to be ignored.
fn folder(system: &str, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name| {
        let path = variable(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let base = match system {
        "windows" => path("LOCALAPPDATA"),
        "macos" => path("HOME").map(|home| home.join("Library/Application Support")),
        _ => {
            let state = |home: PathBuf| home.join(".local/state");
            path("XDG_STATE_HOME").or_else(|| path("HOME").map(state))
        }
    };
    base.map(|base| base.join(Path::new("propusk")).join("logins"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_place() {
        for (system, state, home, expected) in [
            (
                "linux",
                None,
                Some("/home/a"),
                Some("/home/a/.local/state/propusk/logins"),
            ),
            (
                "linux",
                Some("/state"),
                Some("/home/a"),
                Some("/state/propusk/logins"),
            ),
            (
                "linux",
                Some("state"),
                Some("/home/a"),
                Some("/home/a/.local/state/propusk/logins"),
            ),
            ("linux", Some(""), None, None),
            ("linux", None, Some("relative"), None),
            (
                "macos",
                Some("/state"),
                Some("/Users/a"),
                Some("/Users/a/Library/Application Support/propusk/logins"),
            ),
            ("windows", None, Some("/home/a"), None),
        ] {
            let variable = |name: &str| match name {
                "XDG_STATE_HOME" => state.map(OsString::from),
                "HOME" => home.map(OsString::from),
                _ => None,
            };
            let found = folder(system, variable);
            assert_eq!(
                found,
                expected.map(PathBuf::from),
                "{system} {state:?} {home:?}"
            );
        }
    }
}
