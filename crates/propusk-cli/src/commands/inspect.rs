//! `propusk inspect`.

mod print;

use std::{io::Read, process::ExitCode, time::SystemTime};

use propusk::{BearerToken, Inspection, Operation, Reason, layer::DeclaredScopes, server::Guard};

use super::{
    serve::{LISTEN, ScopesConfig},
    verification::Verification,
};
use crate::{
    args::InspectArgs,
    builtin::Builtin,
    config::ServeConfig,
    failure::{Code, Failure},
};

/// Twice the longest token, with blanks around it: more than that is something else.
const MOST_INPUT: u64 = 2 * BearerToken::MAX_LENGTH as u64;

pub(crate) async fn run(
    args: InspectArgs,
    mut config: ServeConfig,
    scopes: ScopesConfig,
    configured_tokens: Option<String>,
) -> Result<ExitCode, Failure> {
    let operation = operation(args.operation.as_deref())?;
    let token = token(args.token_to_inspect)?;
    let verification = Verification::resolve(args.verification, &mut config, configured_tokens)?;
    let listen = config.listen.as_deref().unwrap_or(LISTEN);
    let settings = verification.settings(format!("http://{listen}/mcp"))?;
    let settings = scopes.apply(settings)?;
    let builtin = Guard::new(Builtin::default(), settings.clone());
    let operation = operation.declaring(|target| builtin.declared_scopes(target));
    let verifiers = verification.open(&settings, true).await?;
    let now = SystemTime::now();
    let inspection = propusk::inspect(
        &settings,
        &verifiers.verifier,
        &operation,
        token.expose_secret(),
        now,
    )
    .await;
    print::inspection(&inspection, &settings, &operation, now, args.json)?;
    Ok(exit_code(&inspection))
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
        None => match std::env::var("PROPUSK_TOKEN") {
            Ok(text) if !text.is_empty() => (text, "PROPUSK_TOKEN"),
            _ => {
                return Err(Failure::usage("there is no token to inspect").hint(
                    "give it as an argument, as - and on standard input, or in PROPUSK_TOKEN",
                ));
            }
        },
    };
    BearerToken::parse(&text).map_err(|error| Failure::usage(format!("{from}: {error}")))
}

fn operation(text: Option<&str>) -> Result<Operation, Failure> {
    match text {
        None => Ok(Operation::Request),
        Some(text) => text
            .parse()
            .map_err(|error| Failure::usage(format!("--operation: {error}"))),
    }
}

fn exit_code(inspection: &Inspection) -> ExitCode {
    let code = match &inspection.decision {
        Ok(_) => return ExitCode::SUCCESS,
        Err(refusal) => match refusal.reason() {
            Reason::Unavailable { .. } => Code::Unavailable,
            Reason::InsufficientScope | Reason::Forbidden => Code::NotPermitted,
            _ => Code::NotAuthenticated,
        },
    };
    ExitCode::from(code as u8)
}
