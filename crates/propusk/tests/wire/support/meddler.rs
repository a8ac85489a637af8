//! Somebody between client and server who answers some requests himself.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// One request as it came. (The client opens a connection for every request.)
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    head: String,
    body: Vec<u8>,
}

/// What becomes of a request.
pub(crate) enum Fate {
    /// The server answers it.
    Pass,
    /// This is the answer: a status line with headers, and a body.
    Answer(Vec<u8>),
    /// This is the begin of an answer, of which nothing more comes.
    Begin(Vec<u8>),
    /// The connection ends without one.
    Break,
    /// Nothing happens, for as long as the client waits.
    Silence,
}

/// Everything that came, in the order of its arrival.
pub(crate) struct Meddler {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Meddler {
    /// `decide` gets a request and how many came before it.
    pub(crate) async fn new(
        server: SocketAddr,
        decide: impl Fn(usize, &Seen) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (decide, all) = (Arc::new(decide), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (decide, all) = (Arc::clone(&decide), Arc::clone(&all));
                tokio::spawn(async move { serve(client, server, &*decide, &all).await });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests called this tool so far (2026-07-28).
    pub(crate) fn calls(&self, tool: &str) -> usize {
        self.seen().iter().filter(|seen| seen.calls(tool)).count()
    }
}

impl Seen {
    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    /// Its message; null where it has none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether it calls this tool (2026-07-28).
    pub(crate) fn calls(&self, tool: &str) -> bool {
        self.header("mcp-name") == Some(tool)
    }

    pub(crate) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }
}

/// What an MCP server of 2026-07-28 with nothing but obliging tools answers, with these headers.
pub(crate) fn obliging(seen: &Seen, headers: &[(&str, &str)]) -> Fate {
    let asked = seen.json();
    let result = match asked["method"].as_str() {
        Some("server/discover") => json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private",
        }),
        Some("tools/call") => json!({
            "resultType": "complete", "content": [{"type": "text", "text": "obliged"}],
        }),
        _ => return status("202 Accepted", headers),
    };
    let body = json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}).to_string();
    answer("200 OK", headers, "application/json", &body)
}

/// An answer with a body.
pub(crate) fn answer(line: &str, headers: &[(&str, &str)], media_type: &str, body: &str) -> Fate {
    let mut answer = format!(
        "HTTP/1.1 {line}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in headers {
        answer.push_str(&format!("{name}: {value}\r\n"));
    }
    Fate::Answer(format!("{answer}\r\n{body}").into_bytes())
}

/// An answer with these headers and no body.
pub(crate) fn status(line: &str, headers: &[(&str, &str)]) -> Fate {
    let mut answer = format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n");
    for (name, value) in headers {
        answer.push_str(&format!("{name}: {value}\r\n"));
    }
    Fate::Answer((answer + "\r\n").into_bytes())
}

async fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    decide: &(impl Fn(usize, &Seen) -> Fate + ?Sized),
    all: &Mutex<Vec<Seen>>,
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
    let mut seen = Seen {
        head: String::from_utf8_lossy(&begin[..end]).into_owned(),
        body: begin[end + 4..].to_vec(),
    };
    let length = seen
        .header("content-length")
        .and_then(|text| text.parse().ok());
    let already = seen.body.len();
    // Nothing may be left unread, or the end of the connection overtakes the answer.
    seen.body.resize(length.unwrap_or(already), 0);
    if client.read_exact(&mut seen.body[already..]).await.is_err() {
        return;
    }
    begin.extend_from_slice(&seen.body[already..]);
    let fate = {
        let mut all = all.lock().unwrap();
        let fate = decide(all.len(), &seen);
        all.push(seen);
        fate
    };
    match fate {
        Fate::Pass => {
            let Ok(mut server) = TcpStream::connect(server).await else {
                return;
            };
            if server.write_all(&begin).await.is_ok() {
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        }
        Fate::Answer(answer) => {
            let _ = client.write_all(&answer).await;
        }
        Fate::Begin(begin) => {
            let _ = client.write_all(&begin).await;
            let _ = client.read(&mut [0]).await;
        }
        Fate::Break => {}
        Fate::Silence => {
            let _ = client.read(&mut [0]).await;
        }
    }
}
