//! `propusk init`: asks a running server what it has, and writes a configuration for it.

mod offer;
mod text;

use std::{fs::OpenOptions, io, io::Write, path::Path, process::ExitCode, time::Duration};

use propusk::{AccessToken, AuthSettings, FixedTokens, Server, server::Site};
use propusk_gate::stdio::{StdioCommand, StdioSettings, StdioUpstream};
use tokio::net::TcpListener;

use super::{connect::connect, serve::installed};
use crate::{
    args::{ClientArgs, InitArgs},
    config::{CallConfig, Config},
    failure::Failure,
    output::{answer, note},
};

use offer::Offer;

/// A server that takes longer is not asked any further.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) async fn run(args: InitArgs, config: CallConfig) -> Result<ExitCode, Failure> {
    let to_stdout = args.output.to_str() == Some("-");
    if !to_stdout && args.output.exists() {
        return Err(is_there(&args));
    }
    let asking = async {
        match &args.upstream {
            Some(url) => ask(url, args.client, config).await,
            None => ask_program(&args.server_command).await,
        }
    };
    let offer = tokio::time::timeout(PATIENCE, asking).await;
    let offer =
        offer.map_err(|_| Failure::unavailable("the server takes too long to answer"))??;
    let prefix = args.scope_prefix.as_deref().unwrap_or(&offer.server);
    let text = text::of(
        &offer,
        &text::prefix(prefix),
        args.upstream.as_deref(),
        &args.server_command,
    );
    // Whatever the server has said, what is written can be read.
    Config::parse(&text, &args.output)?;
    if to_stdout {
        answer(text.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.output);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => is_there_at(&args.output),
        _ => Failure::usage(format!("--output: {}: {error}", args.output.display())),
    })?;
    note(&format!(
        "wrote {}: read it, then start with propusk serve",
        args.output.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn is_there(args: &InitArgs) -> Failure {
    is_there_at(&args.output)
}

fn is_there_at(file: &std::path::Path) -> Failure {
    Failure::usage(format!("--output: {} is there already", file.display()))
        .hint("name another file, or - for standard output")
}

async fn ask(url: &str, args: ClientArgs, config: CallConfig) -> Result<Offer, Failure> {
    let connected = connect(url, args, config).await?;
    let offer = Offer::of(&connected.session).await;
    let offer = offer.map_err(|error| connected.explain(error));
    connected.session.close().await;
    offer
}

/// Starts the program behind a gate of our own, which nobody else can reach, and asks that.
async fn ask_program(command: &[String]) -> Result<Offer, Failure> {
    let [program, arguments @ ..] = command else {
        return Err(Failure::usage("there is no program to start"));
    };
    installed(program, Path::new(""))?;
    let settings = StdioSettings::new("init").patience(PATIENCE / 3);
    let upstream = StdioUpstream::new(StdioCommand::new(program).args(arguments), settings);
    let started = upstream.start().await;
    started.map_err(|error| {
        Failure::unavailable(format!(
            "{program}: {}",
            crate::output::visible(&error.message)
        ))
        .hint("what it has said stands above; is it installed, and in PATH?")
    })?;
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.map_err(Failure::unavailable)?;
    let bound = listener.local_addr().map_err(Failure::unavailable)?;
    let url = format!("http://{bound}/mcp");
    let token = token()?;
    let tokens = FixedTokens::new().with(&token, AccessToken::new("init"));
    let auth = AuthSettings::new(&url).map_err(Failure::unavailable)?;
    let site = Site::new();
    let endpoint = Server::new(upstream.clone())
        .auth(auth, tokens)
        .endpoint(site.streams());
    let (_, mount) = endpoint.map_err(Failure::unavailable)?;
    let site = site.mount(mount);
    let client = ClientArgs {
        token: Some(token),
        token_file: None,
        account: None,
        era: None,
    };
    let offer = tokio::select! {
        offer = ask(&url, client, CallConfig::default()) => offer,
        () = site.serve_on(listener, std::future::pending()) => Err(Failure::unavailable("it ended")),
    };
    upstream.shutdown().await;
    offer
}

/// Nobody else of this machine may ask the program meanwhile.
fn token() -> Result<String, Failure> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(Failure::unavailable)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
