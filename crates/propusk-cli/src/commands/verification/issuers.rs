//! `--issuer` and `--jwks`.

use std::path::PathBuf;

use propusk::{IssuerUrl, ResourceUrl};

use crate::failure::Failure;

/// The issuers of JSON Web Tokens, with the place of their keys.
pub(super) struct Issuers {
    issuers: Vec<IssuerUrl>,
    keys: Keys,
}

/// Where keys come from.
#[derive(Clone)]
pub(super) enum Keys {
    /// From where the issuer's metadata says.
    Discovered,
    Url(String),
    File(PathBuf),
}

impl Issuers {
    pub(super) fn resolve(issuers: &[String], jwks: Option<String>) -> Result<Self, Failure> {
        let parse = |text: &String| {
            IssuerUrl::parse(text).map_err(|error| Failure::usage(format!("--issuer: {error}")))
        };
        let issuers = issuers.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let twice = |(index, issuer): (usize, &IssuerUrl)| issuers[..index].contains(issuer);
        if let Some(issuer) = issuers.iter().enumerate().position(twice) {
            let issuer = &issuers[issuer];
            return Err(Failure::usage(format!("--issuer: {issuer} is given twice")));
        }
        let keys = match jwks {
            None => Keys::Discovered,
            Some(_) if issuers.len() != 1 => {
                return Err(Failure::usage(
                    "--jwks: name the issuer whose tokens these keys sign with one --issuer",
                )
                .hint("a token of another issuer would be accepted otherwise"));
            }
            Some(place) if place.contains("://") => Keys::Url(place),
            Some(place) => Keys::File(existing(place)?),
        };
        Ok(Self { issuers, keys })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.issuers.is_empty()
    }

    pub(super) fn urls(&self) -> impl Iterator<Item = &str> {
        self.issuers.iter().map(IssuerUrl::as_str)
    }

    /// The issuer, where there is exactly one.
    pub(super) fn only(&self) -> Option<&IssuerUrl> {
        match &self.issuers[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The issuer at the same scheme, host and port as this URL, where there is exactly one.
    pub(super) fn of_origin(&self, url: &str) -> Option<&IssuerUrl> {
        let origin = |text: &str| {
            let url = ResourceUrl::parse(text).ok()?;
            Some((url.scheme().to_owned(), url.host().to_owned(), url.port()))
        };
        let wanted = origin(url)?;
        let mut fitting = self
            .issuers
            .iter()
            .filter(|issuer| origin(issuer.as_str()).as_ref() == Some(&wanted));
        match (fitting.next(), fitting.next()) {
            (only, None) => only,
            _ => None,
        }
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }
}

/// A file that is not there is a slip of the pen rather than an outage.
fn existing(place: String) -> Result<PathBuf, Failure> {
    let file = PathBuf::from(place);
    match std::fs::File::open(&file) {
        Ok(_) => Ok(file),
        Err(error) => Err(Failure::usage(format!(
            "--jwks: {}: {error}",
            file.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_belongs_to_the_issuer_of_its_origin_only() {
        let issuers = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
            Issuers::resolve(&texts, None).expect("issuers")
        };
        let (a, b) = ("https://a.example", "https://b.example/tenant");
        for (configured, endpoint, expected) in [
            (&[a][..], "https://a.example/introspect", Some(a)),
            (&[a], "https://a.example:443/introspect", Some(a)),
            (&[a], "https://other.example/introspect", None),
            (&[a], "http://a.example/introspect", None),
            (&[a, b], "https://b.example/introspect", Some(b)),
            (
                &[b, "https://b.example/two"],
                "https://b.example/introspect",
                None,
            ),
            (&[], "https://a.example/introspect", None),
        ] {
            let issuers = issuers(configured);
            let found = issuers.of_origin(endpoint).map(IssuerUrl::as_str);
            assert_eq!(found, expected, "{configured:?} {endpoint}");
        }
    }
}
