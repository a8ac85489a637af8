//! An MCP server and its authorization server on one loopback port. It behaves, except where a test
//! told it otherwise, and keeps a log of everything that it was sent.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the authorization server hands out, and what nobody else may see.
pub(crate) const CODE: &str = "code-hunter2";
pub(crate) const TOKEN: &str = "token-hunter2";
pub(crate) const REFRESH: &str = "refresh-hunter2";
pub(crate) const SECRET: &str = "secret-hunter2";

const JSON: &str = "application/json";

/// Between the bytes of a slow answer.
const PAUSE: Duration = Duration::from_millis(5);

/// An answer.
#[derive(Clone)]
pub(crate) enum Answer {
    Json(u16, Value),
    /// Status, one header, JSON.
    JsonWith(u16, (&'static str, String), Value),
    /// Status, content type, body.
    Text(u16, &'static str, String),
    /// To this place. `{redirect_uri}`, `{state}` and `{origin}` are filled in.
    Redirect(u16, String),
    /// A success that has no end: more than a gigabyte, as fast as it is read.
    Endless,
    /// A success that comes byte by byte and has no end.
    Drip,
    /// A stream of events that has no end, and nothing in it.
    Events,
    /// Status, one header, no body.
    Header(u16, &'static str, String),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Method and target.
    pub(crate) line: String,
    /// The whole head.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Asked {
    /// Method and path.
    pub(crate) fn route(&self) -> &str {
        self.line.split('?').next().expect("a line")
    }

    /// The only value of a field of the form.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let mut values =
            url::form_urlencoded::parse(self.body.as_bytes()).filter(|(n, _)| n == name);
        let value = values.next().map(|(_, value)| value.into_owned());
        assert!(values.next().is_none(), "a second {name}");
        value
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

#[derive(Default)]
struct State {
    answers: HashMap<String, Vec<Answer>>,
    log: Vec<Asked>,
}

/// The server.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let world = Self {
            address: listener.local_addr().expect("bound"),
            state: Arc::default(),
        };
        let own = world.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let world = own.clone();
                tokio::spawn(async move { world.serve(stream).await });
            }
        });
        world
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/mcp", self.origin())
    }

    /// From now on this route (`GET /prm`) is answered so.
    pub(crate) fn answer(&self, route: &str, answer: Answer) {
        self.answer_in_turn(route, vec![answer]);
    }

    /// From now on this route is answered so, one after the other; the last answer stays.
    pub(crate) fn answer_in_turn(&self, route: &str, answers: Vec<Answer>) {
        self.state().answers.insert(route.to_owned(), answers);
    }

    /// Changes members of the protected resource metadata; `null` takes one away.
    pub(crate) fn resource_says(&self, members: &Value) {
        let document = changed(self.resource_metadata(), members);
        self.answer("GET /prm", Answer::Json(200, document));
    }

    /// Changes members of the authorization server's metadata; `null` takes one away.
    pub(crate) fn server_says(&self, members: &Value) {
        let document = changed(self.server_metadata(), members);
        let route = "GET /.well-known/oauth-authorization-server";
        self.answer(route, Answer::Json(200, document));
    }

    /// Changes members of the token answer; `null` takes one away.
    pub(crate) fn token_says(&self, members: &Value) {
        self.answer("POST /token", Answer::Json(200, changed(token(), members)));
    }

    pub(crate) fn log(&self) -> Vec<Asked> {
        self.state().log.clone()
    }

    /// The routes that were asked, in their order.
    pub(crate) fn routes(&self) -> Vec<String> {
        let log = self.log();
        log.iter().map(|asked| asked.route().to_owned()).collect()
    }

    /// The only request to this route.
    pub(crate) fn asked(&self, route: &str) -> Asked {
        let mut found = self
            .log()
            .into_iter()
            .filter(|asked| asked.route() == route);
        let first = found
            .next()
            .unwrap_or_else(|| panic!("{route} was not asked"));
        assert!(found.next().is_none(), "{route} was asked twice");
        first
    }

    /// The challenge of its refusals.
    pub(crate) fn challenge(&self) -> String {
        format!("Bearer resource_metadata=\"{}/prm\"", self.origin())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resource_metadata(&self) -> Value {
        json!({"resource": self.url(), "authorization_servers": [self.origin()]})
    }

    fn server_metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.origin());
        json!({
            "issuer": self.origin(),
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "registration_endpoint": at("/register"),
            "revocation_endpoint": at("/revoke"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    /// How a route is answered where the test did not say.
    fn usual(&self, asked: &Asked) -> Answer {
        match asked.route() {
            "GET /mcp" | "POST /mcp" => Answer::Header(401, "WWW-Authenticate", self.challenge()),
            "GET /prm" => Answer::Json(200, self.resource_metadata()),
            "GET /.well-known/oauth-authorization-server" => {
                Answer::Json(200, self.server_metadata())
            }
            "POST /register" => {
                let request: Value = serde_json::from_str(&asked.body).expect("JSON");
                let redirects = &request["redirect_uris"];
                Answer::Json(
                    201,
                    json!({"client_id": "registered", "redirect_uris": redirects}),
                )
            }
            "GET /authorize" => Answer::Redirect(
                302,
                format!("{{redirect_uri}}?code={CODE}&state={{state}}&iss={{origin}}"),
            ),
            "POST /token" => Answer::Json(200, token()),
            _ => Answer::Text(404, "text/plain", "There is nothing here.".to_owned()),
        }
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some(asked) = read(&mut stream).await else {
            return;
        };
        let answer = {
            let mut state = self.state();
            state.log.push(asked.clone());
            let told = state.answers.get_mut(asked.route());
            told.map(|told| match told.len() {
                1 => told[0].clone(),
                _ => told.remove(0),
            })
        };
        let answer = answer.unwrap_or_else(|| self.usual(&asked));
        // The other side may have had enough.
        let _ = self.write(&mut stream, &asked, answer).await;
        let _ = stream.shutdown().await;
    }

    async fn write(
        &self,
        stream: &mut TcpStream,
        asked: &Asked,
        answer: Answer,
    ) -> std::io::Result<()> {
        let mut more = String::new();
        let (status, name, value, body) = match answer {
            Answer::JsonWith(status, (name, value), body) => {
                more = format!("{name}: {value}\r\n");
                (status, "Content-Type", JSON.to_owned(), body.to_string())
            }
            Answer::Json(status, body) => {
                (status, "Content-Type", JSON.to_owned(), body.to_string())
            }
            Answer::Text(status, kind, body) => (status, "Content-Type", kind.to_owned(), body),
            Answer::Header(status, name, value) => (status, name, value, String::new()),
            Answer::Redirect(status, to) => (
                status,
                "Location",
                self.filled_in(&to, asked),
                String::new(),
            ),
            Answer::Endless => {
                return endless(stream, JSON, &[b' '; 64 * 1024], Duration::ZERO).await;
            }
            Answer::Drip => return endless(stream, JSON, b" ", PAUSE).await,
            Answer::Events => return endless(stream, "text/event-stream", b":\n", PAUSE).await,
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\n{name}: {value}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await
    }

    fn filled_in(&self, template: &str, asked: &Asked) -> String {
        let query = asked.line.split_once('?').map_or("", |(_, query)| query);
        let mut text = template.replace("{origin}", &self.origin());
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            text = text.replace(&format!("{{{name}}}"), &value);
        }
        text
    }
}

/// A token answer.
pub(crate) fn token() -> Value {
    json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": REFRESH, "scope": "notes:read"})
}

pub(crate) fn changed(mut document: Value, members: &Value) -> Value {
    let own = document.as_object_mut().expect("an object");
    for (name, value) in members.as_object().expect("an object") {
        match value {
            Value::Null => own.remove(name),
            value => own.insert(name.clone(), value.clone()),
        };
    }
    document
}

async fn endless(
    stream: &mut TcpStream,
    kind: &str,
    part: &[u8],
    pause: Duration,
) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    loop {
        stream.write_all(part).await?;
        tokio::time::sleep(pause).await;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let asked = Asked {
                line: head.lines().next()?.rsplit_once(' ')?.0.to_owned(),
                head: head.to_owned(),
                body: body.to_owned(),
            };
            let length = asked.header("content-length").and_then(|n| n.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(asked);
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&part[..count]),
            _ => return None,
        }
    }
}
