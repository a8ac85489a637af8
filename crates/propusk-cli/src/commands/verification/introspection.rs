//! `--introspect` and what goes with it.

use std::time::Duration;

use propusk::{
    ClientAuthentication, ClientKey, IntrospectionVerifier, InvalidIntrospection, IssuerUrl,
    WithoutAudience,
};

use super::{
    issuers::{Issuers, leeway},
    lists, secret,
};
use crate::{args::VerificationArgs, config::ServeConfig, failure::Failure};

/// An identity server to ask, and the credentials to ask with.
pub(super) struct Introspection {
    place: Place,
    client: ClientAuthentication,
    /// Whose tokens need no audience.
    clients: Vec<String>,
    leeway: Option<Duration>,
    signed: bool,
}

/// Where to ask.
enum Place {
    /// The endpoint itself, and whose tokens it answers for where that was said: an address proves
    /// nothing, as many issuers share a host.
    Endpoint {
        url: String,
        issuer: Option<IssuerUrl>,
    },
    /// The endpoint that the metadata of this issuer names.
    Issuer(IssuerUrl),
}

impl Introspection {
    pub(super) fn resolve(
        args: &mut VerificationArgs,
        config: &mut ServeConfig,
        issuers: &Issuers,
    ) -> Result<Option<Self>, Failure> {
        let issuer = args.introspect_issuer.take();
        let issuer = issuer.or(config.introspect_issuer.take());
        let Some(place) = args.introspect.take().or(config.introspect.take()) else {
            return match without_effect(args, config, issuer.is_some()) {
                Some(name) => Err(Failure::usage(format!(
                    "{name} has no effect without --introspect"
                ))
                .hint("say what to ask with --introspect URL, or --introspect issuer")),
                None => Ok(None),
            };
        };
        let place = Place::resolve(place, issuer.as_deref(), issuers)?;
        let client = client(args, config)?;
        let clients = &mut config.introspect_accept_client;
        Ok(Some(Self {
            place,
            client,
            clients: lists::names("introspect-accept-client", &[], clients)?,
            leeway: leeway("introspect-leeway", config.introspect_leeway.take())?,
            signed: config.introspect_signed,
        }))
    }

    /// Takes the clients of `--accept-client` where they are of the identity server that is asked;
    /// tells whether they are. A key of its own in the file is more exact, unless they were typed.
    pub(super) fn accept(&mut self, clients: &[String], typed: bool, issuers: &Issuers) -> bool {
        let own = match &self.place {
            Place::Issuer(issuer)
            | Place::Endpoint {
                issuer: Some(issuer),
                ..
            } if !issuers.is_empty() => issuers.only() == Some(issuer),
            _ => issuers.is_empty(),
        };
        let taken = own && (typed || self.clients.is_empty());
        if taken {
            self.clients = clients.to_vec();
        }
        taken
    }

    /// The verifier. Nothing is asked yet.
    pub(super) fn verifier(
        self,
        resource: &str,
        audiences: &[String],
    ) -> Result<IntrospectionVerifier, Failure> {
        let wrong = |error| Failure::usage(format!("--introspect: {error}"));
        let made = match self.place {
            Place::Issuer(issuer) => {
                IntrospectionVerifier::from_issuer(issuer.as_str(), resource, self.client)
            }
            Place::Endpoint { url, issuer } => {
                let made = IntrospectionVerifier::new(&url, resource, self.client);
                match issuer {
                    Some(issuer) => made.map(|verifier| verifier.issuer(issuer)),
                    None => made,
                }
            }
        };
        let mut verifier = made.map_err(wrong)?;
        if self.signed {
            verifier = verifier.signed_answers().map_err(|error| match error {
                InvalidIntrospection::NoIssuer => {
                    wrong(error).hint("introspect-signed: name it with --introspect-issuer URL")
                }
                error => wrong(error),
            })?;
        }
        if let Some(leeway) = self.leeway {
            verifier = verifier.leeway(leeway);
        }
        if !self.clients.is_empty() {
            verifier = verifier.accept_without_audience(WithoutAudience::clients(self.clients));
        }
        let audiences = audiences.iter();
        Ok(audiences.fold(verifier, IntrospectionVerifier::audience))
    }
}

