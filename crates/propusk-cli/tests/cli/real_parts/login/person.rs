//! A user at home, with a browser that the test plays.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, SystemTime},
};

use propusk_testing::identity_provider::Options;
use serde_json::Value;

use super::super::provider::{Provider, SUBJECT};
use crate::{
    support::{Done, Env, PROPUSK, Sandbox, Server, Words, until},
    typing::Typing,
};

pub(super) struct Home {
    pub(super) place: Sandbox,
    pub(super) provider: Provider,
    server: Server,
    home: String,
}

impl Home {
    /// A provider, a server that trusts it, and a user who has not signed in yet.
    pub(super) fn new(options: Options, flags: Words<'_>) -> Self {
        let (place, provider) = (Sandbox::new(), Provider::start_with(options));
        let home = place.path("home");
        fs::create_dir(&home).unwrap();
        let secret = provider.secret("resource-server");
        let env = [("PROPUSK_INTROSPECT_SECRET", &*secret)];
        let asks = [
            "--introspect",
            "issuer",
            "--introspect-client-id",
            "resource-server",
        ];
        let server = ["--issuer", provider.issuer()];
        let server = place.serve_with(&env, &[&server, &asks[..], flags].concat());
        Self {
            home: home.to_str().unwrap().to_owned(),
            place,
            provider,
            server,
        }
    }

    pub(super) fn url(&self) -> String {
        self.server.url.clone()
    }

    fn env<'a>(&'a self, more: Env<'a>) -> Vec<(&'a str, &'a str)> {
        [&[("HOME", &*self.home)], more].concat()
    }

    pub(super) fn run(&self, args: Words<'_>) -> Done {
        self.run_with(&[], args)
    }

    pub(super) fn run_with(&self, more: Env<'_>, args: Words<'_>) -> Done {
        self.place.run_with(&self.env(more), args)
    }

    /// Starts a command that somebody talks to.
    pub(super) fn starts(&self, more: Env<'_>, args: Words<'_>) -> Typing {
        Typing::over_pipes(self.place.command(PROPUSK, args, &self.env(more)))
    }

    pub(super) fn starts_at_terminal(&self, more: Env<'_>, args: Words<'_>) -> Typing {
        Typing::at_terminal(self.place.command(PROPUSK, args, &self.env(more)))
    }

    /// Signs in without a browser: the address is shown, and the one at the end is pasted.
    pub(super) fn signs_in(&self, flags: Words<'_>) -> Done {
        self.signs_in_as(SUBJECT, flags)
    }

    pub(super) fn signs_in_as(&self, subject: &str, flags: Words<'_>) -> Done {
        let url = self.url();
        let args = [&["login", &url, "--no-browser"], flags].concat();
        let mut login = self.starts(&[], &args);
        let page = login.until("the address", address);
        login.types(&self.provider.browse(&page, subject));
        login.end()
    }

    /// A browser, as a program: it writes down what it was given.
    pub(super) fn browser(&self) -> String {
        let program = self.place.path("browser");
        let script = "#!/bin/sh\nn=0; while [ -e \"$0.$n\" ]; do n=$((n + 1)); done\n\
            printf '%s\\n' \"$@\" > \"$0.new\"; mv \"$0.new\" \"$0.$n\"\n";
        self.place.write("browser", script);
        fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
        program.to_str().unwrap().to_owned()
    }

    /// The arguments of the browser's start of this number.
    pub(super) fn browser_got(&self, number: usize) -> Vec<String> {
        let file = self.place.path(&format!("browser.{number}"));
        let got = until("the browser", Duration::from_secs(60), || {
            fs::read_to_string(&file).ok()
        });
        got.lines().map(str::to_owned).collect()
    }

    /// The person at that browser signs in, and the browser follows the provider's redirect.
    pub(super) fn browser_signs_in(&self, number: usize) {
        let page = self.browser_got(number).pop().unwrap();
        self.follow(&self.provider.browse(&page, SUBJECT));
    }

    /// A browser goes to an address on this machine.
    pub(super) fn follow(&self, url: &str) {
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let answer = self.provider.gets(url);
        assert!(!answer.is_empty());
    }

    /// Waits until the access token of the only login has ended.
    pub(super) fn waits_for_the_end(&self) {
        until("the end of the token", Duration::from_secs(30), || {
            let status = self.run(&["status", "--json"]).code(0).json();
            let end = status[0]["expires_at"].as_str().unwrap().to_owned();
            // RFC 3339 in UTC compares as text.
            let now = humantime::format_rfc3339_seconds(SystemTime::now());
            (end < now.to_string()).then_some(())
        });
    }

    /// The files of logins, as one text.
    pub(super) fn kept(&self) -> String {
        let files = self.place.files();
        let kept = files
            .iter()
            .filter(|(path, _)| path.contains("propusk/logins/"));
        kept.map(|(_, content)| String::from_utf8_lossy(content))
            .collect()
    }

    /// The access token and the refresh token of the only login.
    pub(super) fn secrets(&self) -> (String, String) {
        let kept: Value = serde_json::from_str(&self.kept()).unwrap();
        let text = |name: &str| find(&kept, name).unwrap().to_owned();
        (text("access_token"), text("refresh_token"))
    }
}

fn find<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    match value {
        Value::Object(members) => {
            let here = members.get(name).and_then(Value::as_str);
            here.or_else(|| members.values().find_map(|value| find(value, name)))
        }
        _ => None,
    }
}

/// The address that the program shows, when its line is whole.
pub(super) fn address(err: &str) -> Option<String> {
    let whole = &err[..=err.rfind('\n')?];
    let line = whole.lines().find(|line| line.starts_with("  http"));
    line.map(|line| line.trim().to_owned())
}
