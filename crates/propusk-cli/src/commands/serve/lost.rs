//! A file that has been emptied, or cut off at the end of a line, is valid: what stood in it would
//! silently hold no more. While it serves that is taken for a mistake.

use super::{
    settings::{Plan, policies},
    tls::TlsFiles,
    upstream::Endpoint,
};
use crate::failure::Failure;

/// Refuses a configuration in which something is gone altogether that protected until now.
pub(super) fn nothing(before: &Plan, after: &Plan) -> Result<(), Failure> {
    let lost = |what: &str| {
        let file = after.file.as_deref().map(|file| file.display().to_string());
        let file = file.unwrap_or_default();
        let failure = Failure::usage(format!("{file}: {what}, all of it at once"));
        Err(failure.hint("was the file cut off? if this is meant, restart: that takes it"))
    };
    if after.is_of_empty_file && !before.is_of_empty_file {
        return lost("what stood in it is gone");
    }
    if before.is_of_file() && !after.is_of_file() {
        return lost("the upstreams are gone");
    }
    let asks = |plan: &Plan| plan.tls.as_ref().is_some_and(TlsFiles::asks_clients);
    if asks(before) && !asks(after) {
        return lost("clients would need no certificates any more");
    }
    if before.limits.are_any() && !after.limits.are_any() {
        return lost("the limits are gone");
    }
    for (file, key) in after.endpoints.iter().flat_map(Endpoint::policies) {
        if policies(file, &key)?.is_empty() {
            let file = file.display();
            let failure = Failure::usage(format!("{key}: {file}: there is no policy in it"));
            return Err(failure.hint(
                "nothing would be allowed; if this is meant, write forbid(principal, action, resource);",
            ));
        }
    }
    for endpoint in &after.endpoints {
        let same = |other: &&Endpoint| other.is_at_place_of(endpoint);
        let Some(was) = before.endpoints.iter().find(same) else {
            continue;
        };
        let shown = endpoint.shown();
        if was.has_rules() && !endpoint.has_rules() {
            return lost(&format!("the rules for {shown} are gone"));
        }
        if before.asks_for_scopes(was) && !after.asks_for_scopes(endpoint) {
            return lost(&format!("the scopes that {shown} asks for are gone"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;
    use crate::{args::ServeArgs, config::Config};

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        args: ServeArgs,
    }

    fn plan(text: &str) -> Plan {
        let config = Config::parse(text, Path::new("p.toml")).expect("a file");
        Plan::resolve(Typed::parse_from(["serve"]).args, config).expect("a plan")
    }

    /// What is read again when it changes.
    #[test]
    fn the_files_of_secrets_are_among_those_that_are_looked_at() {
        let text = "[serve]\nintrospect = 'https://a.example/'\nintrospect-client-id = 'c'\n\
                    introspect-secret-file = 'secret'\n";
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        std::fs::write(&file, "s").expect("written");
        let text = text.replace("'secret'", &format!("{file:?}"));
        assert!(plan(&text).files().any(|own| own == file));
    }

    /// An editor that has only begun to write it would shut everybody out.
    #[test]
    fn a_policy_file_that_has_been_emptied_is_not_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("p.cedar");
        let text = format!("[serve]\ntoken = ['t=a']\n[rules]\npolicy = {file:?}\n");
        for (policy, is_taken) in [
            ("permit(principal, action, resource);", true),
            ("", false),
            ("// later\n", false),
            ("forbid(principal, action, resource);", true),
        ] {
            std::fs::write(&file, policy).expect("written");
            let taken = nothing(&plan(&text), &plan(&text));
            assert_eq!(taken.is_ok(), is_taken, "{policy}: {taken:?}");
        }
    }

    /// Cut off at the end of any line, it protects no less.
    #[test]
    fn what_is_asked_of_clients_is_not_lost() {
        let whole = "[serve]\ntoken = ['t=a']\n[tls]\ncertificate = 'c'\nkey = 'k'\n\
                     client-ca = 'ca'\n[limits]\naddress = '5/s'\n";
        let before = plan(whole);
        assert!(nothing(&before, &plan(whole)).is_ok());
        for (end, lost) in [("client-ca", "certificates"), ("[limits]", "limits")] {
            let (left, _) = whole.split_once(end).expect("there");
            let failure = nothing(&before, &plan(left)).expect_err("lost");
            assert!(format!("{failure:?}").contains(lost), "{failure:?}");
        }
        assert!(nothing(&plan("[serve]\ntoken = ['t=a']\n"), &before).is_ok());
        let other = whole.replace("5/s", "9/s").replace("'ca'", "'b'");
        assert!(nothing(&before, &plan(&other)).is_ok());
    }
}
