//! Rules that are exchanged hold for what is open already.

use propusk::{
    AccessToken, Admission, AuthLayer, AuthSettings, FixedTokens, Operation,
    rules::{Asked, Rule, RuleSet, RuleTable, Rules, Verdict},
};
use serde_json::{Value, json};

use crate::support::{Keeping, Mount, Site, Wire, call, called, in_session, legacy, modern, soon};

const ALICE: [(&str, &str); 1] = [("Authorization", "Bearer alice")];

/// Rules that let everything through, so that messages are read.
fn open_to_all() -> RuleSet {
    RuleSet::new().with(RuleTable::new())
}

fn settings(site: &Site) -> AuthSettings {
    AuthSettings::new(&site.url()).expect("a URL")
}

fn tokens() -> FixedTokens {
    let alice = AccessToken::new("alice").with_issuer("https://a");
    let alice = alice.with_client_id("app").with_scope_claim("mcp");
    FixedTokens::new().with("alice", alice)
}

/// Both ways to exchange rules.
fn exchange(layer: &AuthLayer, site: &Site, rules: RuleSet, whole: bool) {
    match whole {
        true => layer.renew_with_rules(settings(site), tokens(), rules),
        false => layer.replace_rules(rules),
    }
}

async fn until(wire: &mut Wire, text: &str) {
    soon(async {
        loop {
            let chunk = wire.chunk().await.expect("it is open");
            if String::from_utf8_lossy(&chunk).contains(text) {
                return;
            }
        }
    })
    .await;
}

async fn to_the_end(wire: &mut Wire) -> String {
    let mut all = String::new();
    soon(async {
        while let Some(chunk) = wire.chunk().await {
            all.push_str(&String::from_utf8_lossy(&chunk));
        }
    })
    .await;
    all
}

async fn open(site: &Site, request: &crate::support::Request) -> Wire {
    let mut wire = Wire::connect(site.address).await;
    wire.send(&request.bytes()).await;
    let head = wire.head().await;
    assert_eq!(head.status, 200, "{head:?}");
    wire
}

async fn listen(site: &Site, uri: &str) -> Wire {
    let wanted = json!({"resourceSubscriptions": [uri], "toolsListChanged": true});
    let request = modern("subscriptions/listen", json!({ "notifications": wanted }));
    let mut wire = open(site, &request.bearer("alice")).await;
    until(&mut wire, "acknowledged").await;
    wire
}

/// A call of `slow` with these arguments, in a session of 2025-11-25 of its own, where every answer is a
/// stream.
async fn slow(site: &Site, arguments: Value) -> Wire {
    let params = json!({"name": "slow", "arguments": arguments});
    let session = site.open(&ALICE).await.expect("a session");
    let request = in_session(&session, "tools/call", &params).bearer("alice");
    let wire = open(site, &request).await;
    site.tools.entered.acquire().await.expect("open").forget();
    wire
}

#[tokio::test]
async fn a_subscription_ends_that_the_new_rules_deny_or_hide_and_no_other() {
    for (rule, whole) in [
        (Rule::new().denied(), false),
        (Rule::new().hidden(), false),
        (Rule::new().denied(), true),
        (Rule::new().hidden(), true),
    ] {
        let keeping = Keeping::default();
        let site = Site::start_handler(Mount::Layer, keeping.clone(), |s| s, |server| server).await;
        let layer = site.layer().expect("a layer");
        layer.replace_rules(open_to_all());
        let mut locked = listen(&site, "memo://locked").await;
        keeping.came.wait().await;
        let mut free = listen(&site, "memo://free").await;
        keeping.came.wait().await;
        let rules = RuleTable::new().resource("memo://l*", rule);
        exchange(layer, &site, RuleSet::new().with(rules), whole);
        let rest = to_the_end(&mut locked).await;
        assert!(!rest.contains("result"), "cut, not completed: {rest}");
        keeping.went.wait().await;
        let listeners = keeping.listeners.lock().unwrap().clone();
        for (_, sink) in listeners {
            // That of the other one is gone.
            let _ = sink.notify_tool_list_changed().await;
        }
        until(&mut free, "tools/list_changed").await;
        assert_eq!(layer.open_streams(), 1);
    }
}

