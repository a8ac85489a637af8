//! From arguments and file to what verifies tokens; nothing is touched before all of it makes sense.

mod composed;
mod fixed;
mod introspection;
mod issuers;
mod open;

use propusk::{Admission, AuthSettings, FixedTokens};

use super::store;
use crate::{args::VerificationArgs, config::ServeConfig, failure::Failure};

use introspection::Introspection;
use issuers::Issuers;
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
        args: VerificationArgs,
        config: &mut ServeConfig,
        configured_tokens: Option<String>,
    ) -> Result<Self, Failure> {
        let admission = args.admission.or(config.admission.take());
        let issuers = Issuers::resolve(
            &either(args.issuer, &mut config.issuer),
            args.jwks.or(config.jwks.take()),
        )?;
        let introspection = Introspection::resolve(
            introspection::Given {
                place: args.introspect.or(config.introspect.take()),
                client_id: args
                    .introspect_client_id
                    .or(config.introspect_client_id.take()),
                secret: config.introspect_secret.take(),
                secret_file: args
                    .introspect_secret_file
                    .or(config.introspect_secret_file.take()),
                method: args.introspect_auth.or(config.introspect_auth.take()),
            },
            &issuers,
        )?;
        let fixed = fixed::parse(&either(args.token, &mut config.token))?;
        // A store appears by itself only where tokens come from nowhere else.
        let alone = fixed.is_empty() && issuers.is_empty() && introspection.is_none();
        let named = args.tokens.or(configured_tokens);
        Ok(Self {
            store_is_named: named.is_some(),
            resource: args.resource.or(config.resource.take()),
            admission: admission
                .as_deref()
                .map(admission_of)
                .transpose()?
                .unwrap_or_default(),
            required_scopes: either(args.required_scope, &mut config.required_scope),
            audiences: either(args.audience, &mut config.audience),
            store_url: named.or_else(|| alone.then(|| store::DEFAULT.to_owned())),
            fixed,
            issuers,
            introspection,
        })
    }

    pub(super) fn has_fixed_tokens(&self) -> bool {
        !self.fixed.is_empty()
    }

    /// The settings of the library. `default_resource` counts where none was given.
    pub(super) fn settings(&self, default_resource: String) -> Result<AuthSettings, Failure> {
        let resource = self.resource.clone().unwrap_or(default_resource);
        let mut settings = AuthSettings::new(&resource)
            .map_err(|error| Failure::usage(format!("--resource: {error}")))?
            .admission(self.admission);
        for scope in &self.required_scopes {
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

fn admission_of(text: &str) -> Result<Admission, Failure> {
    let parsed: Result<_, propusk::UnknownAdmission> = text.parse();
    parsed.map_err(|error| Failure::usage(format!("--admission: {text:?} is none; {error}")))
}

/// A list on the command line replaces the one in the file.
pub(super) fn either(typed: Vec<String>, configured: &mut Vec<String>) -> Vec<String> {
    if typed.is_empty() {
        std::mem::take(configured)
    } else {
        typed
    }
}
