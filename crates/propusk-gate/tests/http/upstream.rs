//! Upstreams: one that answers as it is told and remembers what it got, and bare sockets for what no
//! HTTP library would do.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::AbortHandle,
};

pub(crate) type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Everything that the upstream got, as one text.
    pub(crate) fn text(&self) -> String {
        format!("{self:?}")
    }
}

/// An HTTP server; dropped, it ends.
pub(crate) struct Upstream {
    pub(crate) url: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    task: AbortHandle,
}

impl Upstream {
    /// Answers each request with what this says.
    pub(crate) async fn new(answer: impl Fn(&Arrived) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/upstream", listener.local_addr().expect("bound"));
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&arrived), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                    async move {
                        let (parts, body) = request.into_parts();
                        let arrived = Arrived {
                            method: parts.method,
                            target: parts.uri.to_string(),
                            headers: parts.headers,
                            body: body.collect().await?.to_bytes(),
                        };
                        seen.lock().unwrap().push(arrived.clone());
                        Ok::<_, hyper::Error>(answer(&arrived))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            url,
            arrived,
            task: task.abort_handle(),
        }
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn whole(status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let response = Response::builder()
        .status(status)
        .header("content-type", content_type);
    response
        .body(Full::new(body.into()).boxed_unsync())
        .unwrap()
}

pub(crate) fn json(body: &str) -> Answer {
    whole(200, "application/json", body.to_owned())
}

/// A stream of events; what is sent into the channel comes out, and it notices when nobody reads.
pub(crate) fn events() -> (mpsc::Sender<Bytes>, Answer) {
    let (sender, receiver) = mpsc::channel(1);
    let answer = Response::builder().header("content-type", "text/event-stream");
    let answer = answer.body(Chunks(receiver).boxed_unsync()).unwrap();
    (sender, answer)
}

struct Chunks(mpsc::Receiver<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A socket that does what this says with each connection.
pub(crate) async fn socket<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/upstream", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    url
}
