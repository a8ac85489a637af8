//! HTTP/1.1 as bytes over a socket.

use std::{future::Future, net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// Fails a test that waits for something that does not come. It is never waited out on success.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("it comes soon")
}

/// A request, exactly as it is sent; nothing is added but the length of a body.
#[derive(Clone)]
pub(crate) struct Request {
    line: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    /// A request with this method and target, and with a `Host` that the server knows.
    pub(crate) fn new(line: &str) -> Self {
        let version = if line.contains(" HTTP/") {
            ""
        } else {
            " HTTP/1.1"
        };
        let request = Self {
            line: format!("{line}{version}"),
            headers: Vec::new(),
            body: Vec::new(),
        };
        request.header("Host", "127.0.0.1")
    }

    /// Adds a header, even where there is one of this name.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Adds several headers.
    pub(crate) fn headers(self, headers: &[(&str, &str)]) -> Self {
        headers
            .iter()
            .fold(self, |request, (name, value)| request.header(name, value))
    }

    /// Takes all headers of this name away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    /// Replaces all headers of this name by one.
    pub(crate) fn set(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).header(name, value)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// Another method and target for the same headers and body.
    pub(crate) fn line(mut self, line: &str) -> Self {
        self.line = Self::new(line).line;
        self
    }

    pub(crate) fn body(self, body: impl AsRef<[u8]>) -> Self {
        let mut request = self.set("Content-Length", body.as_ref().len().to_string());
        request.body = body.as_ref().to_vec();
        request
    }

    /// The request on the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.line.clone().into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("\r\n{name}: ").as_bytes());
            bytes.extend_from_slice(value);
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The only header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert_eq!(values.next(), None, "a second {name}");
        value
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON of the body, or the last message of an event stream.
    pub(crate) fn json(&self) -> Value {
        let text = self.text();
        let json = match self.header("content-type") {
            Some("text/event-stream") => {
                let mut events = text.lines().filter_map(|line| line.strip_prefix("data:"));
                events.next_back().expect("an event").to_owned()
            }
            _ => text,
        };
        serde_json::from_str(&json).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Everything that a client can compare, which is all but the time.
    pub(crate) fn without_date(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "date");
        self
    }
}

/// One connection.
pub(crate) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address)
            .await
            .expect("the server listens");
        Self(BufReader::new(stream))
    }

    /// Sends; an error shows when the answer is read.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// Sends; whether the other side took it.
    pub(crate) async fn takes(&mut self, bytes: &[u8]) -> bool {
        soon(self.0.write_all(bytes)).await.is_ok()
    }

    /// Reads status and headers, and leaves the body where it is.
    pub(crate) async fn head(&mut self) -> Reply {
        soon(async {
            let line = self.line().await;
            let status = line.get(9..12).and_then(|status| status.parse().ok());
            let mut headers = Vec::new();
            while let Some((name, value)) = self.line().await.split_once(": ") {
                headers.push((name.to_ascii_lowercase(), value.to_owned()));
            }
            Reply {
                status: status.unwrap_or_else(|| panic!("no status line: {line:?}")),
                headers,
                body: Vec::new(),
            }
        })
        .await
    }

    /// Reads a whole response.
    pub(crate) async fn reply(&mut self) -> Reply {
        let head = self.head().await;
        self.body(head).await
    }

    /// Reads the body behind a head.
    pub(crate) async fn body(&mut self, head: Reply) -> Reply {
        let mut reply = head;
        if reply.header("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk().await {
                reply.body.extend(chunk);
            }
        } else if let Some(length) = reply.header("content-length") {
            reply.body = vec![0; length.parse().expect("a length")];
            soon(self.0.read_exact(&mut reply.body))
                .await
                .expect("the whole body");
        } else if reply.status == 200 {
            // HTTP/1.0: the body ends with the connection.
            reply.body = self.rest().await;
        }
        reply
    }

    /// Reads one chunk of a chunked body; `None` is its proper end.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        soon(async {
            let size = usize::from_str_radix(&self.line().await, 16).expect("the size of a chunk");
            let mut chunk = vec![0; size + 2];
            self.0.read_exact(&mut chunk).await.expect("a whole chunk");
            chunk.truncate(size);
            (size > 0).then_some(chunk)
        })
        .await
    }

    /// Reads until the other side has closed.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = soon(self.0.read_to_end(&mut rest)).await;
        rest
    }

    /// The first bytes that come, or none where the other side has closed.
    pub(crate) async fn rest_or_reply(&mut self) -> Vec<u8> {
        let come = soon(self.0.fill_buf()).await;
        come.map_or(Vec::new(), <[u8]>::to_vec)
    }

    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        let _ = self.0.read_until(b'\n', &mut line).await;
        String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_owned()
    }
}
