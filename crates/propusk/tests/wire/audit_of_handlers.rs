//! A refusal that is found at the handler is told like one that is found in front: once, with its
//! reason and what was missing, whether or not it could still become a 403.

use std::sync::Arc;

use propusk::{
    AccessToken, Admission, AuthSettings, FixedTokens,
    server::{Guard, mount},
};
use rmcp::{
    ClientHandler, ErrorData, RoleServer, ServerHandler, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, ProgressNotificationParam, ServerCapabilities,
        ServerConfig,
    },
    service::RequestContext,
};
use serde_json::json;
use tokio::{net::TcpListener, sync::Notify};

use crate::support::{Front, Library, Scoped, Watch, Wire, modern, soon, watch::Seen};

/// Who calls which tool, and what is told: reason, missing scopes.
type Row = (
    Option<&'static str>,
    &'static str,
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const TABLE: [Row; 4] = [
    // Computed from the arguments; `notes:read` is declared in addition.
    (Some("ok~notes.read~z"), "computed", "insufficient_scope", "x:y"),
    (Some("ok"), "owned", "forbidden", ""),
    (None, "whoami", "no_token", ""),
    (Some("ok"), "add", "insufficient_scope", "notes:write"),
];

fn settings(settings: AuthSettings) -> AuthSettings {
    settings.admission(Admission::Optional)
}

fn refusals(watch: &Watch) -> Vec<Seen> {
    let seen = watch.take();
    seen.into_iter().filter(|seen| !seen.allowed).collect()
}

#[tokio::test]
async fn a_refusal_at_the_handler_is_one_event_in_every_era() {
    for front in [Front::Server, Front::Stateless, Front::Guarded] {
        let (site, watch) = Scoped::watched(front, settings).await;
        for speech in front.speeches() {
            for (by, tool, reason, missing) in TABLE {
                let case = format!("{front:?} {speech:?} {tool}");
                let reply = site.call(*speech, by, tool).await;
                assert!(
                    reply.status > 400 || reply.json()["error"].is_object(),
                    "{case}"
                );
                let all = watch.take();
                let refused: Vec<_> = all.iter().filter(|seen| !seen.allowed).collect();
                let [seen] = refused[..] else {
                    panic!("{case}: {all:#?}");
                };
                let told = seen.missing.as_ref().map(ToString::to_string);
                assert_eq!(
                    (seen.reason, told.unwrap_or_default()),
                    (reason, missing.to_owned()),
                    "{case}"
                );
                assert_eq!(seen.operation, format!("tools/call:{tool}"), "{case}");
                assert_eq!(seen.subject(), by.unwrap_or_default(), "{case}");
                // What it went through in front is told of the same request, and comes before.
                let same = all
                    .iter()
                    .filter(|other| other.request_id == seen.request_id);
                let same: Vec<_> = same.map(|seen| seen.allowed).collect();
                let expected = if tool == "add" {
                    &[false][..]
                } else {
                    &[true, false]
                };
                assert_eq!(same, expected, "{case}: {all:#?}");
                let verified = all
                    .iter()
                    .filter(|other| other.request_id == seen.request_id);
                let verified = verified.filter(|seen| seen.verified.is_some()).count();
                assert_eq!(verified, usize::from(by.is_some()), "{case}: {all:#?}");
            }
        }
    }
}

/// Without a layer nobody else could tell.
#[tokio::test]
async fn a_guard_without_a_layer_tells_of_its_decisions() {
    let (site, watch) = Scoped::watched(Front::Unlayered, settings).await;
    for speech in Front::Unlayered.speeches() {
        site.call(*speech, Some("ok~root"), "add").await;
        let refused = refusals(&watch);
        let [seen] = &refused[..] else {
            panic!("{speech:?}: {refused:#?}");
        };
        assert_eq!(
            (seen.reason, seen.subject()),
            ("no_token", ""),
            "{speech:?}"
        );
        assert_eq!(seen.operation, "tools/call:add");
        assert_eq!(seen.http_method.as_deref(), Some("POST"));
        assert_eq!(
            seen.missing.as_ref().map(ToString::to_string).as_deref(),
            Some("notes:write")
        );
        site.call(*speech, None, "free").await;
        let seen = watch.take();
        let called = seen
            .iter()
            .filter(|seen| seen.operation == "tools/call:free");
        let called: Vec<_> = called.map(|seen| (seen.allowed, seen.reason)).collect();
        assert_eq!(called, [(true, "anonymous")], "{speech:?}: {seen:#?}");
        // Refused by the body, after the guard let it in.
        site.call(*speech, None, "owned").await;
        let seen = watch.take();
        let called: Vec<_> = seen
            .iter()
            .filter(|seen| seen.operation == "tools/call:owned")
            .collect();
        assert_eq!(
            called.iter().map(|seen| seen.reason).collect::<Vec<_>>(),
            ["anonymous", "forbidden"]
        );
        assert_eq!(called[0].request_id, called[1].request_id);
    }
}

struct Nobody;

impl ClientHandler for Nobody {}

#[tokio::test]
async fn over_a_pipe_it_tells_too() {
    let watch = Watch::default();
    let settings = AuthSettings::new("http://127.0.0.1:1/mcp").expect("a URL");
    let guard = Guard::new(Library::new(), settings).audit(watch.clone());
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let server = tokio::spawn(async move { guard.serve(ours).await });
    let client = Nobody.serve(theirs).await.expect("connected");
    let server = server.await.expect("no panic").expect("connected");
    watch.take();
    let refused = client.call_tool(CallToolRequestParams::new("add")).await;
    assert!(refused.is_err());
    let seen = watch.only();
    assert_eq!((seen.reason, seen.http_method), ("no_token", None));
    assert_eq!(seen.operation, "tools/call:add");
    drop((client, server));
}

/// Reports progress, and finds out later that the caller may not.
#[derive(Clone, Default)]
struct Late(Arc<Notify>);

impl ServerHandler for Late {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let progress = context.meta.get_progress_token().expect("asked for");
        let half = ProgressNotificationParam::new(progress, 0.5);
        context.peer.notify_progress(half).await.expect("sent");
        self.0.notified().await;
        Err(propusk::Refusal::forbidden().into())
    }
}

