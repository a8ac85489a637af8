//! An identity server on loopback that does as it is told, and keeps what it was sent.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use propusk::{ClientAuthentication, IntrospectionVerifier};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

use super::support::{TestClock, soon};

/// The URL of the server that is protected.
pub(crate) const RESOURCE: &str = "https://mcp.example/mcp";

/// How a request is answered.
#[derive(Clone)]
pub(crate) enum Reply {
    Json(Value),
    Text(&'static str),
    Signed(String),
    Status(u16),
    Error(u16, Value),
    Redirect(String),
    /// Ten megabytes of JSON.
    Huge,
    /// Not before [`IdentityServer::open`].
    Hang,
}

/// A request for introspection.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) form: Vec<(String, String)>,
}

impl Seen {
    /// The only value of this field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.form.iter().filter(|(own, _)| own == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "a second {name}");
        value
    }
}

#[derive(Clone)]
pub(crate) struct IdentityServer {
    pub(crate) address: SocketAddr,
    script: Arc<Script>,
}

struct Script {
    replies: Mutex<HashMap<String, Reply>>,
    otherwise: Mutex<Reply>,
    metadata: Mutex<Reply>,
    keys: Mutex<Value>,
    moved_keys: Mutex<Value>,
    seen: Mutex<Vec<Seen>>,
    metadata_asked: AtomicUsize,
    waiting: watch::Sender<usize>,
    is_open: watch::Sender<bool>,
}

/// What a well-behaved server says of a good token.
pub(crate) fn active() -> Value {
    json!({"active": true, "sub": "alice", "client_id": "an-app", "aud": RESOURCE,
        "scope": "notes:read notes:write", "token_type": "Bearer"})
}

impl IdentityServer {
    /// A server that takes every token for a good one.
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0").await
    }

    pub(crate) async fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let issuer = format!("http://{address}");
        let metadata = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys"), "introspection_endpoint": format!("{issuer}/introspect")});
        let script = Arc::new(Script {
            replies: Mutex::default(),
            otherwise: Mutex::new(Reply::Json(active())),
            metadata: Mutex::new(Reply::Json(metadata)),
            keys: Mutex::new(json!({"keys": []})),
            moved_keys: Mutex::new(json!({"keys": []})),
            seen: Mutex::default(),
            metadata_asked: AtomicUsize::new(0),
            waiting: watch::Sender::new(0),
            is_open: watch::Sender::new(false),
        });
        let routes = Router::new()
            .route("/introspect", post(introspect))
            .route("/elsewhere", post(introspect))
            .route("/.well-known/oauth-authorization-server", get(metadata_of))
            .route("/keys", get(keys_of))
            .route("/moved-keys", get(moved_keys_of))
            .with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, script }
    }

    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}/introspect", self.address)
    }

    /// A verifier that asks here and remembers nothing, with a clock.
    pub(crate) fn verifier(&self) -> (IntrospectionVerifier, TestClock) {
        let clock = TestClock::default();
        let client = ClientAuthentication::basic("me", "client-secret");
        let verifier = IntrospectionVerifier::new(&self.endpoint(), RESOURCE, client)
            .expect("a good configuration")
            .cache(std::time::Duration::ZERO, std::time::Duration::ZERO)
            .with_clock(clock.clone());
        (verifier, clock)
    }

    pub(crate) fn reply(&self, reply: Reply) {
        *self.script.otherwise.lock().unwrap() = reply;
    }

    pub(crate) fn reply_to(&self, token: &str, reply: Reply) {
        let mut replies = self.script.replies.lock().unwrap();
        replies.insert(token.to_owned(), reply);
    }

    pub(crate) fn reply_with_metadata(&self, reply: Reply) {
        *self.script.metadata.lock().unwrap() = reply;
    }

    pub(crate) fn publish_keys(&self, keys: Value) {
        *self.script.keys.lock().unwrap() = keys;
    }

    /// Publishes keys at another place, and the metadata that name it. The old place goes on.
    pub(crate) fn move_keys(&self, keys: Value) {
        *self.script.moved_keys.lock().unwrap() = keys;
        let issuer = self.issuer();
        let place = format!("{issuer}/moved-keys");
        self.reply_with_metadata(Reply::Json(json!({"issuer": issuer, "jwks_uri": place})));
    }

    /// Lets those go on that hang.
    pub(crate) fn open(&self) {
        self.script.is_open.send_replace(true);
    }

    /// How often it was asked about a token.
    pub(crate) fn asked(&self) -> usize {
        self.script.seen.lock().unwrap().len()
    }

    pub(crate) fn metadata_asked(&self) -> usize {
        self.script.metadata_asked.load(Ordering::SeqCst)
    }

    pub(crate) fn last(&self) -> Seen {
        let seen = self.script.seen.lock().unwrap();
        seen.last().cloned().expect("it was asked")
    }

    pub(crate) fn waiting(&self) -> usize {
        *self.script.waiting.borrow()
    }

    /// Waits until so many requests hang.
    pub(crate) async fn until_waiting(&self, count: usize) {
        let mut waiting = self.script.waiting.subscribe();
        soon(waiting.wait_for(|waiting| *waiting >= count))
            .await
            .unwrap();
    }
}

async fn introspect(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let header = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        (name.to_string(), value.to_str().expect("text").to_owned())
    };
    let seen = Seen {
        target: parts.uri.to_string(),
        headers: parts.headers.iter().map(header).collect(),
        form: url::form_urlencoded::parse(&body).into_owned().collect(),
    };
    let token = seen.field("token").unwrap_or_default().to_owned();
    script.seen.lock().unwrap().push(seen);
    let special = script.replies.lock().unwrap().get(&token).cloned();
    let reply = special.unwrap_or_else(|| script.otherwise.lock().unwrap().clone());
    respond(&script, reply).await
}

async fn metadata_of(State(script): State<Arc<Script>>) -> Response {
    script.metadata_asked.fetch_add(1, Ordering::SeqCst);
    let reply = script.metadata.lock().unwrap().clone();
    respond(&script, reply).await
}

async fn keys_of(State(script): State<Arc<Script>>) -> Response {
    let keys = script.keys.lock().unwrap().clone();
    respond(&script, Reply::Json(keys)).await
}

async fn moved_keys_of(State(script): State<Arc<Script>>) -> Response {
    let keys = script.moved_keys.lock().unwrap().clone();
    respond(&script, Reply::Json(keys)).await
}

async fn respond(script: &Script, reply: Reply) -> Response {
    let with_type =
        |kind: &'static str, body: Body| ([(header::CONTENT_TYPE, kind)], body).into_response();
    match reply {
        Reply::Json(value) => with_type("application/json", value.to_string().into()),
        Reply::Text(text) => with_type("application/json", text.into()),
        Reply::Signed(jwt) => with_type("application/token-introspection+jwt", jwt.into()),
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Error(status, value) => {
            let status = StatusCode::from_u16(status).unwrap();
            let kind = [(header::CONTENT_TYPE, "application/json")];
            (status, kind, value.to_string()).into_response()
        }
        Reply::Redirect(to) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()
        }
        Reply::Huge => {
            let padding = "x".repeat(10 << 20);
            let text = format!(r#"{{"active":true,"padding":"{padding}"}}"#);
            with_type("application/json", Bytes::from(text).into())
        }
        Reply::Hang => {
            script.waiting.send_modify(|waiting| *waiting += 1);
            let mut is_open = script.is_open.subscribe();
            is_open.wait_for(|open| *open).await.unwrap();
            script.waiting.send_modify(|waiting| *waiting -= 1);
            with_type("application/json", active().to_string().into())
        }
    }
}
