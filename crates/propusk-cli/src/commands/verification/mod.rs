//! From arguments and file to what verifies tokens; nothing is touched before all of it makes sense.

mod composed;
mod fixed;
mod introspection;
mod issuer_config;
mod issuers;
mod key_place;
mod lists;
mod open;
mod secret;
mod sources;

use propusk::{Admission, AuthSettings, FixedTokens};

use super::store;
use crate::{args::VerificationArgs, config::ServeConfig, failure::Failure};

pub(super) use composed::Composed;
use introspection::Introspection;
pub(crate) use issuer_config::{IssuerConfig, urls_or_tables};
use issuers::Issuers;
pub(super) use lists::either;
pub(super) use open::Verifiers;

/// Where tokens come from, and who is admitted with them.
pub(super) struct Verification {
    pub(super) resource: Option<String>,
    pub(super) admission: Admission,
    required_scopes: Vec<String>,
    audiences: Vec<String>,
    pub(super) store_url: Option<String>,
    store_is_named: bool,
    fixed: FixedTokens,
    issuers: Issuers,
    introspection: Option<Introspection>,
}

impl Verification {
    /// Takes what was typed, then what is configured, then what is usual. What belongs to `serve`
    /// alone stays in `config`.
    pub(super) fn resolve(
        mut args: VerificationArgs,
        config: &mut ServeConfig,
        configured_tokens: Option<String>,
    ) -> Result<Self, Failure> {
        let admission = args.admission.take().or(config.admission.take());
        let (issuers, introspection) = identity_servers(&mut args, config)?;
        let fixed = lists::either("--token", &args.token, &mut config.token)?;
        let fixed = fixed::parse(&fixed)?;
        // A store appears by itself only where tokens come from nowhere else.
        let alone = fixed.is_empty() && issuers.is_empty() && introspection.is_none();
        let named = args.tokens.or(configured_tokens);
        let audiences = lists::names("--audience", &args.audience, &mut config.audience)?;
        let scopes = &mut config.required_scope;
        let this = Self {
            store_is_named: named.is_some(),
            resource: args.resource.or(config.resource.take()),
            admission: admission
                .as_deref()
                .map(admission_of)
                .transpose()?
                .unwrap_or_default(),
            required_scopes: either("--required-scope", &args.required_scope, scopes)?,
            audiences,
            store_url: named.or_else(|| alone.then(|| store::DEFAULT.to_owned())),
            fixed,
            issuers,
            introspection,
        };
        if !this.audiences.is_empty() && this.only_fixed() {
            return Err(Failure::usage(
                "--audience has no effect: fixed tokens (--token) name no audience",
            )
            .hint("it is for tokens of --issuer, --introspect or --tokens"));
        }
        Ok(this)
    }

    fn only_fixed(&self) -> bool {
        self.issuers.is_empty() && self.introspection.is_none() && self.store_url.is_none()
    }

    pub(super) fn required_scopes(&self) -> &[String] {
        &self.required_scopes
    }

    pub(super) fn has_fixed_tokens(&self) -> bool {
        !self.fixed.is_empty()
    }

    /// The settings of the library for an endpoint with this URL. `required` are the scopes that
    /// every request to it needs.
    pub(super) fn settings(
        &self,
        resource: &str,
        admission: Option<Admission>,
        required: Option<&[String]>,
    ) -> Result<AuthSettings, Failure> {
        let mut settings = AuthSettings::new(resource)
            .map_err(|error| Failure::usage(format!("--resource: {error}")))?
            .admission(admission.unwrap_or(self.admission));
        for scope in required.unwrap_or(&self.required_scopes) {
            settings = settings
                .require_scopes(scope)
                .map_err(|error| Failure::usage(format!("--required-scope: {error}")))?;
        }
        for audience in &self.audiences {
            settings = settings.accept_audience(audience);
        }
        for issuer in self.issuers.urls() {
            settings = settings.authorization_server(issuer);
        }
        Ok(settings)
    }
}

/// Who else issues tokens, and who is asked about them.
fn identity_servers(
    args: &mut VerificationArgs,
    config: &mut ServeConfig,
) -> Result<(Issuers, Option<Introspection>), Failure> {
    sources::agree(args, config)?;
    let typed = !args.accept_client.is_empty();
    let configured = &mut config.accept_client;
    let clients = lists::names("--accept-client", &args.accept_client, configured)?;
    let issuers = Issuers::resolve(args, config, &clients)?;
    let mut introspection = Introspection::resolve(args, config, &issuers)?;
    let introspected = introspection
        .as_mut()
        .is_some_and(|asked| !clients.is_empty() && asked.accept(&clients, typed, &issuers));
    if !clients.is_empty() && issuers.is_empty() && !introspected {
        return Err(Failure::usage("--accept-client has no effect here").hint(
            "it is for tokens of --issuer or --introspect, and in the file introspect-accept-client \
             says the same of the latter",
        ));
    }
    Ok((issuers, introspection))
}

fn admission_of(text: &str) -> Result<Admission, Failure> {
    let parsed: Result<_, propusk::UnknownAdmission> = text.parse();
    parsed.map_err(|error| Failure::usage(format!("--admission: {text:?} is none; {error}")))
}
