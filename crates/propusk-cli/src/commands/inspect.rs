//! `propusk inspect`.

mod operation;
mod print;

use std::{io::Read, process::ExitCode, time::SystemTime};

use propusk::{
    AuthSettings, BearerToken, Inspection, Operation, Reason, layer::DeclaredScopes, server::Guard,
};

use super::serve::{Names, Plan, ScopesConfig};
use crate::{
    args::InspectArgs,
    builtin::Builtin,
    config::Config,
    failure::{Code, Failure},
    output::{note, visible},
};

use print::Inspected;

/// Twice the longest token, with blanks around it: more than that is something else.
const MOST_INPUT: u64 = 2 * BearerToken::MAX_LENGTH as u64;

pub(crate) async fn run(mut args: InspectArgs, config: Config) -> Result<ExitCode, Failure> {
    let operation = operation::parse(args.operation.as_deref())?;
    let token = token(typed(&mut args))?;
    let mut plan = Plan::resolve(args.serve, config)?;
    let endpoint = plan.endpoint(args.endpoint.as_deref())?;
    let all = plan.expected_settings().await?;
    let settings = &all[endpoint];
    let (operation, notes) = match plan.is_builtin(endpoint) {
        true => declared(operation, settings, plan.scopes_of(endpoint)).await?,
        false => (operation, Vec::new()),
    };
    let verifiers = plan.verification.open(&all, Some(&token)).await?;
    let now = SystemTime::now();
    let text = token.expose_secret();
    let inspection = propusk::inspect(settings, &verifiers.verifier, &operation, text, now).await;
    let code = exit_code(&inspection);
    let inspected = Inspected {
        inspection,
        resource: settings.resource().as_str(),
        operation: operation.to_string(),
        notes,
        now,
    };
    match args.json {
        true => inspected.print_json()?,
        false => inspected.print()?,
    }
    Ok(code)
}

/// What the built-in server declares for an operation, and what is to be said of that.
async fn declared(
    operation: Operation,
    settings: &AuthSettings,
    scopes: &[ScopesConfig],
) -> Result<(Operation, Vec<String>), Failure> {
    let builtin = Guard::new(Builtin::default(), settings.clone());
    let names = Names::of(&builtin).await?;
    for doubt in scopes.iter().flat_map(|own| names.doubts(own)) {
        note(&format!("warning: {}", visible(&doubt)));
    }
    let operation = operation.declaring(|target| builtin.declared_scopes(target));
    let notes = operation::notes(&operation, &names, scopes);
    Ok((operation, notes))
}

/// The token as it was typed. One that stands alone behind `--`, as one that begins with a dash must, is
/// not the program of serve, unless the token comes from the environment.
fn typed(args: &mut InspectArgs) -> Option<String> {
    let behind = &mut args.serve.server_command;
    let typed = args.token_to_inspect.take();
    typed.or_else(|| match variable() {
        None if behind.len() == 1 => behind.pop(),
        _ => None,
    })
}

fn variable() -> Option<String> {
    let text = std::env::var("PROPUSK_TOKEN").ok();
    text.filter(|text| !text.is_empty())
}

/// An argument, `-` for standard input, or the variable that the client commands use too.
fn token(argument: Option<String>) -> Result<BearerToken, Failure> {
    let (text, from) = match argument {
        Some(dash) if dash == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .take(MOST_INPUT)
                .read_to_string(&mut text)
                .map_err(|error| Failure::usage(format!("standard input: {error}")))?;
            (text, "standard input")
        }
        Some(text) => (text, "TOKEN"),
        None => match variable() {
            Some(text) => (text, "PROPUSK_TOKEN"),
            None => {
                return Err(Failure::usage("there is no token to inspect").hint(
                    "give it as an argument, as - and on standard input, or in PROPUSK_TOKEN",
                ));
            }
        },
    };
    BearerToken::parse(&text).map_err(|error| Failure::usage(format!("{from}: {error}")))
}

/// A token that is not accepted is told by the exit code also where the request goes on without it.
fn exit_code(inspection: &Inspection) -> ExitCode {
    let refused = inspection.decision.as_ref().err();
    let Some(refusal) = refused.or(inspection.fault.as_ref()) else {
        return ExitCode::SUCCESS;
    };
    let code = match refusal.reason() {
        Reason::Unavailable { .. } => Code::Unavailable,
        Reason::InsufficientScope | Reason::Forbidden => Code::NotPermitted,
        _ => Code::NotAuthenticated,
    };
    ExitCode::from(code as u8)
}
