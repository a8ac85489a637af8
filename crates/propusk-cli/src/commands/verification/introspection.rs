//! `--introspect` and what goes with it.

use std::{fs, path::PathBuf};

use propusk::{ClientAuthentication, ClientKey, IssuerUrl};

use super::issuers::Issuers;
use crate::failure::Failure;

/// What was typed or configured.
pub(super) struct Given {
    pub(super) place: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) secret_file: Option<PathBuf>,
    pub(super) method: Option<String>,
}

/// An identity server to ask, and the credentials to ask with.
pub(super) struct Introspection {
    pub(super) place: Place,
    pub(super) client: ClientAuthentication,
}

/// Where to ask.
pub(super) enum Place {
    /// The endpoint itself, and the issuer of its origin where there is one.
    Endpoint {
        url: String,
        issuer: Option<IssuerUrl>,
    },
    /// The endpoint that the metadata of this issuer names.
    Issuer(IssuerUrl),
}

impl Introspection {
    pub(super) fn resolve(given: Given, issuers: &Issuers) -> Result<Option<Self>, Failure> {
        let Some(place) = &given.place else {
            return match &given.client_id {
                Some(_) => Err(Failure::usage(
                    "--introspect-client-id: say what to ask with --introspect",
                )),
                None => Ok(None),
            };
        };
        let issuer = issuers.only().cloned();
        let place = match (place.as_str(), issuer) {
            ("issuer", Some(issuer)) => Place::Issuer(issuer),
            ("issuer", None) => {
                return Err(Failure::usage(
                    "--introspect issuer: name the issuer with exactly one --issuer",
                ));
            }
            (url, _) => Place::Endpoint {
                url: url.to_owned(),
                issuer: issuers.of_origin(url).cloned(),
            },
        };
        let client = client(given)?;
        Ok(Some(Self { place, client }))
    }
}

fn client(given: Given) -> Result<ClientAuthentication, Failure> {
    let Some(id) = given.client_id.filter(|id| !id.is_empty()) else {
        return Err(
            Failure::usage("--introspect: the identity server wants to know who asks")
                .hint("name the client with --introspect-client-id"),
        );
    };
    let secret = secret(given.secret, given.secret_file)?;
    match given.method.as_deref() {
        None | Some("basic" | "client_secret_basic") => Ok(ClientAuthentication::basic(id, secret)),
        Some("post" | "client_secret_post") => Ok(ClientAuthentication::post(id, secret)),
        Some("private_key_jwt") => ClientKey::from_pem(&secret)
            .map(|key| ClientAuthentication::private_key_jwt(id, key))
            .map_err(|error| Failure::usage(format!("--introspect-secret-file: {error}"))),
        Some(other) => Err(Failure::usage(format!(
            "--introspect-auth: {other:?} is none of basic, post, private_key_jwt"
        ))),
    }
}

/// A file that was named comes first, then the variable, then the configuration. No error repeats
/// what is in them.
fn secret(configured: Option<String>, file: Option<PathBuf>) -> Result<String, Failure> {
    let secret = match file {
        Some(file) => Some(fs::read_to_string(&file).map_err(|error| {
            Failure::usage(format!(
                "--introspect-secret-file: {}: {error}",
                file.display()
            ))
        })?),
        None => std::env::var("PROPUSK_INTROSPECT_SECRET").ok(),
    };
    let secret = secret.or(configured).unwrap_or_default();
    let secret = secret.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Failure::usage(
            "--introspect: the secret of the client is missing or empty",
        )
        .hint("put it into PROPUSK_INTROSPECT_SECRET or name a file with --introspect-secret-file"));
    }
    Ok(secret.to_owned())
}
