//! What is locked under one name is locked under every other that reaches it.

use propusk::{
    Admission, AuthLayer, AuthSettings, ScopePolicy,
    server::{Guard, scopes},
};
use rmcp::{ErrorData, RoleServer, ServerHandler, model::*, service::RequestContext};
use serde_json::{Value, json};

use crate::support::{Front, Reply, Scoped, Speech, Wire, mcp, modern, token_of, with};

const FRONTS: [Front; 3] = [Front::Server, Front::Stateless, Front::Guarded];

/// A handler that maps URIs to files opens the same one for all of these.
const PRIVATE: [&str; 12] = [
    "file:///private/a",
    "file:/private/a",
    "file://localhost/private/a",
    "FILE://LocalHost/private/a",
    "file:///public/../private/a",
    "file:///public/%2e%2E/private/a",
    "file:///%70rivate/a",
    "file:////private//./a",
    "file:///private\\a",
    "file:///pri\tvate/a",
    " file:///private/a",
    "file:///private/a?b#c",
];

#[tokio::test]
async fn no_other_spelling_of_a_file_opens_it() {
    let policy = |settings: AuthSettings| {
        let policy = ScopePolicy::new().resource("file:///private/*", "files");
        settings.policy(policy.expect("scopes"))
    };
    for front in FRONTS {
        let site = Scoped::start(front, policy).await;
        for speech in front.speeches() {
            for uri in PRIVATE {
                for method in ["resources/read", "resources/subscribe"] {
                    let case = format!("{front:?} {speech:?} {method} {uri:?}");
                    let reply = site
                        .ask(*speech, Some("ok"), method, json!({ "uri": uri }))
                        .await;
                    // A header cannot carry every URI; rmcp then says 400 before the handler.
                    assert!([400, 403].contains(&reply.status), "{case}: {reply:?}");
                    assert_eq!(site.library.reached(), [""; 0], "{case}");
                }
            }
            let open = json!({ "uri": "file:///public/a" });
            let reply = site.ask(*speech, Some("ok"), "resources/read", open).await;
            assert_eq!(reply.status, 200, "{front:?} {speech:?}: {reply:?}");
            assert_eq!(site.library.reached(), ["file:///public/a"]);
        }
    }
}

const SKILL: &str = "skill://secret/SKILL.md";

fn skill() -> Skill {
    let about = SkillFrontmatter::new("secret", "not for everybody");
    let mut skill = Skill::new(SKILL, about, SkillResources::Dynamic);
    skill.meta = Some(scopes(["key"]));
    skill
}

/// One resource declared with an escape, one without, and a skill; all need `key`.
#[derive(Clone)]
struct Shelf;

impl ServerHandler for Shelf {
    fn get_info(&self) -> ServerConfig {
        let has = ServerCapabilities::builder();
        ServerConfig::new(has.enable_resources().enable_skills().build())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let locked = |uri: &str| Resource::new(uri, uri).with_meta(scopes(["key"]));
        let all = vec![locked("shelf://a/b%20c"), locked("shelf://a/d e")];
        Ok(ListResourcesResult::with_all_items(all))
    }

