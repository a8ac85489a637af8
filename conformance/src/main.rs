//! `conformance-server [PORT]`: serves [`Everything`] through propusk's own server and layer.
//!
//! The suite cannot send a token, so everybody is admitted (`Admission::Optional`). The port is
//! the first argument, or else `PORT`, or else any free one. The only line on standard output is
//! the URL, printed when the server is ready.
//!
//! `conformance-server --stdio`: the same on standard input and output, without any authorization,
//! for whatever starts it as a child.

use std::{env, net::Ipv4Addr};

use anyhow::Context;
use propusk::{Admission, AuthSettings, FixedTokens, Server, server::shutdown_signal};
use propusk_conformance::Everything;
use rmcp::{ServiceExt, transport::stdio};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if env::args().nth(1).as_deref() == Some("--stdio") {
        Everything::new()?.serve(stdio()).await?.waiting().await?;
        return Ok(());
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port()?)).await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let settings = AuthSettings::new(&url)?.admission(Admission::Optional);
    let server = Server::new(Everything::new()?).auth(settings, FixedTokens::new());
    println!("{url}");
    Ok(server.serve_on(listener, shutdown_signal()?).await?)
}

fn port() -> anyhow::Result<u16> {
    match env::args().nth(1).or_else(|| env::var("PORT").ok()) {
        Some(port) => port
            .parse()
            .with_context(|| format!("{port:?} is not a port")),
        None => Ok(0),
    }
}
