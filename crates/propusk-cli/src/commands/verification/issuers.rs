//! `--issuer`, and what is special about each one.

use std::time::Duration;

use propusk::{IssuerUrl, JwtVerifier, SignatureAlgorithm, WithoutAudience};

use super::{issuer_config::IssuerConfig, key_place::KeyPlace, lists};
use crate::{args::VerificationArgs, config::ServeConfig, failure::Failure};

/// The issuers of JSON Web Tokens.
pub(super) struct Issuers(Vec<Issuer>);

struct Issuer {
    url: IssuerUrl,
    keys: KeyPlace,
    /// Whose tokens need no audience.
    clients: Vec<String>,
    algorithms: Option<Vec<SignatureAlgorithm>>,
    leeway: Option<Duration>,
    at_jwt_only: bool,
}

impl Issuers {
    /// `clients` are those of `--accept-client`.
    pub(super) fn resolve(
        args: &mut VerificationArgs,
        config: &mut ServeConfig,
        clients: &[String],
    ) -> Result<Self, Failure> {
        let beside = Beside::of(args, config);
        let mut given = chosen(&args.issuer, std::mem::take(&mut config.issuer));
        give_keys(&mut given, args.jwks.take(), config.jwks.take(), &beside)?;
        if !clients.is_empty() {
            accept(&mut given, clients, !args.accept_client.is_empty(), &beside)?;
        }
        let issuers = given.into_iter().map(Issuer::parse);
        let issuers = Self(issuers.collect::<Result<_, _>>()?);
        let urls: Vec<&str> = issuers.urls().collect();
        match (1..urls.len()).find(|&index| urls[..index].contains(&urls[index])) {
            Some(index) => Err(Failure::usage(format!(
                "--issuer: {} is given twice",
                urls[index]
            ))),
            None => Ok(issuers),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn urls(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|issuer| issuer.url.as_str())
    }

    /// The issuer, where there is exactly one.
    pub(super) fn only(&self) -> Option<&IssuerUrl> {
        match &self.0[..] {
            [only] => Some(&only.url),
            _ => None,
        }
    }

    /// A verifier for each. No issuer is asked yet.
    pub(super) fn verifiers(
        &self,
        resource: &str,
        audiences: &[String],
    ) -> Result<Vec<JwtVerifier>, Failure> {
        let verifier = |issuer: &Issuer| {
            let verifier = issuer.verifier(resource)?;
            Ok(audiences.iter().fold(verifier, JwtVerifier::audience))
        };
        self.0.iter().map(verifier).collect()
    }
}

/// The way out where one word cannot be for all.
const TABLES: &str = "several issuers with settings of their own have each a table \
                      [[serve.issuer]] in propusk.toml, with url and jwks or accept-client";

/// The issuers that were typed, each with what its table in the file says, or else those of the
/// file. What is strict in the file stays strict for who types the same issuer again.
fn chosen(typed: &[String], mut configured: Vec<IssuerConfig>) -> Vec<IssuerConfig> {
    if typed.is_empty() {
        return configured;
    }
    let chosen = lists::words(typed).into_iter().map(|url| {
        let known = configured.iter().position(|issuer| issuer.url == url);
        known.map_or_else(|| url.into(), |index| configured.remove(index))
    });
    chosen.collect()
}

fn alone(issuers: &mut [IssuerConfig]) -> Option<&mut IssuerConfig> {
    match issuers {
        [only] => Some(only),
        _ => None,
    }
}

/// Whom `jwks` and `accept-client` in `[serve]` stand beside: they mean nothing for anybody else.
enum Beside {
    /// Nobody else was typed, or the file leaves it open.
    Anybody,
    /// Issuers were typed, and these are those of the file.
    Issuers(Vec<String>),
    /// Issuers were typed, and the file has only an endpoint to introspect at.
    Introspection,
}

impl Beside {
    fn of(args: &VerificationArgs, config: &ServeConfig) -> Self {
        match &config.issuer[..] {
            _ if args.issuer.is_empty() => Self::Anybody,
            [] if config.introspect.is_some() => Self::Introspection,
            [] => Self::Anybody,
            own => Self::Issuers(own.iter().map(|issuer| issuer.url.clone()).collect()),
        }
    }

    /// The one of these issuers that the key of the file is for.
    fn owner<'a>(
        &self,
        key: &str,
        given: &'a mut [IssuerConfig],
    ) -> Result<Option<&'a mut IssuerConfig>, Failure> {
        let own = match self {
            Self::Issuers(own) => own,
            Self::Introspection if key == "accept-client" => {
                return Err(Failure::usage(
                    "accept-client stands in [serve] beside introspect, and --issuer (or \
                     PROPUSK_ISSUER) names an issuer whose clients these are not",
                )
                .hint("write introspect-accept-client in the file")
                .hint("or type --accept-client for the clients of that issuer"));
            }
            Self::Anybody | Self::Introspection => return Ok(alone(given)),
        };
        let [own] = &own[..] else {
            return Ok(None);
        };
        match given.iter_mut().find(|issuer| issuer.url == *own) {
            Some(owner) => Ok(Some(owner)),
            None => Err(Failure::usage(format!(
                "{key} stands in [serve] beside the issuer {own:?}, and --issuer (or \
                 PROPUSK_ISSUER) names another"
            ))
            .hint(format!("type --{key} for that one too"))
            .hint(TABLES)),
        }
    }
}

