//! A server at a URL.

use std::{env, fs};

use http::{HeaderMap, HeaderName, HeaderValue};
use propusk::AccessToken;
use propusk_gate::{
    credentials::{CredentialsError, UpstreamCredentials},
    http::{ExtraRoots, HttpUpstream, HttpUpstreamSettings, UpstreamUrl},
};

use super::{CredentialsConfig, Remote};
use crate::failure::Failure;

impl Remote {
    /// The upstream; nothing is connected yet.
    pub(in crate::commands::serve) fn upstream(&self, name: &str) -> Result<HttpUpstream, Failure> {
        let wrong = |key: &str, why: &dyn std::fmt::Display| {
            Failure::usage(format!("the upstream {name}: {key}: {why}"))
        };
        let url = UpstreamUrl::parse(&self.url).map_err(|error| wrong("url", &error))?;
        let mut settings = HttpUpstreamSettings::new(name);
        if let Some(credentials) = &self.credentials {
            let fixed = Fixed::of(credentials);
            settings = settings.credentials(fixed.map_err(|why| wrong("credentials", &why))?);
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
            settings =
                settings.roots(roots.map_err(|error| wrong("ca", &format!("{shown}: {error}")))?);
        }
        Ok(HttpUpstream::new(url, settings))
    }
}

/// A header with the same value for all callers.
struct Fixed(HeaderName, HeaderValue);

impl Fixed {
    /// No error repeats the value.
    fn of(config: &CredentialsConfig) -> Result<Self, String> {
        let name = HeaderName::try_from(config.header.as_str());
        let name = name.map_err(|_| "header: this is no name of a header".to_owned())?;
        let text = match (&config.env, &config.file) {
            (Some(variable), _) => env::var(variable)
                .ok()
                .filter(|text| !text.is_empty())
                .ok_or_else(|| format!("the variable {variable} is not set"))?,
            (None, Some(file)) => {
                fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?
            }
            (None, None) => String::new(),
        };
        let mut value = HeaderValue::from_str(text.trim())
            .map_err(|_| "the value has characters that no header may have".to_owned())?;
        if value.is_empty() {
            return Err("the value is empty".to_owned());
        }
        value.set_sensitive(true);
        Ok(Self(name, value))
    }
}

impl UpstreamCredentials for Fixed {
    async fn headers(&self, _: Option<&AccessToken>) -> Result<HeaderMap, CredentialsError> {
        Ok(HeaderMap::from_iter([(self.0.clone(), self.1.clone())]))
    }
}