#[tokio::test]
async fn a_refusal_after_the_answer_has_begun_is_told_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
    let tokens = FixedTokens::new().with("alice", AccessToken::new("alice"));
    let (handler, watch) = (Late::default(), Watch::default());
    let (auth, mcp) = mount(handler.clone(), settings, tokens, Default::default()).expect("random");
    let app = axum::Router::new().nest_service("/mcp", mcp);
    let app = app.layer(auth.audit(watch.clone()));
    tokio::spawn(axum::serve(listener, app).into_future());
    let call = json!({ "name": "late", "arguments": {} });
    let request = modern("tools/call", call).bearer("alice");
    let text = String::from_utf8(request.bytes()).expect("text");
    let (_, body) = text.split_once("\r\n\r\n").expect("a body");
    let mut body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    body["params"]["_meta"]["progressToken"] = json!(1);
    let mut wire = Wire::connect(address).await;
    wire.send(&request.body(body.to_string()).bytes()).await;
    let head = wire.head().await;
    assert_eq!(head.status, 200, "{head:?}");
    assert!(watch.only().allowed);
    handler.0.notify_one();
    let reply = wire.body(head).await;
    assert_eq!(
        reply.json()["error"]["data"]["error"],
        "forbidden",
        "{reply:?}"
    );
    let seen = watch.only();
    assert_eq!((seen.reason, seen.subject()), ("forbidden", "alice"));
    assert_eq!(seen.operation, "tools/call:late");
}

/// Finds out that the caller may not once its client has hung up.
#[derive(Clone, Default)]
struct Asleep {
    began: Arc<Notify>,
    wakes: Arc<Notify>,
}

impl ServerHandler for Asleep {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.began.notify_one();
        self.wakes.notified().await;
        Err(propusk::Refusal::needs("x:y").into())
    }
}

/// Tells when a request is over.
struct Over(Arc<Notify>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_refusal_whose_client_has_hung_up_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
    let tokens = FixedTokens::new().with("alice", AccessToken::new("alice"));
    let (handler, watch) = (Asleep::default(), Watch::default());
    let (auth, mcp) = mount(handler.clone(), settings, tokens, Default::default()).expect("random");
    let over = Arc::new(Notify::new());
    let watched = Arc::clone(&over);
    let tell = axum::middleware::from_fn(
        move |request: axum::extract::Request, next: axum::middleware::Next| {
            let over = Over(Arc::clone(&watched));
            async move {
                let response = next.run(request).await;
                drop(over);
                response
            }
        },
    );
    let app = axum::Router::new().nest_service("/mcp", mcp);
    let app = app.layer(auth.audit(watch.clone())).layer(tell);
    tokio::spawn(axum::serve(listener, app).into_future());
    let modern = modern("tools/call", json!({ "name": "any", "arguments": {} }));
    let mut wire = Wire::connect(address).await;
    wire.send(&modern.bearer("alice").bytes()).await;
    soon(handler.began.notified()).await;
    assert!(watch.only().allowed);
    drop(wire);
    soon(over.notified()).await;
    handler.wakes.notify_one();
    let seen = soon(async {
        loop {
            if let Some(seen) = watch.take().pop() {
                break seen;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!seen.allowed);
    assert_eq!(
        (seen.reason, seen.subject()),
        ("insufficient_scope", "alice")
    );
    assert_eq!(seen.operation, "tools/call:any");
}