/// Keys of one issuer sign nothing of another.
fn give_keys(
    issuers: &mut [IssuerConfig],
    typed: Option<String>,
    configured: Option<String>,
    beside: &Beside,
) -> Result<(), Failure> {
    if typed.is_none() && configured.is_none() {
        return Ok(());
    }
    let only = match typed.is_some() {
        true => alone(issuers),
        false => beside.owner("jwks", issuers)?,
    };
    let only = only.ok_or_else(|| {
        Failure::usage("--jwks: name the issuer whose tokens these keys sign with one --issuer")
            .hint("a token of another issuer would be accepted otherwise")
            .hint(TABLES)
    })?;
    said_once("jwks", typed.is_none() && only.jwks.is_some())?;
    only.jwks = typed.or(configured);
    Ok(())
}

/// Client ids of one issuer mean nothing at another.
fn accept(
    issuers: &mut [IssuerConfig],
    clients: &[String],
    typed: bool,
    beside: &Beside,
) -> Result<(), Failure> {
    if issuers.is_empty() {
        // Then they are for introspection, or for nothing, which is said there.
        return Ok(());
    }
    let only = match typed {
        true => alone(issuers),
        false => beside.owner("accept-client", issuers)?,
    };
    let only = only.ok_or_else(|| {
        Failure::usage("--accept-client: this is for the client of one --issuer").hint(TABLES)
    })?;
    said_once("accept-client", !typed && !only.accept_client.is_empty())?;
    only.accept_client = clients.to_vec();
    Ok(())
}

fn said_once(key: &str, twice: bool) -> Result<(), Failure> {
    match twice {
        true => Err(Failure::usage(format!(
            "{key} stands in the table of the issuer and in [serve]; take one away"
        ))),
        false => Ok(()),
    }
}

impl Issuer {
    fn parse(mut given: IssuerConfig) -> Result<Self, Failure> {
        let url = IssuerUrl::parse(&given.url);
        let url = url.map_err(|error| Failure::usage(format!("--issuer: {error}")))?;
        let of = |key: &str| format!("{key} of {url}");
        Ok(Self {
            keys: KeyPlace::resolve(given.jwks, url.as_str())?,
            clients: lists::names(&of("accept-client"), &[], &mut given.accept_client)?,
            algorithms: algorithms(&of("algorithms"), given.algorithms)?,
            leeway: leeway(&of("leeway"), given.leeway)?,
            at_jwt_only: given.require_at_jwt,
            url,
        })
    }

    fn verifier(&self, resource: &str) -> Result<JwtVerifier, Failure> {
        let mut verifier = self.keys.verifier(self.url.as_str(), resource)?;
        if !self.clients.is_empty() {
            verifier = verifier.accept_without_audience(WithoutAudience::clients(&self.clients));
        }
        if let Some(algorithms) = &self.algorithms {
            verifier = verifier.allow_algorithms(algorithms.iter().copied());
        }
        if let Some(leeway) = self.leeway {
            verifier = verifier.leeway(leeway);
        }
        if self.at_jwt_only {
            verifier = verifier.require_at_jwt();
        }
        Ok(verifier)
    }
}

fn algorithms(
    key: &str,
    given: Option<Vec<String>>,
) -> Result<Option<Vec<SignatureAlgorithm>>, Failure> {
    let Some(names) = given else { return Ok(None) };
    if names.is_empty() {
        return Err(Failure::usage(format!("{key}: name at least one")).hint("or leave it out"));
    }
    let parse = |name: &String| {
        let parsed: Result<_, propusk::UnknownAlgorithm> = name.parse();
        parsed.map_err(|_| {
            let known = SignatureAlgorithm::ALL.map(SignatureAlgorithm::name);
            let of_secret = name.parse::<propusk::MacAlgorithm>().is_ok();
            let why = match of_secret {
                true => "needs a shared secret, and an issuer has public keys",
                false => "is no algorithm that is verified here",
            };
            Failure::usage(format!("{key}: {name:?} {why}"))
                .hint(format!("the algorithms are {}", known.join(", ")))
        })
    };
    names.iter().map(parse).collect::<Result<_, _>>().map(Some)
}

/// By how much two clocks may differ.
pub(super) fn leeway(key: &str, given: Option<String>) -> Result<Option<Duration>, Failure> {
    /// The library takes more for this.
    const MOST: Duration = Duration::from_secs(300);
    let Some(text) = given else { return Ok(None) };
    match humantime::parse_duration(&text) {
        Ok(leeway) if leeway <= MOST => Ok(Some(leeway)),
        _ => Err(
            Failure::usage(format!("{key}: {text:?} is no such duration"))
                .hint("write one from 0s to 5m; 30s is usual"),
        ),
    }
}
