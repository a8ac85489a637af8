//! `propusk call` and `propusk tools` with servers that others wrote, in both eras.

use propusk_testing::foreign_server::{
    ForeignServer,
    Framework::{self, FastMcp, PythonSdk, TypeScriptSdk, TypeScriptSessions},
};
use serde_json::json;

use crate::support::Sandbox;

#[test]
fn a_token_in_the_environment_is_enough() {
    let place = Sandbox::new();
    for framework in Framework::ALL {
        let server = ForeignServer::start(framework).unwrap();
        let url = server.url();
        let reader = [("PROPUSK_TOKEN", ForeignServer::READER)];
        for era in ["auto", "modern", "legacy"] {
            let case = format!("{framework:?} {era}");
            let tools = place.run_with(&reader, &["tools", url, "--era", era]);
            let tools = tools.code(0);
            assert!(
                tools.out.contains("echo") && tools.err.is_empty(),
                "{case}: {tools:?}"
            );
            let call =
                |token, rest: &[&str]| place.call(token, url, &[rest, &["--era", era]].concat());
            for (rest, answer) in [
                (&["whoami"][..], ForeignServer::SUBJECT),
                (&["echo", "message=Привет!"], "Привет!"),
            ] {
                let done = call(ForeignServer::READER, rest).code(0);
                match framework {
                    // Content blocks, and nothing besides.
                    TypeScriptSdk | TypeScriptSessions => assert_eq!(done.line(), answer, "{case}"),
                    // In Python a text is structured content too.
                    PythonSdk | FastMcp => {
                        assert_eq!(done.json(), json!({ "result": answer }), "{case}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_refusal_has_its_exit_code_and_a_way_out() {
    let place = Sandbox::new();
    for framework in Framework::ALL {
        let server = ForeignServer::start(framework).unwrap();
        let needs_more = (ForeignServer::READER, "notes_add", 4, "notes:write");
        let rows = [
            ("", "whoami", 3, "token"),
            ("wrong-hunter2", "whoami", 3, "token"),
            (ForeignServer::BARE, "whoami", 4, "notes:read"),
        ];
        let rows = rows
            .into_iter()
            .chain(matches!(framework, TypeScriptSdk | TypeScriptSessions).then_some(needs_more));
        for (token, tool, code, word) in rows {
            for era in ["modern", "legacy"] {
                let rest = [tool, "text=x", "--era", era];
                let done = place.call(token, server.url(), &rest).code(code);
                let case = format!("{framework:?} {era} {token}: {done:?}");
                assert!(done.out.is_empty() && done.err.contains(word), "{case}");
                assert!(!done.err.contains("hunter2"), "{case}");
            }
        }
    }
}
