//! `stdio-gate-fixture PROGRAM [ARGUMENT]…`: a gate in front of a program, in a process of its own.
//!
//! Everybody is admitted. The only line on standard output is the URL, printed when the program
//! answers.

use std::{env, error::Error, net::Ipv4Addr};

use propusk::{Admission, AuthSettings, FixedTokens, Server, server::shutdown_signal};
use propusk_gate::stdio::{StdioCommand, StdioSettings, StdioUpstream, run_watchdog_if_asked};
use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn Error>> {
    if run_watchdog_if_asked() {
        return Ok(());
    }
    tokio::runtime::Runtime::new()?.block_on(serve())
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let program = arguments.next().ok_or("a program is missing")?;
    let command = StdioCommand::new(program).args(arguments);
    let upstream = StdioUpstream::new(command, StdioSettings::new("fixture"));
    upstream.start().await?;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let settings = AuthSettings::new(&url)?.admission(Admission::Optional);
    let server = Server::new(upstream.clone()).auth(settings, FixedTokens::new());
    println!("{url}");
    server.serve_on(listener, shutdown_signal()?).await?;
    upstream.shutdown().await;
    Ok(())
}