/// What only watches is denied by a rule about every request of somebody.
#[tokio::test]
async fn the_stream_of_a_session_ends_where_a_rule_is_about_its_caller() {
    struct Not(&'static str);
    impl Rules for Not {
        fn judge(&self, asked: &Asked<'_>) -> Verdict {
            match asked.caller.map(AccessToken::subject) == Some(self.0) {
                true => Verdict::deny("not this one"),
                false => Verdict::allow(),
            }
        }
    }
    let site = Site::plain(Mount::Layer).await;
    let session = site.open(&ALICE).await.expect("a session");
    let get = legacy(&session, "").line("GET /mcp").bearer("alice");
    let mut wire = open(&site, &get).await;
    let layer = site.layer().expect("a layer");
    layer.replace_rules(RuleSet::new().with(Not("bob")));
    let notified = site.send(&legacy(&session, "notify").bearer("alice")).await;
    assert_eq!(called(&notified), "notified");
    until(&mut wire, "list_changed").await;
    layer.replace_rules(RuleSet::new().with(Not("alice")));
    to_the_end(&mut wire).await;
    assert_eq!((layer.open_streams(), layer.open_sessions()), (0, 1));
}

#[tokio::test]
async fn what_nobody_in_particular_has_open_is_judged_too() {
    let keeping = Keeping::default();
    let optional = |settings: AuthSettings| settings.admission(Admission::Optional);
    let site = Site::start_handler(Mount::Layer, keeping.clone(), optional, |server| server).await;
    let layer = site.layer().expect("a layer");
    layer.replace_rules(open_to_all());
    let wanted = json!({"resourceSubscriptions": ["memo://a"]});
    let request = modern("subscriptions/listen", json!({ "notifications": wanted }));
    let mut wire = open(&site, &request).await;
    until(&mut wire, "acknowledged").await;
    keeping.came.wait().await;
    let rules = RuleTable::new().resource("memo://a", Rule::new().denied());
    layer.replace_rules(RuleSet::new().with(rules));
    to_the_end(&mut wire).await;
    keeping.went.wait().await;
}

/// Denies what has a `secret` in its arguments.
struct NoSecrets;

impl Rules for NoSecrets {
    fn judge(&self, asked: &Asked<'_>) -> Verdict {
        let has_secret = asked.arguments.is_some_and(|json| {
            let parsed: Value = serde_json::from_str(json.get()).expect("JSON");
            parsed.get("secret").is_some()
        });
        match has_secret {
            true => Verdict::deny("a secret"),
            false => Verdict::allow(),
        }
    }

    fn reads_arguments(&self) -> bool {
        true
    }
}

/// The rules in force when it began did not look at arguments.
#[tokio::test]
async fn a_call_is_judged_again_by_its_arguments() {
    let site = Site::plain(Mount::Layer).await;
    let layer = site.layer().expect("a layer");
    layer.replace_rules(open_to_all());
    let mut good = slow(&site, json!({"a": 1})).await;
    let mut none = slow(&site, Value::Null).await;
    let mut secret = slow(&site, json!({"secret": 1})).await;
    let mut long = slow(&site, json!({"a": "x".repeat(20_000)})).await;
    // Read in two ways: a rule that looks at arguments refuses it when it comes.
    let twice = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow","arguments":{"a":1,"a":2}}}"#;
    let session = site.open(&ALICE).await.expect("a session");
    let twice = in_session(&session, "tools/call", &json!({})).body(twice);
    let mut twice = open(&site, &twice.bearer("alice")).await;
    site.tools.entered.acquire().await.expect("open").forget();
    layer.replace_rules(RuleSet::new().with(NoSecrets));
    // What cannot be judged any more ends: its arguments are not remembered, or not clear.
    for cut in [&mut secret, &mut long, &mut twice] {
        assert!(!to_the_end(cut).await.contains("done"));
    }
    site.tools.released.add_permits(5);
    for kept in [&mut good, &mut none] {
        assert!(to_the_end(kept).await.contains("done"));
    }
}

/// Nobody knows what it asked for, so no rule can say that it may go on.
#[tokio::test]
async fn a_message_that_nobody_read_does_not_outlive_the_first_rules() {
    let site = Site::plain(Mount::Layer).await;
    let session = site.open(&ALICE).await.expect("a session");
    let get = legacy(&session, "").line("GET /mcp").bearer("alice");
    let mut watching = open(&site, &get).await;
    let mut unread = slow(&site, json!({})).await;
    let layer = site.layer().expect("a layer");
    let rules = RuleTable::new().tool("slow", Rule::new().denied());
    layer.replace_rules(RuleSet::new().with(rules));
    assert!(!to_the_end(&mut unread).await.contains("done"));
    site.tools.released.add_permits(1);
    let notified = site.send(&legacy(&session, "notify").bearer("alice")).await;
    assert_eq!(called(&notified), "notified");
    until(&mut watching, "list_changed").await;
}

/// A limit counts what begins.
#[tokio::test]
async fn a_limit_that_is_reached_ends_nothing_and_nothing_is_taken_of_it() {
    let site = Site::plain(Mount::Layer).await;
    let layer = site.layer().expect("a layer");
    layer.replace_rules(open_to_all());
    let mut wire = slow(&site, json!({})).await;
    let session = site.open(&ALICE).await.expect("a session");
    let once = || {
        Rule::new()
            .rate("1/h".parse().expect("a rate"))
            .concurrency(1)
    };
    let rules = RuleTable::new().tool("slow", once()).tool("whoami", once());
    layer.replace_rules(RuleSet::new().with(rules));
    let asked = async || {
        let request = legacy(&session, "whoami").bearer("alice");
        site.send(&request).await
    };
    assert_eq!(called(&asked().await), "alice");
    assert_eq!(asked().await.status, 429);
    // Its one use is still there.
    let mut another = slow(&site, json!({})).await;
    site.tools.released.add_permits(2);
    for wire in [&mut wire, &mut another] {
        assert!(to_the_end(wire).await.contains("done"));
    }
}

/// It was judged by the old rules, and opens when the new ones are there already.
#[tokio::test]
async fn a_stream_that_opens_while_rules_are_exchanged_is_judged_by_the_new_ones() {
    /// Exchanges the rules while it is asked.
    struct Meanwhile(AuthLayer);
    impl Rules for Meanwhile {
        fn judge(&self, asked: &Asked<'_>) -> Verdict {
            if matches!(asked.operation, Operation::Method { method, .. } if method == "tools/call")
            {
                let rules = RuleTable::new().tool("slow", Rule::new().denied());
                self.0.replace_rules(RuleSet::new().with(rules));
            }
            Verdict::allow()
        }
    }
    let site = Site::plain(Mount::Layer).await;
    let layer = site.layer().expect("a layer");
    layer.replace_rules(RuleSet::new().with(Meanwhile(layer.clone())));
    let mut wire = slow(&site, json!({})).await;
    assert!(!to_the_end(&mut wire).await.contains("done"));
    site.tools.released.add_permits(1);
    assert_eq!(site.send(&call("slow").bearer("alice")).await.status, 403);
}

/// However often the rules are exchanged, who is allowed by all of them keeps what is open.
#[tokio::test]
async fn a_hundred_exchanges_leave_an_allowed_stream_alone() {
    let site = Site::plain(Mount::Layer).await;
    let layer = site.layer().expect("a layer");
    layer.replace_rules(open_to_all());
    let mut wire = slow(&site, json!({})).await;
    for round in 0..100 {
        let rules = RuleTable::new().tool("whoami", Rule::new().denied());
        exchange(layer, &site, RuleSet::new().with(rules), round % 2 == 0);
    }
    site.tools.released.add_permits(1);
    assert!(to_the_end(&mut wire).await.contains("done"));
}
