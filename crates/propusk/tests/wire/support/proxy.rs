//! A socket between client and server, for what a client really sends.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::soon;

/// Passes everything on and tells the head of each request. (The client opens a connection for
/// every request.)
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    heads: mpsc::UnboundedReceiver<String>,
}

/// What a server of 2025-11-25 may answer to a method that it has never heard of.
const NEVER_HEARD_OF: &str =
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 11\r\nConnection: close\r\n\r\nBad Request";

impl Proxy {
    pub(crate) async fn new(server: SocketAddr) -> Self {
        Self::start(server, false).await
    }

    /// Does as if the server did not know 2026-07-28.
    pub(crate) async fn older(server: SocketAddr) -> Self {
        Self::start(server, true).await
    }

    async fn start(server: SocketAddr, older: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (tell, heads) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, older, tell.clone()));
            }
        });
        Self { address, heads }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// The head of the next request.
    pub(crate) async fn head(&mut self) -> String {
        soon(self.heads.recv()).await.expect("the proxy runs")
    }
}

async fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    older: bool,
    tell: mpsc::UnboundedSender<String>,
) {
    let mut begin = Vec::new();
    let end = loop {
        if client.read_buf(&mut begin).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(end) = begin.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end;
        }
    };
    let head = String::from_utf8_lossy(&begin[..end]).into_owned();
    let newer = head
        .to_ascii_lowercase()
        .contains("mcp-protocol-version: 2026-07-28");
    let _ = tell.send(head);
    if older && newer {
        let _ = client.write_all(NEVER_HEARD_OF.as_bytes()).await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    if server.write_all(&begin).await.is_ok() {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}

/// A server that answers everything with these bytes.
pub(crate) async fn canned(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 16 * 1024];
                let _ = client.read(&mut request).await;
                let _ = client.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}
