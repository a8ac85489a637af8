//! Who signs in, and the memory of what the clients asked this person for.

use std::collections::BTreeMap;

use reqwest::Url;

use super::super::provider::{Provider, SUBJECT};

/// Nothing listens there: the last redirect is read, not followed.
pub(super) const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// More sign-ins than any client may want for one story; a client that gets here loops.
const MOST_VISITS: usize = 6;

/// A person at a browser, for one client.
pub(super) struct Person<'a> {
    provider: &'a Provider,
    /// From this visit on the person refuses.
    refuses_from: usize,
    /// The query of each authorization URL.
    visits: Vec<BTreeMap<String, String>>,
}

impl<'a> Person<'a> {
    pub(super) fn new(provider: &'a Provider) -> Self {
        Self {
            provider,
            refuses_from: usize::MAX,
            visits: Vec::new(),
        }
    }

    /// Signs in once, and refuses what comes later.
    pub(super) fn refusing_more(mut self) -> Self {
        self.refuses_from = 1;
        self
    }

    /// Follows an authorization URL; the URL that the provider sends the browser back to.
    pub(super) fn visit(&mut self, url: &str) -> String {
        let parsed = Url::parse(url).unwrap();
        let query = parsed.query_pairs().into_owned().collect();
        let refuses = self.visits.len() >= self.refuses_from;
        self.visits.push(query);
        assert!(self.visits.len() <= MOST_VISITS, "the client loops");
        let who = if refuses { "deny" } else { SUBJECT };
        let back = self.provider.browse(url, who);
        assert!(back.starts_with(CALLBACK), "{back}");
        back
    }

    pub(super) fn visits(&self) -> usize {
        self.visits.len()
    }

    /// The scopes that were asked for in a visit, sorted, without `offline_access`, which clients add
    /// where the provider knows it, to get a refresh token. The rest of the request is as the MCP
    /// specification wants it: a resource indicator, PKCE with S256, state where there is one.
    #[track_caller]
    pub(super) fn asked(&self, visit: usize, resource: &str, client: &str) -> Vec<&str> {
        let query = &self.visits[visit];
        for (name, value) in [
            ("resource", resource),
            ("response_type", "code"),
            ("code_challenge_method", "S256"),
            ("redirect_uri", CALLBACK),
        ] {
            assert_eq!(query[name], value, "{query:?}");
        }
        if !client.is_empty() {
            assert_eq!(query["client_id"], client, "{query:?}");
        }
        let scope = query.get("scope").map_or("", String::as_str);
        let mut scopes: Vec<&str> = scope.split_whitespace().collect();
        scopes.retain(|scope| *scope != "offline_access");
        scopes.sort_unstable();
        scopes
    }
}
