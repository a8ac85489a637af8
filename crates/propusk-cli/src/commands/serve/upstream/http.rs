//! A server at a URL.

use std::{
    fs,
    sync::{Arc, OnceLock},
};

use http::HeaderName;
use propusk_gate::{
    credentials::{AssertionKeys, CallerAssertion, InvalidAssertionKey},
    http::{ExtraRoots, HttpUpstream, HttpUpstreamSettings, UpstreamUrl},
};

use super::{Endpoint, Remote};
use crate::failure::Failure;

/// The keys of this gate, and its name in what they sign.
pub(in crate::commands::serve) struct Signing {
    /// Without a file they are made when an upstream wants them, which takes longer than all the rest
    /// of a start.
    keys: OnceLock<Arc<AssertionKeys>>,
    issuer: String,
}

impl Signing {
    pub(in crate::commands::serve) fn new(keys: Option<AssertionKeys>, issuer: String) -> Self {
        let keys = keys.map_or_else(OnceLock::new, |keys| OnceLock::from(Arc::new(keys)));
        Self { keys, issuer }
    }

    pub(in crate::commands::serve) fn keys(&self) -> Result<Arc<AssertionKeys>, Failure> {
        if self.keys.get().is_none() {
            let made = AssertionKeys::ephemeral().map_err(|e| Self::failure(&e))?;
            let _ = self.keys.set(Arc::new(made));
        }
        let keys = self.keys.get().ok_or(InvalidAssertionKey::NotMade);
        keys.map(Arc::clone).map_err(|e| Self::failure(&e))
    }

    pub(in crate::commands::serve) fn failure(error: &InvalidAssertionKey) -> Failure {
        Failure::usage(format!("assertion-key: {error}"))
    }
}

const URL: &str = "write the whole URL of its MCP endpoint, such as http://127.0.0.1:9000/mcp";

impl Remote {
    /// The upstream; nothing is connected yet. Its files are read.
    pub(in crate::commands::serve) fn upstream(
        &self,
        endpoint: &Endpoint,
        signing: Option<&Signing>,
    ) -> Result<HttpUpstream, Failure> {
        let place = &endpoint.place;
        let wrong = |key: &str, why: &dyn std::fmt::Display| {
            Failure::usage(format!("{place}: {key}: {why}"))
        };
        let url = UpstreamUrl::parse(&self.url).map_err(|error| match endpoint.of_file {
            true => wrong("url", &error),
            false => Failure::usage(format!("{place}: {error}")),
        });
        let url = url.map_err(|failure| failure.hint(URL))?;
        let mut settings = HttpUpstreamSettings::new(endpoint.shown());
        if let Some(credentials) = &self.credentials {
            let with = credentials.add_to(settings);
            settings = with.map_err(|why| wrong("credentials", &why))?;
        }
        if let Some(signing) = signing.filter(|_| self.assertion) {
            let keys = signing.keys()?;
            settings = settings.assertion(CallerAssertion::new(keys, signing.issuer.as_str()));
        }
        for header in &self.pass_header {
            let parsed = HeaderName::try_from(header.as_str());
            let name = parsed.map_err(|_| wrong("pass-header", &"this is no name of a header"))?;
            settings = settings.pass_header(name);
        }
        if let Some(file) = &self.ca {
            let shown = file.display();
            let pem = fs::read_to_string(file);
            let pem = pem.map_err(|error| wrong("ca", &format!("{shown}: {error}")))?;
            let roots = ExtraRoots::from_pem(&pem);
            let roots = roots.map_err(|error| wrong("ca", &format!("{shown}: {error}")))?;
            settings = settings.roots(roots);
        }
        Ok(HttpUpstream::new(url, settings))
    }
}
