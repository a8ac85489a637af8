//! Our client with servers that others wrote, in both eras.
//!
//! What they do differs. Only FastMCP leaves `error` out where no token came (RFC 6750 §3.1), and the
//! Python SDK does not say `scope`. A tool that needs more is refused with 403 and its scopes by the
//! TypeScript SDK; FastMCP hides it and answers a call as if there were none; the Python SDK has no
//! such scopes.

use propusk::{
    Client,
    client::{ClientError, Era, ErrorKind, Sent},
};
use propusk_testing::foreign_server::{
    ForeignServer,
    Framework::{self, FastMcp, PythonSdk, TypeScriptSdk, TypeScriptSessions},
};
use rmcp::model::ProtocolVersion;
use serde_json::json;

use crate::support::soon;

const ERAS: [(Era, ProtocolVersion); 3] = [
    (Era::Auto, ProtocolVersion::V_2026_07_28),
    (Era::Modern, ProtocolVersion::V_2026_07_28),
    (Era::Legacy, ProtocolVersion::V_2025_11_25),
];

#[tokio::test]
async fn a_good_token_lists_and_calls() {
    for framework in Framework::ALL {
        let server = ForeignServer::start(framework).expect("started");
        let tools: &[&str] = match framework {
            // The former's tools have no scopes; the latter hides what the token does not permit.
            PythonSdk | FastMcp => &["echo", "whoami"],
            TypeScriptSdk | TypeScriptSessions => &["echo", "notes_add", "whoami"],
        };
        for (era, version) in ERAS {
            let case = format!("{framework:?} {era:?}");
            let client = Client::new(server.url()).bearer(ForeignServer::READER);
            let session = soon(client.era(era).connect()).await;
            let session = session.unwrap_or_else(|error| panic!("{case}: {error:?}"));
            let info = session.peer_info().expect("known");
            assert_eq!(info.protocol_version, version, "{case}");
            let listed = soon(session.list_tools()).await.expect("listed");
            let mut listed: Vec<_> = listed.iter().map(|tool| &*tool.name).collect();
            listed.sort_unstable();
            assert_eq!(listed, tools, "{case}");
            for (tool, arguments, answer) in [
                ("echo", json!({"message": "Привет!"}), "Привет!"),
                ("whoami", json!({}), ForeignServer::SUBJECT),
            ] {
                let called = soon(session.call_tool(tool, arguments)).await;
                let called = called.unwrap_or_else(|error| panic!("{case}: {error:?}"));
                assert_ne!(called.is_error, Some(true), "{case}: {called:?}");
                let text = serde_json::to_value(&called.content[0]).expect("JSON");
                assert_eq!(text["text"], answer, "{case}");
            }
            session.close().await;
        }
    }
}

/// What each of them says: framework, `error`, `scope`.
type Says = [(Framework, Option<&'static str>, Option<&'static str>); 4];

#[tokio::test]
async fn a_refusal_is_typed_and_its_challenge_parsed() {
    let scope = Some("notes:read");
    let invalid = Some("invalid_token");
    let few = Some("insufficient_scope");
    let rows: [(Option<&str>, ErrorKind, Says); 3] = [
        (
            None,
            ErrorKind::Unauthenticated,
            [
                (PythonSdk, invalid, None),
                (FastMcp, None, scope),
                (TypeScriptSdk, invalid, scope),
                (TypeScriptSessions, invalid, scope),
            ],
        ),
        (
            Some("wrong-hunter2"),
            ErrorKind::Unauthenticated,
            [
                (PythonSdk, invalid, None),
                (FastMcp, invalid, scope),
                (TypeScriptSdk, invalid, scope),
                (TypeScriptSessions, invalid, scope),
            ],
        ),
        (
            Some(ForeignServer::BARE),
            ErrorKind::Forbidden,
            [
                (PythonSdk, few, None),
                (FastMcp, few, scope),
                (TypeScriptSdk, few, scope),
                (TypeScriptSessions, few, scope),
            ],
        ),
    ];
    let servers = Framework::ALL.map(|of| ForeignServer::start(of).expect("started"));
    for (token, kind, says) in &rows {
        for (server, (framework, error, scope)) in servers.iter().zip(says) {
            for (era, _) in ERAS {
                let case = format!("{framework:?} {era:?} {token:?}");
                let refused = refused(server, *token, era).await;
                assert_eq!(refused.kind(), kind, "{case}: {refused:?}");
                let challenge = refused.challenge().expect("a challenge");
                assert_eq!(challenge.error(), *error, "{case}");
                assert_eq!(challenge.parameter("scope"), *scope, "{case}");
                let metadata = challenge.parameter("resource_metadata");
                assert_eq!(metadata, Some(&*server.metadata_url()), "{case}");
                let nothing = refused.sent() == Some(Sent::Nothing);
                assert_eq!(nothing, token.is_none(), "{case}: {refused:?}");
                let shown = format!("{refused} {refused:?}");
                assert!(!shown.contains(token.unwrap_or("hunter2")), "{shown}");
            }
        }
    }
}

async fn refused(server: &ForeignServer, token: Option<&str>, era: Era) -> ClientError {
    let client = Client::new(server.url()).era(era);
    let client = match token {
        Some(token) => client.bearer(token),
        None => client,
    };
    soon(client.connect()).await.expect_err("refused")
}

/// A tool that needs more than the token permits.
#[tokio::test]
async fn a_tool_that_needs_more() {
    for framework in [FastMcp, TypeScriptSdk, TypeScriptSessions] {
        let server = ForeignServer::start(framework).expect("started");
        for (era, _) in ERAS {
            let case = format!("{framework:?} {era:?}");
            let client = Client::new(server.url()).bearer(ForeignServer::READER);
            let session = soon(client.era(era).connect()).await.expect("connected");
            let called = soon(session.call_tool("notes_add", json!({"text": "x"}))).await;
            if framework == FastMcp {
                let answer = called.unwrap_or_else(|error| panic!("{case}: {error:?}"));
                assert_eq!(answer.is_error, Some(true), "{case}: {answer:?}");
                let text = serde_json::to_value(&answer.content[0]).expect("JSON");
                assert_eq!(text["text"], "Unknown tool: 'notes_add'", "{case}");
            } else {
                let refused = called.expect_err("refused");
                assert!(refused.is_forbidden(), "{case}: {refused:?}");
                let challenge = refused.challenge().expect("a challenge");
                assert_eq!(challenge.error(), Some("insufficient_scope"), "{case}");
                assert_eq!(challenge.parameter("scope"), Some("notes:write"), "{case}");
            }
            // The session goes on.
            let echoed = soon(session.call_tool("echo", json!({"message": "x"}))).await;
            assert!(echoed.is_ok(), "{case}: {echoed:?}");
            session.close().await;
        }
    }
}
