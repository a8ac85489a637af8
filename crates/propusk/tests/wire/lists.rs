//! Lists show what their caller may use, and nothing of the rest.

use propusk::{Admission, AuthSettings, ScopePolicy};
use serde_json::{Value, json};

use crate::support::{Front, Scoped, Speech};

const FRONTS: [Front; 3] = [Front::Server, Front::Stateless, Front::Guarded];

fn settings(settings: AuthSettings) -> AuthSettings {
    let policy = ScopePolicy::new()
        .tool("admin_*", "admin")
        .and_then(|p| p.tool("shut", propusk::Requirement::never()))
        .and_then(|p| p.resource("file:///private/*", "files"));
    settings
        .admission(Admission::Optional)
        .policy(policy.expect("scopes"))
        .scope_implies("notes", "notes:read notes:write")
        .expect("scopes")
}

fn names(list: &Value, member: &str, name: &str) -> Vec<String> {
    let items = list[member].as_array().expect("a list");
    let names = items
        .iter()
        .map(|item| item[name].as_str().expect("a name").to_owned());
    names.collect()
}

/// Who asks, and which tools, prompts and templates that caller is shown.
type Row = (
    Option<&'static str>,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

#[tokio::test]
async fn a_list_shows_what_its_caller_may_use_in_a_stable_order() {
    #[rustfmt::skip]
    let table: [Row; 5] = [
        (None, &["finds", "free", "owned", "plain", "whoami"], &["greet"], &[]),
        (Some("ok"), &["finds", "free", "owned", "plain", "whoami"], &["greet"], &[]),
        (Some("ok~notes"), &["add", "computed", "either", "finds", "free", "owned", "plain", "whoami"], &["greet"], &["note:///{id}"]),
        (Some("ok~keeper~code"), &["either", "finds", "free", "owned", "plain", "whoami"], &["greet", "review"], &[]),
        (Some("ok~notes~admin"), &["add", "admin_purge", "computed", "either", "finds", "free", "owned", "plain", "whoami"], &["greet"], &["note:///{id}"]),
    ];
    for front in FRONTS {
        let site = Scoped::start(front, settings).await;
        for speech in front.speeches() {
            for (by, tools, prompts, templates) in table {
                let case = format!("{front:?} {speech:?} {by:?}");
                let list = site.list(*speech, by, "tools/list", json!({})).await;
                assert_eq!(names(&list, "tools", "name"), tools, "{case}");
                let scope = (*speech == Speech::Modern).then_some("private");
                assert_eq!(list["cacheScope"].as_str(), scope, "{case}: {list}");
                let list = site.list(*speech, by, "prompts/list", json!({})).await;
                assert_eq!(names(&list, "prompts", "name"), prompts, "{case}");
                let list = site
                    .list(*speech, by, "resources/templates/list", json!({}))
                    .await;
                assert_eq!(
                    names(&list, "resourceTemplates", "uriTemplate"),
                    templates,
                    "{case}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_page_may_be_empty_and_the_cursor_goes_on() {
    for front in FRONTS {
        let site = Scoped::start(front, settings).await;
        for speech in front.speeches() {
            for (by, pages) in [
                (None, ["file:///public/a", "", "", "file:///public/b"]),
                (
                    Some("ok~files"),
                    [
                        "file:///public/a",
                        "",
                        "file:///private/a",
                        "file:///public/b",
                    ],
                ),
                (
                    Some("ok~secret"),
                    ["file:///public/a", "mem:///secret", "", "file:///public/b"],
                ),
            ] {
                let case = format!("{front:?} {speech:?} {by:?}");
                let mut cursor = None;
                for (index, expected) in pages.into_iter().enumerate() {
                    let params = cursor.map_or(json!({}), |at: Value| json!({ "cursor": at }));
                    let list = site.list(*speech, by, "resources/list", params).await;
                    let shown = names(&list, "resources", "uri").join(" ");
                    assert_eq!(shown, expected, "{case} page {index}");
                    // The handler says that everybody may share it; the guard knows better.
                    let scope = (*speech == Speech::Modern).then_some("private");
                    assert_eq!(
                        list["cacheScope"].as_str(),
                        scope.or(Some("public")),
                        "{case}"
                    );
                    cursor = list.get("nextCursor").cloned();
                    assert_eq!(cursor.is_none(), index == 3, "{case} page {index}");
                }
            }
        }
    }
}

/// Neither the scopes nor the existence of a tool are told to who cannot see it; who can is told
/// what it needs, also where a rule says so.
#[tokio::test]
async fn scopes_are_shown_to_who_sees_the_tool() {
    for front in FRONTS {
        let site = Scoped::start(front, settings).await;
        let poor = site
            .list(Speech::Modern, Some("ok"), "tools/list", json!({}))
            .await;
        let text = poor.to_string();
        for hidden in ["missing-scopes", "notes:write", "keeper", "admin"] {
            assert!(!text.contains(hidden), "{front:?}: {hidden} in {text}");
        }
        let rich = Some("ok~notes~admin");
        let list = site
            .list(Speech::Modern, rich, "tools/list", json!({}))
            .await;
        let scopes = |name: &str| {
            let tools = list["tools"].as_array().expect("a list");
            let tool = tools
                .iter()
                .find(|tool| tool["name"] == name)
                .expect("shown");
            tool["_meta"]["propusk/scopes"].clone()
        };
        assert_eq!(
            scopes("admin_purge"),
            json!(["admin", "notes:write"]),
            "{front:?}"
        );
        // Of alternatives the one that the caller holds.
        assert_eq!(
            scopes("either"),
            json!(["notes:read", "notes:write"]),
            "{front:?}"
        );
        assert_eq!(scopes("plain"), json!(null), "{front:?}");
    }
}

#[tokio::test]
async fn a_switch_shows_everything_with_what_the_caller_lacks() {
    for front in FRONTS {
        let site = Scoped::start(front, |s| settings(s).show_all(true)).await;
        for speech in front.speeches() {
            for (by, missing) in [
                (None, json!(["admin", "notes:write"])),
                (Some("ok~admin"), json!(["notes:write"])),
                (Some("ok~notes~admin"), json!(null)),
            ] {
                let case = format!("{front:?} {speech:?} {by:?}");
                let list = site.list(*speech, by, "tools/list", json!({})).await;
                assert_eq!(names(&list, "tools", "name").len(), 10, "{case}");
                let tools = list["tools"].as_array().expect("a list");
                let purge = tools
                    .iter()
                    .find(|tool| tool["name"] == "admin_purge")
                    .expect("shown");
                let meta = &purge["_meta"];
                assert_eq!(
                    meta["propusk/scopes"],
                    json!(["admin", "notes:write"]),
                    "{case}"
                );
                assert_eq!(meta["propusk/missing-scopes"], missing, "{case}");
                let shut = tools
                    .iter()
                    .find(|tool| tool["name"] == "shut")
                    .expect("shown");
                assert_eq!(shut["_meta"]["propusk/missing-scopes"], json!([]), "{case}");
                // Shown is not permitted.
                let status = site.call(*speech, by, "admin_purge").await.status;
                assert_eq!(status == 200, missing.is_null(), "{case}");
            }
            let list = site.list(*speech, None, "prompts/list", json!({})).await;
            assert_eq!(
                names(&list, "prompts", "name"),
                ["greet", "review"],
                "{front:?}"
            );
        }
    }
}

/// Of which nothing can be used is not offered.
#[tokio::test]
async fn capabilities_follow_from_what_can_be_used() {
    let closed = |s: AuthSettings| {
        let policy = ScopePolicy::new()
            .tool("*", "tools")
            .and_then(|p| p.prompt("*", "prompts"))
            .and_then(|p| p.resource("*", "resources"));
        s.admission(Admission::Optional)
            .policy(policy.expect("scopes"))
    };
    #[rustfmt::skip]
    let table: [(Option<&str>, &[&str]); 5] = [
        (None, &["logging"]),
        (Some("ok~tools"), &["logging", "tools"]),
        (Some("ok~prompts"), &["completions", "logging", "prompts"]),
        (Some("ok~resources~secret"), &["completions", "logging", "resources"]),
        (Some("ok~tools~prompts~resources"), &["completions", "logging", "prompts", "resources", "tools"]),
    ];
    for front in FRONTS {
        let site = Scoped::start(front, closed).await;
        for (by, expected) in table {
            let case = format!("{front:?} {by:?}");
            let discovered = site
                .list(Speech::Modern, by, "server/discover", json!({}))
                .await;
            assert_eq!(discovered["cacheScope"], "private", "{case}");
            assert_eq!(members(&discovered["capabilities"]), expected, "{case}");
            let mut initialize = crate::support::initialize();
            if let Some(token) = by {
                initialize = initialize.bearer(token);
            }
            let initialized = site.send(initialize).await.json();
            assert_eq!(
                members(&initialized["result"]["capabilities"]),
                expected,
                "{case}"
            );
        }
        let open = Scoped::start(front, |s| closed(s).show_all(true)).await;
        let discovered = open
            .list(Speech::Modern, None, "server/discover", json!({}))
            .await;
        assert_eq!(members(&discovered["capabilities"]).len(), 5, "{front:?}");
    }
}

fn members(object: &Value) -> Vec<&str> {
    let mut members: Vec<_> = object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    members.sort_unstable();
    members
}

/// rmcp's router answers with the names of all prompts where it does not find one.
#[tokio::test]
async fn a_prompt_that_is_not_there_does_not_give_the_others_away() {
    for front in FRONTS {
        let site = Scoped::start(front, settings).await;
        for speech in front.speeches() {
            let reply = site
                .ask(
                    *speech,
                    Some("ok"),
                    "prompts/get",
                    json!({ "name": "nothing" }),
                )
                .await;
            assert!(
                reply.json()["error"].is_object(),
                "{front:?} {speech:?}: {reply:?}"
            );
            assert!(
                !reply.text().contains("review"),
                "{front:?} {speech:?}: {reply:?}"
            );
        }
    }
}
