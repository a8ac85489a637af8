//! The redirect back to this machine (RFC 8252 §7.3): a listener on a free port of 127.0.0.1 that
//! answers one question and forgets the rest.
//!
//! Other pages of the browser, other users of this machine and the browser's own look for an icon
//! can reach it too. They get an answer that says nothing, and the listener keeps waiting: only a
//! request with the `state` of this sign-in ends it. What it says is judged elsewhere.

use std::{collections::VecDeque, fmt, io, time::Duration};

use subtle::ConstantTimeEq;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::timeout,
};
use url::Url;

use crate::client::{TokenError, TokenErrorKind};

const PATH: &str = "/callback";

/// How long one connection may take, and how large its request may be. Browsers open connections
/// for later use; those are closed again.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
const HEAD_TIMEOUT: Duration = Duration::from_secs(2);
const MOST_REQUEST: usize = 16 * 1024;

/// How many connections are looked after at once. The oldest one goes where another one comes: the
/// browser may come last.
const MOST_CONNECTIONS: usize = 32;

/// A bound port, before there is something to wait for.
pub(super) struct Loopback {
    listener: TcpListener,
    uri: String,
}

impl Loopback {
    /// Listens on a port of 127.0.0.1: the one of an earlier redirect URI where it is free, since
    /// some authorization servers compare ports although RFC 8252 §7.3 says they must not.
    pub(super) async fn bind(earlier: Option<&str>) -> Result<Self, TokenError> {
        let port = earlier
            .and_then(|uri| Url::parse(uri).ok())
            .and_then(|url| url.port())
            .unwrap_or(0);
        let listener = match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind(("127.0.0.1", 0)).await,
        };
        let bound = listener.and_then(|listener| {
            let uri = format!("http://{}{PATH}", listener.local_addr()?);
            Ok(Self { listener, uri })
        });
        bound.map_err(cannot_listen)
    }

    /// The redirect URI that leads here.
    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    /// Waits for the answer with this `state`.
    pub(super) fn expecting(self, state: &str) -> Redirect {
        Redirect {
            loopback: self,
            state: state.to_owned(),
        }
    }
}

/// The place that the browser is sent to at the end of a sign-in.
pub struct Redirect {
    loopback: Loopback,
    state: String,
}

impl Redirect {
    /// The redirect URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.loopback.uri()
    }

    /// Waits until the browser comes, and gives the whole URL. Whoever asked for it limits the time.
    ///
    /// # Errors
    /// [`TokenErrorKind::Unavailable`] where this machine accepts no connections any more.
    pub async fn wait(self) -> Result<String, TokenError> {
        let (found, mut came) = mpsc::channel(1);
        // What is dropped with it ends.
        let mut connections = JoinSet::new();
        let mut oldest_first = VecDeque::new();
        loop {
            while connections.try_join_next().is_some() {}
            oldest_first.retain(|one: &AbortHandle| !one.is_finished());
            tokio::select! {
                Some(target) = came.recv() => {
                    let origin = self.loopback.uri.trim_end_matches(PATH);
                    return Ok(format!("{origin}{target}"));
                }
                accepted = self.loopback.listener.accept() => {
                    let (stream, _) = accepted.map_err(cannot_listen)?;
                    if oldest_first.len() >= MOST_CONNECTIONS
                        && let Some(oldest) = oldest_first.pop_front()
                    {
                        oldest.abort();
                    }
                    let (found, state) = (found.clone(), self.state.clone());
                    oldest_first.push_back(connections.spawn(async move {
                        let answered = timeout(CONNECTION_TIMEOUT, answer(stream, &state)).await;
                        if let Ok(Ok(Some(target))) = answered {
                            let _ = found.send(target).await;
                        }
                    }));
                }
            }
        }
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redirect").field(&self.uri()).finish()
    }
}

fn cannot_listen(error: io::Error) -> TokenError {
    TokenError::new(
        TokenErrorKind::Unavailable,
        "this machine does not let a program listen on 127.0.0.1, where the browser is sent back to",
    )
    .with_cause(error)
}

/// Answers one request; gives its target if it is the awaited one.
async fn answer(mut stream: TcpStream, state: &str) -> io::Result<Option<String>> {
    let head = timeout(HEAD_TIMEOUT, head(&mut stream)).await??;
    let line = head.lines().next().unwrap_or_default();
    let mut words = line.split(' ');
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    let awaited = is_awaited(target, state);
    let (status, text) = match method {
        _ if path(target) != PATH => ("404 Not Found", "There is nothing here."),
        Some("GET") if awaited => (
            "200 OK",
            "The answer has arrived. You can close this window and go back to the program.",
        ),
        Some("GET") => (
            "400 Bad Request",
            "This does not belong to the sign-in that is under way.",
        ),
        _ => ("405 Method Not Allowed", "Only GET is answered here."),
    };
    stream.write_all(page(status, text).as_bytes()).await?;
    stream.shutdown().await?;
    Ok((status == "200 OK").then(|| target.to_owned()))
}

