//! A person signs in: authorization code with PKCE, by nothing but redirects and cookies.

use anyhow::{Context, bail, ensure};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use url::Url;

use super::{Endpoint, IdentityProvider, Indicator, tokens::Tokens};

/// The pair of RFC 7636 appendix B. A test has nobody to hide its verifier from.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Nothing listens there: the last redirect is read, not followed.
const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

/// Sign-in, consent and the ways between them take six.
const MOST_REDIRECTS: usize = 12;

/// A sign-in at the provider.
#[derive(Clone, Debug)]
pub struct SignIn {
    client: String,
    subject: String,
    resource: Indicator,
    scopes: String,
}

impl SignIn {
    /// By the client `native`. `subject` is who signs in; `deny` is the one who refuses. `scopes` are
    /// separated by spaces, and all of them are granted.
    #[must_use]
    pub fn new(subject: &str, resource: impl Into<Indicator>, scopes: &str) -> Self {
        Self {
            client: "native".to_owned(),
            subject: subject.to_owned(),
            resource: resource.into(),
            scopes: scopes.to_owned(),
        }
    }

    /// By another public client, which was registered, or is a metadata document, with the redirect
    /// URI `http://127.0.0.1:9/callback`.
    #[must_use]
    pub fn client(mut self, id: &str) -> Self {
        id.clone_into(&mut self.client);
        self
    }

    fn url(&self, endpoint: &str) -> anyhow::Result<Url> {
        let query = [
            ("response_type", "code"),
            ("client_id", &self.client),
            ("redirect_uri", REDIRECT_URI),
            ("scope", &self.scopes),
            ("resource", self.resource.as_str()),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "state"),
        ];
        Ok(Url::parse_with_params(endpoint, query)?)
    }
}

impl IdentityProvider {
    /// The access token of a person. See [`Self::sign_in`].
    ///
    /// # Errors
    /// The provider refuses, fails or is stopped.
    pub async fn user_token(
        &self,
        subject: &str,
        resource: impl Into<Indicator>,
        scopes: &str,
    ) -> anyhow::Result<String> {
        let sign_in = SignIn::new(subject, resource, scopes);
        Ok(self.sign_in(&sign_in).await?.access_token)
    }

    /// Signs a person in, as a browser without a memory of earlier visits would.
    ///
    /// # Errors
    /// The person or the provider refuses, or the provider fails or is stopped.
    pub async fn sign_in(&self, sign_in: &SignIn) -> anyhow::Result<Tokens> {
        let start = sign_in.url(&self.url(Endpoint::Authorization))?;
        let back = self.browse(start.as_str(), &sign_in.subject).await?;
        let code = self.code(&back)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
            ("resource", sign_in.resource.as_str()),
        ];
        self.post_public(Endpoint::Token, &sign_in.client, &form)
            .await?
            .tokens()
    }

    /// Plays the person at the browser for a client that made its own authorization URL: signs in
    /// as `subject` unless the URL has a `login_hint`, consents, and returns the URL that the
    /// provider sends the browser back to, with `code` or `error` in its query. That URL is not
    /// requested.
    ///
    /// # Errors
    /// The provider shows an error page, fails or is stopped.
    pub async fn browse(&self, authorization_url: &str, subject: &str) -> anyhow::Result<Url> {
        let mut url = Url::parse(authorization_url)?;
        if !url.query_pairs().any(|(name, _)| name == "login_hint") {
            url.query_pairs_mut().append_pair("login_hint", subject);
        }
        let home = Url::parse(&self.issuer)?.origin();
        let mut cookies = Cookies::default();
        for _ in 0..MOST_REDIRECTS {
            let request = self.http.get(url.clone());
            let request = request.header(COOKIE, cookies.for_path(url.path()));
            let answer = request.send().await?;
            for cookie in answer.headers().get_all(SET_COOKIE) {
                cookies.set(cookie.to_str()?);
            }
            let Some(location) = answer.headers().get(LOCATION) else {
                bail!("{}: {}", answer.status(), answer.text().await?);
            };
            url = url.join(location.to_str()?)?;
            if url.origin() != home {
                return Ok(url);
            }
        }
        bail!("the sign-in does not end")
    }

    /// The code of an authorization response, its issuer (RFC 9207) and state checked.
    fn code(&self, response: &Url) -> anyhow::Result<String> {
        let member = |name: &str| {
            let mut pairs = response.query_pairs();
            pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
        };
        if let Some(error) = member("error") {
            bail!(
                "{error}: {}",
                member("error_description").unwrap_or_default()
            );
        }
        ensure!(
            member("iss").as_deref() == Some(&self.issuer),
            "another issuer answered"
        );
        ensure!(
            member("state").as_deref() == Some("state"),
            "another state came back"
        );
        member("code").context("no code")
    }
}

/// The cookies of one visit: name, value, path.
#[derive(Default)]
struct Cookies(Vec<(String, String, String)>);

impl Cookies {
    fn set(&mut self, header: &str) {
        let mut parts = header.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let path = parts
            .filter_map(|attribute| attribute.split_once('='))
            .find_map(|(key, path)| key.eq_ignore_ascii_case("path").then_some(path))
            .unwrap_or("/");
        self.0.retain(|(old, _, at)| old != name || at != path);
        if !value.is_empty() {
            self.0
                .push((name.to_owned(), value.to_owned(), path.to_owned()));
        }
    }

    fn for_path(&self, path: &str) -> String {
        let sent = self
            .0
            .iter()
            .filter(|(_, _, at)| path.starts_with(at.as_str()));
        let pairs: Vec<String> = sent
            .map(|(name, value, _)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }
}