impl Place {
    fn resolve(place: String, issuer: Option<&str>, issuers: &Issuers) -> Result<Self, Failure> {
        let issuer = issuer.map(IssuerUrl::parse).transpose();
        let issuer =
            issuer.map_err(|error| Failure::usage(format!("--introspect-issuer: {error}")))?;
        if place != "issuer" {
            return Ok(Self::Endpoint { url: place, issuer });
        }
        match issuer.or_else(|| issuers.only().cloned()) {
            Some(issuer) => Ok(Self::Issuer(issuer)),
            None => Err(Failure::usage(
                "--introspect issuer: name the issuer with exactly one --issuer, or with \
                 --introspect-issuer",
            )),
        }
    }
}

/// What is said about a question that nobody asks. The secret in the environment is not among it:
/// those of several programs are often exported together.
fn without_effect(
    args: &VerificationArgs,
    config: &ServeConfig,
    has_issuer: bool,
) -> Option<&'static str> {
    let given = [
        ("--introspect-issuer", has_issuer),
        (
            "--introspect-client-id",
            args.introspect_client_id.is_some() || config.introspect_client_id.is_some(),
        ),
        (
            "--introspect-secret-file",
            args.introspect_secret_file.is_some() || config.introspect_secret_file.is_some(),
        ),
        (
            "--introspect-auth",
            args.introspect_auth.is_some() || config.introspect_auth.is_some(),
        ),
        ("introspect-secret", config.introspect_secret.is_some()),
        ("introspect-key-id", config.introspect_key_id.is_some()),
        ("introspect-signed", config.introspect_signed),
        ("introspect-leeway", config.introspect_leeway.is_some()),
        (
            "introspect-accept-client",
            !config.introspect_accept_client.is_empty(),
        ),
    ];
    given
        .iter()
        .find(|(_, given)| *given)
        .map(|(name, _)| *name)
}

fn client(
    args: &mut VerificationArgs,
    config: &mut ServeConfig,
) -> Result<ClientAuthentication, Failure> {
    let id = args.introspect_client_id.take();
    let id = id.or(config.introspect_client_id.take());
    let Some(id) = id.filter(|id| !id.trim().is_empty()) else {
        return Err(
            Failure::usage("--introspect: the identity server wants to know who asks")
                .hint("name the client with --introspect-client-id"),
        );
    };
    let method = args.introspect_auth.take();
    let method = method.or(config.introspect_auth.take());
    let key_id = config.introspect_key_id.take();
    let secret = secret::Given {
        file: args.introspect_secret_file.take(),
        file_is_typed: args.typed.contains(&"introspect-secret-file"),
        configured: config.introspect_secret.take(),
        configured_file: config.introspect_secret_file.take(),
    };
    match method.as_deref() {
        Some("private_key_jwt") => signing(id, &secret.read()?, key_id),
        _ if key_id.is_some() => Err(Failure::usage(
            "introspect-key-id names the key of introspect-auth = \"private_key_jwt\"; a secret \
             has no name",
        )),
        None | Some("basic" | "client_secret_basic") => {
            Ok(ClientAuthentication::basic(id, secret.read()?.text))
        }
        Some("post" | "client_secret_post") => {
            Ok(ClientAuthentication::post(id, secret.read()?.text))
        }
        Some(other) => Err(Failure::usage(format!(
            "--introspect-auth: {other:?} is none of basic, post, private_key_jwt"
        ))),
    }
}

fn signing(
    id: String,
    secret: &secret::Secret,
    key_id: Option<String>,
) -> Result<ClientAuthentication, Failure> {
    let key = ClientKey::from_pem(&secret.text);
    let mut key = key.map_err(|error| Failure::usage(format!("{}: {error}", secret.place)))?;
    if let Some(key_id) = key_id {
        key = key.with_key_id(key_id);
    }
    Ok(ClientAuthentication::private_key_jwt(id, key))
}