/// The head of a request, as far as it is text.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut part = [0; 2048];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut part).await?;
        if count == 0 || head.len() + count > MOST_REQUEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.extend_from_slice(part.get(..count).unwrap_or_default());
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn path(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// Whether one of its values of `state` is the right one; that there is only one is checked later,
/// where it can be told.
fn is_awaited(target: &str, state: &str) -> bool {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "state" && value.as_bytes().ct_eq(state.as_bytes()).into())
}

/// A page without anything of the request in it, that no cache keeps and nothing runs in.
fn page(status: &str, text: &str) -> String {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Signing in</title>\
         <p>{text}</p></html>\n"
    );
    format!(
        "HTTP/1.1 {status}\r\n\
         Content-Type: text/html; charset=utf-8\r\n\
         Content-Length: {}\r\n\
         Cache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\
         Referrer-Policy: no-referrer\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(address: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    }

    /// RFC 8252 §7.3: a port that the system chose, on the loopback address.
    #[tokio::test]
    async fn rfc8252_7_3_only_the_awaited_request_ends_the_wait() {
        let loopback = Loopback::bind(None).await.expect("bound");
        let redirect = loopback.expecting("right");
        let uri = redirect.uri().to_owned();
        let address = uri
            .strip_prefix("http://")
            .and_then(|rest| rest.strip_suffix("/callback"))
            .expect("a URI of this machine")
            .to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{uri}");
        let waiting = tokio::spawn(redirect.wait());
        // Opened for later use, and never used.
        let idle = TcpStream::connect(&address).await.expect("connected");
        let noise = [
            ("GET /favicon.ico HTTP/1.1", "404"),
            ("GET / HTTP/1.1", "404"),
            ("GET /callback/x?state=right HTTP/1.1", "404"),
            ("GET http://127.0.0.1/callback?state=right HTTP/1.1", "404"),
            ("GET /callback HTTP/1.1", "400"),
            ("GET /callback?state=wrong&code=<script> HTTP/1.1", "400"),
            ("POST /callback?state=right&code=c HTTP/1.1", "405"),
            ("HEAD /callback?state=right&code=c HTTP/1.1", "405"),
            ("nonsense", "404"),
        ];
        for (line, status) in noise {
            let answer = ask(&address, &format!("{line}\r\nHost: x\r\n\r\n")).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{line}: {answer}"
            );
            assert!(!answer.contains("script"), "{line}: {answer}");
            assert!(!waiting.is_finished(), "{line}");
        }
        let line = "GET /callback?code=%3Cscript%3E&state=right HTTP/1.1";
        let answer = ask(&address, &format!("{line}\r\nHost: x\r\n\r\n")).await;
        let answer = answer.to_lowercase();
        for part in [
            "http/1.1 200 ",
            "cache-control: no-store",
            "content-security-policy: default-src 'none'",
        ] {
            assert!(answer.contains(part), "{answer}");
        }
        assert!(!answer.contains("script"), "{answer}");
        let url = waiting.await.expect("no panic").expect("found");
        assert_eq!(url, format!("{uri}?code=%3Cscript%3E&state=right"));
        drop(idle);
    }

    /// Whoever holds the port's connections does not keep the browser away.
    #[tokio::test]
    async fn the_browser_is_answered_after_many_who_say_nothing() {
        let loopback = Loopback::bind(None).await.expect("bound");
        let redirect = loopback.expecting("right");
        let address = redirect.uri()["http://".len()..].replace("/callback", "");
        let waiting = tokio::spawn(redirect.wait());
        let mut silent = Vec::new();
        for _ in 0..3 * MOST_CONNECTIONS {
            silent.push(TcpStream::connect(&address).await.expect("connected"));
        }
        let line = "GET /callback?code=c&state=right HTTP/1.1";
        let answer = ask(&address, &format!("{line}\r\nHost: x\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        waiting.await.expect("no panic").expect("found");
        drop(silent);
    }

    #[tokio::test]
    async fn a_port_is_taken_again_where_it_is_free() {
        let first = Loopback::bind(None).await.expect("bound");
        let uri = first.uri().to_owned();
        let other = Loopback::bind(Some(&uri)).await.expect("bound");
        assert_ne!(other.uri(), uri, "it is in use");
        drop(first);
        let again = Loopback::bind(Some(&uri)).await.expect("bound");
        assert_eq!(again.uri(), uri);
    }

    #[tokio::test]
    async fn an_endless_request_is_cut() {
        let loopback = Loopback::bind(None).await.expect("bound");
        let redirect = loopback.expecting("right");
        let address = redirect.uri()["http://".len()..].replace("/callback", "");
        let waiting = tokio::spawn(redirect.wait());
        let mut stream = TcpStream::connect(&address).await.expect("connected");
        let part = [b'a'; 4096];
        // Until the other side has closed.
        while stream.write_all(&part).await.is_ok() {}
        assert!(!waiting.is_finished());
        waiting.abort();
    }
}
