//! An identity server that takes every token for good, on a thread of its own.

use std::{net::Ipv4Addr, sync::mpsc, thread};

use anyhow::Context;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    routing::post,
};
use tokio::net::TcpListener;

/// Starts it for as long as the process lives, and returns the URL of its introspection endpoint.
pub(crate) fn start(answer: String) -> anyhow::Result<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // The other end sees a closed channel where this fails.
        let _ = serve(answer, &sender);
    });
    let address: std::net::SocketAddr = receiver.recv().context("the stub does not start")?;
    Ok(format!("http://{address}/introspect"))
}

fn serve(answer: String, started: &mpsc::Sender<std::net::SocketAddr>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        started.send(listener.local_addr()?)?;
        let json: (HeaderName, HeaderValue) = (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let introspect = move |_: String| {
            let answer = ([json.clone()], answer.clone());
            async move { answer }
        };
        let router = Router::new().route("/introspect", post(introspect));
        axum::serve(listener, router).await?;
        Ok(())
    })
}
