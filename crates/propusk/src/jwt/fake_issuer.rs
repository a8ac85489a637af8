//! An issuer over a real socket, for tests: it answers what it is told to, and counts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// What is answered for a path.
#[derive(Clone)]
pub(super) enum Answer {
    Json(String),
    Html,
    Status(u16),
    Redirect(String),
    /// A document of so many bytes, with or without its length in the header.
    Huge(usize, bool),
    /// The connection is closed without an answer.
    Nothing,
    /// As the other one, when a permit is there.
    When(Arc<Semaphore>, Box<Answer>),
}

pub(super) struct FakeIssuer {
    pub(super) url: String,
    paths: Arc<Mutex<Paths>>,
}

#[derive(Default)]
struct Paths {
    answers: HashMap<String, Answer>,
    asked: HashMap<String, usize>,
}

impl FakeIssuer {
    /// One whose metadata name `/keys`, where there is nothing yet.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let paths = Arc::new(Mutex::new(Paths::default()));
        tokio::spawn(serve(listener, Arc::clone(&paths)));
        let issuer = Self { url, paths };
        issuer.metadata("/keys");
        issuer
    }

    /// Publishes metadata that name this path or URL of the key set.
    pub(super) fn metadata(&self, keys: &str) {
        let keys = if keys.starts_with('/') {
            format!("{}{keys}", self.url)
        } else {
            keys.to_owned()
        };
        let document = format!(r#"{{"issuer":"{}","jwks_uri":"{keys}"}}"#, self.url);
        self.answer(METADATA, Answer::Json(document));
    }

    pub(super) fn answer(&self, path: &str, answer: Answer) {
        let mut paths = self.paths.lock().expect("not poisoned");
        paths.answers.insert(path.to_owned(), answer);
    }

    /// How often a path was asked for.
    pub(super) fn asked(&self, path: &str) -> usize {
        let paths = self.paths.lock().expect("not poisoned");
        paths.asked.get(path).copied().unwrap_or_default()
    }
}

pub(super) const METADATA: &str = "/.well-known/oauth-authorization-server";

async fn serve(listener: TcpListener, paths: Arc<Mutex<Paths>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(converse(stream, Arc::clone(&paths)));
    }
}

async fn converse(mut stream: TcpStream, paths: Arc<Mutex<Paths>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut answer = {
        let mut paths = paths.lock().expect("not poisoned");
        *paths.asked.entry(path.clone()).or_default() += 1;
        paths
            .answers
            .get(&path)
            .cloned()
            .unwrap_or(Answer::Status(404))
    };
    while let Answer::When(permits, then) = answer {
        permits.acquire().await.expect("not closed").forget();
        answer = *then;
    }
    // A client that hangs up early is part of the tests.
    let _ = stream.write_all(&rendered(&answer)).await;
    let _ = stream.shutdown().await;
}

fn rendered(answer: &Answer) -> Vec<u8> {
    let whole = |status: &str, kind: &str, body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        )
    };
    match answer {
        Answer::Json(body) => whole("200 OK", "application/json", body),
        Answer::Html => whole("200 OK", "text/html", "<html>Please log in</html>"),
        Answer::Status(status) => whole(&format!("{status} X"), "text/plain", "no"),
        Answer::Redirect(to) => format!(
            "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        ),
        Answer::Huge(bytes, true) => whole("200 OK", "application/json", &" ".repeat(*bytes)),
        Answer::Huge(bytes, false) => {
            format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}",
                " ".repeat(*bytes)
            )
        }
        Answer::Nothing | Answer::When(..) => String::new(),
    }
    .into_bytes()
}
