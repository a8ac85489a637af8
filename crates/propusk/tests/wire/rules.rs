//! Rules beyond scopes, in front of a server that knows nothing of them.

use std::{sync::Arc, time::Duration};

use propusk::{
    AccessToken, Target,
    layer::TimeLimit,
    rules::{Allowance, Asked, Otherwise, Rule, RuleTable, Rules, Verdict},
};
use serde_json::{Value, json};

use crate::support::{Front, Reply, Scoped, Speech, Wire, modern, soon, with};

/// All that have a layer.
const FRONTS: [Front; 4] = [
    Front::Server,
    Front::Stateless,
    Front::Guarded,
    Front::Layer,
];

fn table() -> RuleTable {
    RuleTable::new()
        .tool("plain", Rule::new().denied_with("Ask the owner."))
        .tool("fr*", Rule::new().hidden())
        .prompt("greet", Rule::new().denied())
        .resource("file:///private/*", Rule::new().denied())
        .resource("mem:///*", Rule::new().hidden())
        .method("logging/setLevel", Rule::new().denied())
}

/// What a reply says: its status, and the error of JSON-RPC in it.
fn error(reply: &Reply) -> (u16, Value) {
    (reply.status, reply.json()["error"].clone())
}

#[tokio::test]
async fn what_is_denied_or_hidden_does_not_reach_the_server_in_either_era() {
    let denied = |message: &str| {
        let error = json!({"code": -32001, "message": message, "data": {"error": "forbidden"}});
        (403, error)
    };
    let unknown = |message: &str| (200, json!({"code": -32602, "message": message}));
    let rule = "A rule of this server does not allow this request.";
    let uri = |uri: &str| json!({ "uri": uri });
    let reference = |uri: &str| json!({"ref": {"type": "ref/resource", "uri": uri}, "argument": {"name": "a", "value": "b"}});
    #[rustfmt::skip]
    let cases = [
        ("tools/call", json!({"name": "plain", "arguments": {}}), denied("Ask the owner."), "rule"),
        ("tools/call", json!({"name": "free"}), unknown("Unknown tool: free"), "hidden"),
        ("tools/call", json!({"name": "frei"}), unknown("Unknown tool: frei"), "hidden"),
        ("prompts/get", json!({"name": "greet"}), denied(rule), "rule"),
        ("resources/read", uri("file:///private/a"), denied(rule), "rule"),
        ("resources/read", uri("file:///public/../private/a"), denied(rule), "rule"),
        ("resources/read", uri("file:///%70rivate/a"), denied(rule), "rule"),
        ("resources/subscribe", uri("file:/private/a"), denied(rule), "rule"),
        ("resources/read", uri("mem:///secret"), unknown("Resource not found: mem:///secret"), "hidden"),
        ("completion/complete", reference("file:///private/{x}"), denied(rule), "rule"),
        ("logging/setLevel", json!({"level": "info"}), denied(rule), "rule"),
    ];
    for front in FRONTS {
        let (site, watch) = Scoped::ruled(front, table()).await;
        for speech in front.speeches() {
            for (method, params, expected, word) in &cases {
                let case = format!("{front:?} {speech:?} {method} {params}");
                let reply = site.ask(*speech, Some("ok"), method, params.clone()).await;
                assert_eq!(&error(&reply), expected, "{case}: {reply:?}");
                // For the very request, or a client waits for ever.
                assert_eq!(reply.json()["id"], 1, "{case}");
                assert_eq!(reply.header("www-authenticate"), None, "{case}");
                assert_eq!(site.library.reached(), [""; 0], "{case}");
                let seen = watch.take().pop().expect("an event");
                assert_eq!((seen.allowed, seen.reason), (false, *word), "{case}");
            }
            let reply = site.call(*speech, Some("ok"), "shut").await;
            assert_eq!(reply.status, 200, "{front:?} {speech:?}: {reply:?}");
            assert_eq!(site.library.reached(), ["shut"]);
        }
    }
}

