//! An upstream that verifies what it gets by the provider's keys, and remembers whom it saw.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use propusk::{
    AccessToken, AuthLayer, AuthSettings, JwtVerifier, Permit,
    server::{Mount, Site},
};
use propusk_testing::identity_provider::IdentityProvider;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower_service::Service;

/// A request that got in.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) caller: AccessToken,
    headers: HeaderMap,
}

impl Seen {
    pub(super) fn token(&self) -> &str {
        self.caller.expose_token_text().expect("a token")
    }
}

/// An MCP server behind the library's own layer, with tokens of one issuer; dropped, it ends.
pub(super) struct Protected {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _end: DropGuard,
}

impl Protected {
    pub(super) async fn by(provider: &IdentityProvider) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/notes", listener.local_addr().expect("bound"));
        let verifier = JwtVerifier::from_issuer(provider.issuer(), &url).expect("an issuer");
        // No token is used after its end, not by a second.
        let verifier = verifier.leeway(Duration::ZERO).require_at_jwt();
        let auth = AuthSettings::new(&url).expect("a URL");
        let auth = auth.require_scopes("notes:read").expect("a scope");
        let auth = auth.authorization_server(provider.issuer());
        let seen = Arc::default();
        let service = Remembers(Arc::clone(&seen));
        let end = CancellationToken::new();
        let site = Site::new().mount(Mount::new(&AuthLayer::new(auth, verifier), service));
        tokio::spawn(site.serve_on(listener, end.clone().cancelled_owned()));
        Self {
            url,
            seen,
            _end: end.drop_guard(),
        }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn subjects(&self) -> Vec<String> {
        let seen = self.seen();
        let subjects = seen.iter().map(|seen| seen.caller.subject().to_owned());
        subjects.collect()
    }

    /// None of these callers' tokens came, in no header.
    pub(super) fn assert_free_of(&self, tokens: &[&str]) {
        for seen in self.seen() {
            let headers = format!("{:?} {}", seen.headers, seen.token());
            for token in tokens {
                assert!(!headers.contains(token), "{headers}");
            }
        }
    }
}

/// Answers every request that got in with an empty result.
#[derive(Clone)]
struct Remembers(Arc<Mutex<Vec<Seen>>>);

impl<B> Service<Request<B>> for Remembers {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let permit = request.extensions().get::<Permit>();
        let caller = permit.and_then(Permit::caller).expect("a caller");
        self.0.lock().unwrap().push(Seen {
            caller: caller.clone(),
            headers: request.headers().clone(),
        });
        let answer = Response::builder().header("content-type", "application/json");
        let body = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
        ready(Ok(answer.body(body.into()).unwrap()))
    }
}