    async fn list_skills(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListSkillsResult, ErrorData> {
        Ok(ListSkillsResult::with_all_items(vec![skill()]))
    }

    async fn get_skill(
        &self,
        _: GetSkillRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetSkillResult, ErrorData> {
        Ok(GetSkillResult::new(skill()))
    }

    async fn read_resource(
        &self,
        _: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Ok(ReadResourceResult::new(Vec::new()).into())
    }
}

async fn shelf() -> impl AsyncFn(&str, Value, &str) -> Reply {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
    let guard = Guard::new(Shelf, settings.clone());
    let verifier = |token: propusk::BearerToken| {
        let token = token_of(token.expose_secret());
        std::future::ready(Ok::<_, propusk::Unavailable>(token))
    };
    let auth = AuthLayer::new(settings, verifier).declared_by(guard.clone());
    let app = axum::Router::new().nest_service("/mcp", mcp(move || guard.clone()));
    tokio::spawn(axum::serve(listener, app.layer(auth)).into_future());
    async move |method: &str, params: Value, token: &str| {
        let mut wire = Wire::connect(address).await;
        wire.send(&with(modern(method, params), Some(token)).bytes())
            .await;
        wire.reply().await
    }
}

#[tokio::test]
async fn a_declaration_with_an_escape_locks_both_spellings() {
    let ask = shelf().await;
    for uri in [
        "shelf://a/b%20c",
        "shelf://a/b c",
        "shelf://a/d e",
        "shelf://a/d%20e",
        "SHELF://a/d%20e",
    ] {
        let reply = ask("resources/read", json!({ "uri": uri }), "ok").await;
        assert_eq!(reply.status, 403, "{uri}: {reply:?}");
        let reply = ask("resources/read", json!({ "uri": uri }), "ok~key").await;
        assert_eq!(reply.status, 200, "{uri}: {reply:?}");
    }
    let other = ask("resources/read", json!({ "uri": "shelf://a/other" }), "ok").await;
    assert_eq!(other.status, 200, "{other:?}");
}

/// Nobody has listed anything when it is first asked for.
#[tokio::test]
async fn a_skill_that_nobody_listed_is_locked() {
    for method in ["skills/get", "resources/read"] {
        let ask = shelf().await;
        let uri = json!({ "uri": SKILL });
        let reply = ask(method, uri.clone(), "ok").await;
        assert_eq!(reply.status, 403, "{method}: {reply:?}");
        let challenge = reply.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("scope=\"key\""), "{challenge}");
        let reply = ask(method, uri, "ok~key").await;
        assert_eq!(reply.status, 200, "{method}: {reply:?}");
    }
}

/// Of which nothing can be used is not offered.
#[tokio::test]
async fn skills_are_a_capability_of_those_who_may_use_one() {
    let ask = shelf().await;
    for (token, offered) in [("ok", false), ("ok~key", true)] {
        let reply = ask("server/discover", json!({}), token).await;
        let has = &reply.json()["result"]["capabilities"];
        assert_eq!(has["resources"].is_object(), offered, "{token}: {reply:?}");
        let skills = &has["extensions"][SKILLS_EXTENSION_ID];
        assert_eq!(skills.is_object(), offered, "{token}: {reply:?}");
    }
}

/// Signing in is what would help, so that is what a client is asked to do.
#[tokio::test]
async fn a_tools_own_refusal_of_an_anonymous_caller_is_401() {
    for admission in [Admission::Optional, Admission::Permissive] {
        for front in FRONTS {
            let site = Scoped::start(front, |settings| settings.admission(admission)).await;
            for speech in front.speeches() {
                let case = format!("{admission:?} {front:?} {speech:?}");
                let reply = site.call(*speech, None, "finds").await;
                if *speech == Speech::Session {
                    let error = &reply.json()["error"]["data"];
                    assert_eq!(error["error"], "unauthenticated", "{case}: {reply:?}");
                    assert_eq!(error["scope"], "x:y z", "{case}: {reply:?}");
                    continue;
                }
                assert_eq!(reply.status, 401, "{case}: {reply:?}");
                let challenge = reply.header("www-authenticate").expect("a challenge");
                assert!(challenge.contains("scope=\"x:y z\""), "{case}: {challenge}");
                assert!(!challenge.contains("error="), "{case}: {challenge}");
                let reply = site.call(*speech, Some("ok~x.y"), "finds").await;
                assert_eq!(reply.status, 403, "{case}: {reply:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_list_that_shows_all_is_private_too() {
    let shown = |settings: AuthSettings| settings.show_all(true);
    for front in FRONTS {
        let site = Scoped::start(front, shown).await;
        for method in [
            "tools/list",
            "prompts/list",
            "resources/list",
            "resources/templates/list",
        ] {
            let list = site
                .list(Speech::Modern, Some("ok"), method, json!({}))
                .await;
            assert_eq!(list["cacheScope"], "private", "{front:?} {method}: {list}");
        }
    }
}