/// The scopes are asked first: who lacks one is told of that, and of no rule.
#[tokio::test]
async fn scopes_come_before_rules() {
    let rules = RuleTable::new().tool("add", Rule::new().denied());
    let (site, watch) = Scoped::ruled(Front::Server, rules).await;
    for (token, status, reason) in [
        (None, 401, "no_token"),
        (Some("bad"), 401, "invalid_token"),
        (Some("ok"), 403, "insufficient_scope"),
        (Some("ok~notes.write"), 403, "rule"),
    ] {
        let reply = site.call(Speech::Modern, token, "add").await;
        assert_eq!(reply.status, status, "{token:?}: {reply:?}");
        assert_eq!(watch.only().reason, reason, "{token:?}");
    }
}

/// But for what is hidden: which scopes it would need tells that it is there.
#[tokio::test]
async fn what_is_hidden_needs_no_scopes() {
    let rules = || {
        RuleTable::new()
            .tool("add", Rule::new().hidden())
            .otherwise(Otherwise::Deny)
    };
    let (site, _) = Scoped::ruled(Front::Server, rules()).await;
    for speech in [Speech::Modern, Speech::Session] {
        for name in ["add", "none"] {
            let reply = site.call(speech, Some("ok"), name).await;
            let message = reply.json()["error"]["message"].clone();
            assert_eq!(message, format!("Unknown tool: {name}"), "{speech:?}");
        }
    }
    // Who lacks a scope that all requests need is told of that one only.
    let required =
        |settings: propusk::AuthSettings| settings.require_scopes("mcp").expect("a scope");
    let site = Scoped::ruled_with(Front::Server, required, rules()).await;
    for name in ["add", "none"] {
        let reply = site.call(Speech::Modern, Some("ok"), name).await;
        assert_eq!(reply.status, 403, "{reply:?}");
        assert_eq!(reply.json()["error"]["data"]["scope"], "mcp", "{name}");
    }
}

fn names(list: &Value, of: &str, key: &str) -> Vec<String> {
    let items = list[of].as_array().expect("a list").iter();
    items
        .map(|item| item[key].as_str().expect("a name").to_owned())
        .collect()
}

#[tokio::test]
async fn lists_leave_out_what_is_denied_or_hidden() {
    for front in [Front::Server, Front::Stateless, Front::Guarded] {
        let (site, _) = Scoped::ruled(front, table()).await;
        for speech in front.speeches() {
            let list =
                |method: &'static str, params| site.list(*speech, Some("ok"), method, params);
            let tools = names(&list("tools/list", json!({})).await, "tools", "name");
            let has = |name: &str| tools.iter().any(|own| own == name);
            assert!(
                has("shut") && has("finds"),
                "{front:?} {speech:?}: {tools:?}"
            );
            assert!(
                !has("plain") && !has("free"),
                "{front:?} {speech:?}: {tools:?}"
            );
            let prompts = names(&list("prompts/list", json!({})).await, "prompts", "name");
            assert!(prompts.is_empty(), "{prompts:?}");
            let mut cursor = Value::Null;
            let mut uris = Vec::new();
            loop {
                let params = match &cursor {
                    Value::Null => json!({}),
                    cursor => json!({ "cursor": cursor }),
                };
                let page = list("resources/list", params).await;
                uris.extend(names(&page, "resources", "uri"));
                cursor = page["nextCursor"].clone();
                if cursor.is_null() {
                    break;
                }
            }
            assert_eq!(
                uris,
                ["file:///public/a", "file:///public/b"],
                "{front:?} {speech:?}"
            );
        }
    }
}

