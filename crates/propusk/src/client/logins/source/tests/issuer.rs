//! A token endpoint that gives the answers of a list.

use std::{
    collections::VecDeque,
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Response, StatusCode},
    routing::post,
};
use futures_core::Stream;
use tokio::net::TcpListener;

type Meanwhile = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

#[derive(Clone)]
pub(super) struct Answer {
    status: u16,
    pub(super) body: String,
    nonce: Option<String>,
    location: Option<String>,
    hangs_up: bool,
    meanwhile: Option<Meanwhile>,
}

/// What was asked.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) form: String,
    pub(super) authorization: Option<String>,
    pub(super) has_proof: bool,
}

pub(super) struct Issuer {
    pub(super) url: String,
    shared: Arc<Shared>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<Asked>>,
}

impl Answer {
    pub(super) fn new(status: u16, body: &str) -> Self {
        Self {
            status,
            body: body.to_owned(),
            nonce: None,
            location: None,
            hangs_up: false,
            meanwhile: None,
        }
    }

    /// The connection breaks in the middle of the answer.
    pub(super) fn hang_up() -> Self {
        let mut answer = Self::new(200, "{\"access_token\":\"hunter2");
        answer.hangs_up = true;
        answer
    }

    pub(super) fn nonce(mut self, nonce: &str) -> Self {
        self.nonce = Some(nonce.to_owned());
        self
    }

    pub(super) fn location(mut self, url: &str) -> Self {
        self.location = Some(url.to_owned());
        self
    }

    /// Something happens before the answer goes out.
    pub(super) fn after<F: Future<Output = ()> + Send + 'static>(
        mut self,
        meanwhile: impl FnOnce() -> F + Send + 'static,
    ) -> Self {
        let once = Mutex::new(Some(meanwhile));
        self.meanwhile = Some(Arc::new(move || {
            let meanwhile = once.lock().expect("not poisoned").take();
            Box::pin(meanwhile.expect("once")())
        }));
        self
    }
}

impl Issuer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let shared = Arc::new(Shared::default());
        let app = Router::new().route("/token", post(answer));
        let app = app.with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self {
            url,
            shared,
            serving,
        }
    }

    /// The next answers, in this order.
    pub(super) fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared
            .answers
            .lock()
            .expect("not poisoned")
            .extend(answers);
    }

    pub(super) fn requests(&self) -> Vec<Asked> {
        self.shared.requests.lock().expect("not poisoned").clone()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    form: String,
) -> Response<Body> {
    let authorization = headers.get("authorization");
    let authorization = authorization.map(|value| value.to_str().expect("ASCII").to_owned());
    shared.requests.lock().expect("not poisoned").push(Asked {
        form,
        authorization,
        has_proof: headers.contains_key("dpop"),
    });
    let next = shared.answers.lock().expect("not poisoned").pop_front();
    let Some(answer) = next else {
        let mut unexpected = Response::new(Body::from("nobody expected this request"));
        *unexpected.status_mut() = StatusCode::IM_A_TEAPOT;
        return unexpected;
    };
    if let Some(meanwhile) = &answer.meanwhile {
        meanwhile().await;
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in [
        ("dpop-nonce", &answer.nonce),
        ("location", &answer.location),
    ] {
        if let Some(value) = value {
            response = response.header(name, value);
        }
    }
    let body = match answer.hangs_up {
        true => Body::from_stream(Breaking(Some(answer.body))),
        false => answer.body.into(),
    };
    response.body(body).expect("a response")
}

/// A body that breaks off after its first part.
struct Breaking(Option<String>);

impl Stream for Breaking {
    type Item = io::Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = self.0.take();
        Poll::Ready(Some(part.ok_or_else(|| io::Error::other("it broke"))))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.40}", self.status, self.body)
    }
}