/// Hidden names and those that do not exist are told alike where the default is closed.
#[tokio::test]
async fn under_a_closed_default_nobody_can_tell_what_exists() {
    let rules = RuleTable::new()
        .tool("plain", Rule::new())
        .tool("free", Rule::new().hidden())
        .otherwise(Otherwise::Deny);
    for front in [Front::Server, Front::Layer] {
        let (site, _) = Scoped::ruled(front, rules_again(&rules)).await;
        for speech in front.speeches() {
            let mut answers = Vec::new();
            // One is hidden, one is not named, and the last one is not there.
            for name in ["free", "shut", "none"] {
                let reply = site.call(*speech, Some("ok"), name).await.without_date();
                let mut reply = Reply {
                    body: reply.text().replace(name, "NAME").into(),
                    ..reply
                };
                reply.headers.retain(|(name, _)| name != "content-length");
                answers.push(reply);
            }
            assert_eq!(answers[0], answers[1], "{front:?} {speech:?}");
            assert_eq!(answers[0], answers[2], "{front:?} {speech:?}");
            assert_eq!(site.library.reached(), [""; 0]);
            let reply = site.call(*speech, Some("ok"), "plain").await;
            assert_eq!(reply.status, 200, "{reply:?}");
            assert_eq!(site.library.reached(), ["plain"]);
        }
    }
}

fn rules_again(_: &RuleTable) -> RuleTable {
    RuleTable::new()
        .tool("plain", Rule::new())
        .tool("free", Rule::new().hidden())
        .otherwise(Otherwise::Deny)
}

#[tokio::test]
async fn a_rate_holds_for_a_principal_across_tokens_sessions_and_eras() {
    let rules = RuleTable::new().tool("pl*", Rule::new().rate("3/h".parse().expect("a rate")));
    let (site, watch) = Scoped::ruled(Front::Server, rules).await;
    for speech in [Speech::Modern, Speech::Session, Speech::Session] {
        let reply = site.call(speech, Some("ok"), "plain").await;
        assert_eq!(reply.status, 200, "{speech:?}: {reply:?}");
    }
    watch.take();
    for speech in [Speech::Modern, Speech::Session] {
        let reply = site.call(speech, Some("ok"), "plain").await;
        assert_eq!(reply.status, 429, "{speech:?}: {reply:?}");
        let wait: u64 = reply
            .header("retry-after")
            .expect("when")
            .parse()
            .expect("seconds");
        assert!((1..=20 * 60).contains(&wait), "{wait}");
        assert_eq!(reply.json()["id"], 1);
        assert_eq!(reply.json()["error"]["data"]["error"], "limited");
        let seen = watch.take().pop().expect("an event");
        assert_eq!(seen.reason, "limited");
        assert!(
            seen.debug.contains("3/h for each principal"),
            "{}",
            seen.debug
        );
    }
    // Another principal has its own share, and another tool none.
    assert_eq!(
        site.call(Speech::Modern, Some("ok~x"), "plain")
            .await
            .status,
        200
    );
    assert_eq!(
        site.call(Speech::Modern, Some("ok"), "shut").await.status,
        200
    );
    assert_eq!(
        site.library.reached(),
        ["plain", "plain", "plain", "plain", "shut"]
    );
}

/// Allows all, says why, and holds something.
struct Holding(Arc<()>);

impl Rules for Holding {
    fn judge(&self, _: &Asked<'_>) -> Verdict {
        let held = Arc::clone(&self.0);
        Verdict::Allow(Allowance::new().because("it is Tuesday").holding(held))
    }
}

async fn is_let_go(held: &Arc<()>) {
    soon(async {
        while Arc::strong_count(held) > 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_held_is_let_go_when_the_answer_has_ended() {
    for front in FRONTS {
        let held = Arc::new(());
        let (site, watch) = Scoped::ruled(front, Holding(Arc::clone(&held))).await;
        assert_eq!(Arc::strong_count(&held), 2, "this one and the rule's");
        for speech in front.speeches() {
            let reply = site.call(*speech, Some("ok"), "plain").await;
            assert_eq!(reply.status, 200, "{reply:?}");
            is_let_go(&held).await;
            let seen = watch.take().pop().expect("an event");
            assert!(
                seen.allowed && seen.debug.contains("it is Tuesday"),
                "{}",
                seen.debug
            );
        }
        // A stream holds it until its client goes.
        let listen = json!({"notifications": {"toolsListChanged": true}});
        let listen = with(modern("subscriptions/listen", listen), Some("ok"));
        let url = site.url();
        let address = url.trim_start_matches("http://").trim_end_matches("/mcp");
        let mut wire = Wire::connect(address.parse().expect("an address")).await;
        wire.send(&listen.bytes()).await;
        assert_eq!(wire.head().await.status, 200, "{front:?}");
        assert_eq!(Arc::strong_count(&held), 3, "{front:?}");
        drop(wire);
        is_let_go(&held).await;
    }
}

/// Two at once are one too many, and the first is no longer counted once its client has hung up.
#[tokio::test]
async fn concurrency_is_counted_until_the_answer_or_the_client_is_gone() {
    let rules = RuleTable::new()
        .method("subscriptions/listen", Rule::new())
        .principal_concurrency(1);
    let held = Arc::new(());
    let both = propusk::rules::RuleSet::new()
        .with(rules)
        .with(Holding(Arc::clone(&held)));
    let (site, _) = Scoped::ruled(Front::Server, both).await;
    for _ in 0..20 {
        for speech in [Speech::Modern, Speech::Session] {
            let reply = site.call(speech, Some("ok"), "plain").await;
            assert_eq!(reply.status, 200, "one after the other: {reply:?}");
            is_let_go(&held).await;
        }
    }
}

/// Limits the time of all, and shows nothing of `x`.
struct Timed;

impl Rules for Timed {
    fn judge(&self, _: &Asked<'_>) -> Verdict {
        Verdict::Allow(Allowance::new().within(Duration::from_secs(7)))
    }

    fn shows(&self, target: &Target, _: Option<&AccessToken>) -> bool {
        target.name() != "x"
    }
}

#[tokio::test]
async fn whoever_answers_finds_the_time_limit_and_the_rules() {
    use axum::{Router, extract::Request, routing::post};
    let settings = propusk::AuthSettings::new("http://127.0.0.1/mcp").expect("a URL");
    let tokens = propusk::FixedTokens::new().with("ok", AccessToken::new("alice"));
    let auth = propusk::AuthLayer::new(settings, tokens)
        .rules(Timed)
        .rules(RuleTable::new().time_limit(Duration::from_secs(9)));
    let answer = async |request: Request| {
        let limit = request.extensions().get::<TimeLimit>().expect("a limit").0;
        let rules = request
            .extensions()
            .get::<propusk::rules::RuleSet>()
            .expect("rules");
        let tool = |name| Target::new(propusk::TargetKind::Tool, name);
        let shown = [rules.shows(&tool("x"), None), rules.shows(&tool("y"), None)];
        format!("{limit:?} {shown:?}")
    };
    let app = Router::new().route("/mcp", post(answer)).layer(auth);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(axum::serve(listener, app).into_future());
    let mut wire = Wire::connect(address).await;
    wire.send(&with(modern("tools/list", json!({})), Some("ok")).bytes())
        .await;
    assert_eq!(wire.reply().await.text(), "7s [false, true]");
}

/// Rules that are exchanged hold for the next request, over the same connection.
#[tokio::test]
async fn rules_can_be_exchanged_while_a_server_runs() {
    use crate::support::{Mount, Site, call};
    let site = Site::plain(Mount::Layer).await;
    let layer = site.layer().expect("a layer").clone();
    let mut wire = Wire::connect(site.address).await;
    let closed = || {
        let table = RuleTable::new().tool("whoami", Rule::new().denied());
        propusk::rules::RuleSet::new().with(table)
    };
    for round in 0..100 {
        let (rules, status) = match round % 2 {
            0 => (closed(), 403),
            _ => (propusk::rules::RuleSet::new(), 200),
        };
        layer.replace_rules(rules);
        wire.send(&call("whoami").bearer("alice").bytes()).await;
        let reply = wire.reply().await;
        assert_eq!(reply.status, status, "round {round}: {reply:?}");
    }
}
