//! What policies say, without a server.

use std::time::{Duration, SystemTime};

use propusk::Operation;
use serde_json::{Value, json, value::RawValue};

use super::*;

const EVERYTHING: &str = "permit(principal, action, resource);\n";

fn rules(text: &str) -> CedarRules {
    let policies = CedarPolicies::parse("policy.cedar", text);
    policies
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .rules("notes")
}

struct Case<'a> {
    operation: Operation,
    arguments: Option<&'a str>,
    caller: Option<AccessToken>,
    remote: Option<&'a str>,
    seconds: u64,
}

fn case(operation: Operation) -> Case<'static> {
    Case {
        operation,
        arguments: None,
        caller: None,
        remote: None,
        // A Tuesday, 13:00.
        seconds: 1_785_243_600,
    }
}

fn call(tool: &str, arguments: &'static str) -> Case<'static> {
    Case {
        arguments: Some(arguments),
        ..case(Operation::tool(tool))
    }
}

fn by(caller: AccessToken) -> Case<'static> {
    Case {
        caller: Some(caller),
        ..case(Operation::tool("x"))
    }
}

fn said(rules: &CedarRules, case: &Case<'_>) -> String {
    let arguments: Option<&RawValue> = case
        .arguments
        .map(|text| serde_json::from_str(text).expect("JSON"));
    let verdict = rules.judge(&Asked {
        operation: &case.operation,
        arguments,
        caller: case.caller.as_ref(),
        remote: case.remote.map(|text| text.parse().expect("an address")),
        now: SystemTime::UNIX_EPOCH + Duration::from_secs(case.seconds),
    });
    match verdict {
        Verdict::Allow(allowance) => format!("{allowance:?}").replace('"', ""),
        Verdict::Deny { reason, message } => match message {
            Some(message) => format!("{reason} ({message})"),
            None => reason,
        },
        other => format!("{other:?}"),
    }
}

fn is_allowed(rules: &CedarRules, case: &Case<'_>) -> bool {
    said(rules, case).starts_with("Allowance")
}

#[test]
fn reasons_are_the_policies_that_decided() {
    let rules = rules(
        r#"
        @id("everybody")
        permit(principal, action, resource) unless { resource is Propusk::Tool && resource.name == "other" };
        @id("no-shell")
        @reason("The shell is closed.")
        forbid(principal, action, resource == Propusk::Tool::"shell");
        forbid(principal, action, resource == Propusk::Tool::"rm");
        @id("long-path")
        forbid(principal, action, resource) when { context.arguments has path && context.arguments.path > 3 };
    "#,
    );
    for (case, expected) in [
        (call("echo", "{}"), "permitted by everybody"),
        (
            call("shell", "{}"),
            "cedar: forbidden by no-shell: The shell is closed. (The shell is closed.)",
        ),
        (call("rm", "{}"), "cedar: forbidden by policy2"),
        (call("other", "{}"), "cedar: no policy permits it"),
        (call("echo", r#"{"path":"x"}"#), "cedar: long-path failed"),
        (
            call("echo", r#"{"path":4}"#),
            "cedar: forbidden by long-path",
        ),
        (case(Operation::Request), "permitted by everybody"),
        (
            case(Operation::method("tools/list")),
            "permitted by everybody",
        ),
        (
            case(Operation::method("unknown/method")),
            "permitted by everybody",
        ),
    ] {
        let said = said(&rules, &case);
        assert!(said.contains(expected), "{}: {said}", case.operation);
    }
}

/// What a rule about arguments sees is what the tool sees.
#[test]
fn arguments_are_what_they_are() {
    #[rustfmt::skip]
    let table = [
        // policy's condition, arguments, whether it holds (`None`: an error, which denies)
        (r#"has a && context.arguments.a == "x""#, r#"{"a":"x"}"#, Some(true)),
        (r#"has a && context.arguments.a == "x""#, r#"{"a":"\u0078"}"#, Some(true)),
        (r#"has a && context.arguments.a == "x""#, r#"{"\u0061":"x"}"#, Some(true)),
        (r#"has a && context.arguments.a == "x""#, r#"{"A":"x"}"#, Some(false)),
        (r#"has a && context.arguments.a == "x""#, r#"{}"#, Some(false)),
        (r#"has a && context.arguments.a like "/tmp/*""#, r#"{"a":"/tmp/x"}"#, Some(true)),
        (r#"has a && context.arguments.a like "/tmp/*""#, r#"{"a":5}"#, None),
        (r#"has a && context.arguments.a like "/tmp/*""#, r#"{"a":null}"#, None),
        (r#"has a && context.arguments.a like "/tmp/*""#, r#"{"a":["/tmp/x"]}"#, None),
        (r#"has a && context.arguments.a > 100"#, r#"{"a":101}"#, Some(true)),
        // A number is a number, however it is written.
        (r#"has a && context.arguments.a > 100"#, r#"{"a":1e3}"#, Some(true)),
        (r#"has a && context.arguments.a == 1000"#, r#"{"a":1000.0}"#, Some(true)),
        (r#"has a && context.arguments.a == 0"#, r#"{"a":-0.0}"#, Some(true)),
        (r#"has a && context.arguments.a > 100"#, r#"{"a":"101"}"#, None),
        (r#"has a && context.arguments.a > 100"#, r#"{"a":101.5}"#, None),
        (r#"has a && context.arguments.a > 100"#, r#"{"a":1e300}"#, None),
        (r#"has a && context.arguments.a > 100"#, r#"{"a":9223372036854775808}"#, None),
        (r#"has a && context.arguments.a > 100"#, r#"{"a":0.00001}"#, None),
        (r#"has a && context.arguments.a > 100"#, r#"{"a":null}"#, None),
        (r#"has a && context.arguments.a == decimal("1.5")"#, r#"{"a":1.5}"#, Some(true)),
        (r#"has a && context.arguments.a == decimal("1.5")"#, r#"{"a":15e-1}"#, Some(true)),
        (r#"has a && context.arguments.a.greaterThan(decimal("1.5"))"#, r#"{"a":-2.25}"#, Some(false)),
        (r#"has a && context.arguments.a == Propusk::Null::"null""#, r#"{"a":null}"#, Some(true)),
        (r#"has a && context.arguments.a == Propusk::Null::"null""#, r#"{"a":"null"}"#, Some(false)),
        (r#"has a && context.arguments.a is Propusk::Number"#, r#"{"a":1e300}"#, Some(true)),
        (r#"has a.b && context.arguments.a.b"#, r#"{"a":{"b":true}}"#, Some(true)),
        (r#"has a.b && context.arguments.a.b"#, r#"{"a":{"b":false}}"#, Some(false)),
        (r#"has a.b && context.arguments.a.b"#, r#"{"a":{"b":1}}"#, None),
        (r#"has a && context.arguments.a.contains(2)"#, r#"{"a":[1,2,"x",null]}"#, Some(true)),
        (r#"has a && context.arguments.a.contains(2)"#, r#"{"a":[]}"#, Some(false)),
        (r#"has a && context.arguments.a.contains(2)"#, r#"{"a":2}"#, None),
        // What Cedar's own JSON takes for entities and extensions are objects.
        (r#"has a && context.arguments.a == Propusk::Null::"null""#, r#"{"a":{"__entity":{"type":"Propusk::Null","id":"null"}}}"#, Some(false)),
        (r#"has a && context.arguments.a == 5"#, r#"{"a":{"__expr":"5"}}"#, Some(false)),
        (r#"has a && context.arguments.a.isLoopback()"#, r#"{"a":{"__extn":{"fn":"ip","arg":"127.0.0.1"}}}"#, None),
        (r#"has a && context.arguments.a has __entity"#, r#"{"a":{"__entity":{"type":"x","id":"y"}}}"#, Some(true)),
        (r#"has "a b" && context.arguments["a b"] == "ж""#, r#"{"a b":"ж"}"#, Some(true)),
    ];
    for (condition, arguments, expected) in table {
        let condition = format!("context.arguments {condition}");
        let permits = rules(&format!(
            "permit(principal, action, resource) when {{ {condition} }};"
        ));
        let forbids = rules(&format!(
            "{EVERYTHING}forbid(principal, action, resource) when {{ {condition} }};"
        ));
        let asked = call("x", arguments);
        let shown = format!("{condition} {arguments}: {}", said(&permits, &asked));
        assert_eq!(
            is_allowed(&permits, &asked),
            expected == Some(true),
            "permit {shown}"
        );
        assert_eq!(
            is_allowed(&forbids, &asked),
            expected == Some(false),
            "forbid {shown}"
        );
    }
}

#[test]
fn what_is_too_much_is_denied() {
    let mentions = rules(&format!(
        "{EVERYTHING}forbid(principal, action, resource) when {{ context.arguments has secret }};"
    ));
    let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let many = |count: usize| json!({ "a": vec![0; count] }).to_string();
    for (arguments, expected) in [
        (deep(30), true),
        (deep(40), false),
        (many(9_000), true),
        (many(10_000), false),
        (
            "{".to_owned() + "\"a\":\"" + &"x".repeat(1_000_000) + "\"}",
            true,
        ),
    ] {
        let asked = Case {
            arguments: Some(&arguments),
            ..case(Operation::tool("x"))
        };
        assert_eq!(
            is_allowed(&mentions, &asked),
            expected,
            "{} bytes",
            arguments.len()
        );
    }
    assert!(mentions.reads_arguments());
    let plain = rules(EVERYTHING);
    assert!(!plain.reads_arguments());
    // However the name is written.
    let escaped = rules(&format!(
        r#"{EVERYTHING}forbid(principal, action, resource) when {{ context["\u{{61}}rguments"] has secret }};"#
    ));
    assert!(escaped.reads_arguments());
    assert!(!is_allowed(&escaped, &call("x", r#"{"secret":1}"#)));
    let listen = |count: usize| {
        let target = |n| Target::new(TargetKind::Resource, format!("a://{n}"));
        case(Operation::on(
            "subscriptions/listen",
            (0..count).map(target),
        ))
    };
    assert!(is_allowed(&plain, &listen(100)));
    assert_eq!(
        said(&plain, &listen(101)),
        "cedar: more than 100 resources at once"
    );
}

#[test]
fn who_asks_is_told_apart() {
    let alice = || AccessToken::new("alice").with_scope_claim("notes:read notes:write");
    let of_a = || alice().with_issuer("https://a").with_client_id("app");
    let claims = |value: Value| alice().with_claim("department", value);
    #[rustfmt::skip]
    let table = [
        (r#"principal == Propusk::Principal::"alice""#, by(alice()), true),
        (r#"principal == Propusk::Principal::"alice""#, by(of_a()), false),
        (r#"principal == Propusk::Principal::"https://a|alice""#, by(of_a()), true),
        // A subject that looks like somebody of an issuer.
        (r#"principal == Propusk::Principal::"https://a|alice""#, by(AccessToken::new("https://a|alice")), false),
        (r#"principal == Propusk::Principal::"https://a|b|c""#, by(AccessToken::new("c").with_issuer("https://a|b")), false),
        (r#"principal == Propusk::Principal::"|""#, by(AccessToken::new("")), false),
        (r#"principal == Propusk::Principal::"|""#, by(AccessToken::new("|")), false),
        (r#"principal == Propusk::Principal::"|""#, case(Operation::tool("x")), true),
        ("principal.anonymous", case(Operation::tool("x")), true),
        ("principal.anonymous", by(AccessToken::new("")), false),
        (r#"principal in Propusk::Issuer::"https://a""#, by(of_a()), true),
        (r#"principal in Propusk::Issuer::"https://a""#, by(alice()), false),
        (r#"principal has issuer && principal.issuer == "https://a""#, by(of_a()), true),
        (r#"principal has clientId && principal.clientId == "app""#, by(of_a()), true),
        (r#"principal has clientId"#, by(alice()), false),
        (r#"principal.subject == "alice""#, by(of_a()), true),
        (r#"principal.scopes.contains("notes:write")"#, by(alice()), true),
        (r#"principal.scopes.contains("notes")"#, by(alice()), false),
        (r#"principal.scopes.contains("notes:write")"#, case(Operation::tool("x")), false),
        (r#"principal.claims has department && principal.claims.department == "it""#, by(claims("it".into())), true),
        (r#"principal.claims has department && principal.claims.department == "it""#, by(claims("hr".into())), false),
        (r#"principal.claims has department && principal.claims.department == "it""#, by(alice()), false),
        (r#"principal.claims has department && principal.claims.department.contains("it")"#, by(claims(json!(["hr", "it"]))), true),
    ];
    for (condition, asked, expected) in table {
        let rules = rules(&format!(
            "permit(principal, action, resource) when {{ {condition} }};"
        ));
        let said = said(&rules, &asked);
        assert_eq!(
            is_allowed(&rules, &asked),
            expected,
            "{condition} {:?}: {said}",
            asked.caller
        );
    }
}

#[test]
fn when_and_from_where() {
    let at = |seconds: u64| Case {
        seconds,
        ..case(Operation::tool("x"))
    };
    let from = |address: &'static str| Case {
        remote: Some(address),
        ..case(Operation::tool("x"))
    };
    const DAY: u64 = 86_400;
    #[rustfmt::skip]
    let table = [
        ("context.weekday == 4 && context.hour == 0 && context.time == 0", at(0), true),
        ("context.weekday == 1 && context.hour == 23", at(4 * DAY + DAY - 1), true),
        ("context.weekday == 7", at(3 * DAY), true),
        ("context.weekday == 2 && context.hour == 13", at(1_785_243_600), true),
        (r#"context.now >= datetime("2026-07-28T13:00:00Z")"#, at(1_785_243_600), true),
        (r#"context.now >= datetime("2026-07-28T13:00:00Z")"#, at(1_785_243_599), false),
        (r#"context.now > datetime("2026-07-28")"#, at(u64::MAX / 4), true),
        (r#"context has remote && context.remote.isInRange(ip("10.0.0.0/8"))"#, from("10.1.2.3"), true),
        (r#"context has remote && context.remote.isInRange(ip("10.0.0.0/8"))"#, from("::ffff:10.1.2.3"), true),
        (r#"context has remote && context.remote.isInRange(ip("10.0.0.0/8"))"#, from("11.1.2.3"), false),
        (r#"context has remote && context.remote.isInRange(ip("10.0.0.0/8"))"#, at(0), false),
        (r#"context has remote && context.remote.isInRange(ip("2001:db8::/32"))"#, from("2001:db8::1"), true),
        (r#"context has remote && context.remote.isLoopback()"#, from("::1"), true),
        (r#"context.upstream == "notes" && context.method == "tools/call""#, at(0), true),
        (r#"resource in Propusk::Server::"notes""#, at(0), true),
        (r#"resource in Propusk::Server::"other""#, at(0), false),
    ];
    for (condition, asked, expected) in table {
        let rules = rules(&format!(
            "permit(principal, action, resource) when {{ {condition} }};"
        ));
        let said = said(&rules, &asked);
        assert_eq!(is_allowed(&rules, &asked), expected, "{condition}: {said}");
    }
}

#[test]
fn every_spelling_of_a_resource_is_judged() {
    let forbids = rules(&format!(
        r#"{EVERYTHING}forbid(principal, action, resource is Propusk::Resource) when {{ resource.uri like "file:///private/*" }};"#
    ));
    let permits = rules(
        r#"permit(principal, action, resource is Propusk::Resource) when { resource.uri like "file:///public/*" };
           permit(principal, action in Propusk::Action::"connect", resource);"#,
    );
    for uri in [
        "file:///private/a",
        "file:///public/../private/a",
        "file:///public/%2e%2E/private/a",
        "FILE://LocalHost/private/a",
        "file:/private/a",
    ] {
        for method in [
            "resources/read",
            "resources/subscribe",
            "completion/complete",
        ] {
            let target = || Target::new(TargetKind::Resource, uri);
            let asked = case(Operation::on(method, [target()]));
            assert!(!is_allowed(&forbids, &asked), "{method} {uri}");
            assert!(!is_allowed(&permits, &asked), "{method} {uri}");
            let open = Target::new(TargetKind::Resource, "file:///public/x");
            let several = case(Operation::on("subscriptions/listen", [open, target()]));
            assert!(
                !is_allowed(&forbids, &several) && !is_allowed(&permits, &several),
                "{uri}"
            );
        }
    }
    assert!(is_allowed(
        &permits,
        &case(Operation::resource("file:///public/a"))
    ));
    for method in Operation::TO_GET_ACQUAINTED {
        assert!(
            is_allowed(&permits, &case(Operation::method(*method))),
            "{method}"
        );
    }
    assert!(is_allowed(&permits, &case(Operation::Request)));
    for method in ["tasks/list", "logging/setLevel", "other/method"] {
        assert!(
            !is_allowed(&permits, &case(Operation::method(method))),
            "{method}"
        );
    }
}

#[test]
fn lists_leave_out_what_nothing_could_allow() {
    let rules = rules(
        r#"
        permit(principal, action, resource) when { resource is Propusk::Tool && resource.name like "a*" };
        permit(principal, action, resource == Propusk::Tool::"b") when { context.arguments has ok };
        permit(principal, action, resource == Propusk::Tool::"c") when { principal.scopes.contains("c") };
        forbid(principal, action, resource == Propusk::Tool::"a_shut");
        forbid(principal, action, resource == Propusk::Tool::"a_night") when { context.hour > 20 };
        permit(principal, action, resource == Propusk::Resource::"file:///x");
    "#,
    );
    let alice = AccessToken::new("alice").with_scope_claim("c");
    #[rustfmt::skip]
    let table = [
        ("a", None, true), ("a_shut", None, false), ("a_night", None, true), ("b", None, true),
        ("c", None, false), ("c", Some(&alice), true), ("d", Some(&alice), false),
    ];
    for (tool, caller, expected) in table {
        let target = Target::new(TargetKind::Tool, tool);
        assert_eq!(rules.shows(&target, caller), expected, "{tool}");
    }
    for (uri, expected) in [
        ("file:///x", true),
        ("file:///y", false),
        ("file:///{z}", true),
    ] {
        let target = Target::new(TargetKind::Resource, uri);
        assert_eq!(rules.shows(&target, None), expected, "{uri}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    #[rustfmt::skip]
    let table = [
        ("permit(principal, action resource);", "policy.cedar:1:26: "),
        ("permit(principal, action, resource);\n\nforbid(principal, action == Propusk::Action::\"tools/cal\", resource);", "policy.cedar:3:"),
        ("permit(principal, action, resource)\nwhen { principal.nmae == \"x\" };", "policy.cedar:2:8: "),
        ("permit(principal, action, resource)\nwhen { context.arguments.path == \"x\" };", "policy.cedar:2:8: "),
        ("permit(principal, action, resource == Propusk::Tol::\"x\");", "policy.cedar:1:39: "),
        ("permit(principal == ?principal, action, resource);", "policy.cedar: a policy with a slot"),
        ("@id(\"a\") permit(principal, action, resource);\n@id(\"a\") permit(principal, action, resource);", "two policies have the @id \"a\""),
        ("permit(principal, action, resource) when { context.hour == \"x\" };", "policy.cedar:1:"),
    ];
    for (text, expected) in table {
        let error = CedarPolicies::parse("policy.cedar", text).expect_err(text);
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
    let both = "permit(principal, action, resource) when { principal.a };\nforbid(principal, action, resource) when { principal.b };";
    let error = CedarPolicies::parse("p", both).expect_err("two mistakes");
    assert_eq!(error.complaints().len(), 2, "{error}");
    let slip = "permit(principal, action, resource) when { context.argumets == \"x\" };";
    let error = CedarPolicies::parse("p", slip).expect_err("a slip");
    let [complaint] = error.complaints() else {
        panic!("told for each action: {error}");
    };
    assert!(
        complaint.contains("did you mean `arguments`?"),
        "{complaint}"
    );
    assert!(complaint.contains(" more actions"), "{complaint}");
    let odd = "permit(principal, action, resource) when { resource is Propusk::Tool && resource is Propusk::Prompt };";
    let odd = CedarPolicies::parse("p", odd).expect("no error");
    assert_eq!(odd.warnings().len(), 1, "{:?}", odd.warnings());
    assert!(
        odd.warnings()[0].starts_with("p:1:1: "),
        "{:?}",
        odd.warnings()
    );
    let fine = "permit(principal, action, resource) when { context.arguments has a && context.arguments.a == 1 };";
    let fine = CedarPolicies::parse("p", fine).expect("no error");
    assert!(fine.warnings().is_empty(), "{:?}", fine.warnings());
    let none = CedarPolicies::parse("p", "// nothing\n").expect("a file without policies");
    assert!(none.is_empty());
    assert!(!is_allowed(&none.rules("x"), &case(Operation::tool("x"))));
}

/// What is asked at run time is what policies were compared with.
#[test]
fn questions_are_as_the_schema_says() {
    let (schema, _) = cedar_policy::Schema::from_cedarschema_str(&schema()).expect("a schema");
    let mentioned = Mentioned::in_policies("now");
    let vocabulary = Vocabulary::new(mentioned).expect("names");
    let alice = AccessToken::new("alice")
        .with_issuer("https://a")
        .with_client_id("c");
    let operations =
        Operation::KNOWN_METHODS
            .iter()
            .map(|method| match TargetKind::of_method(method) {
                Some(kind) => Operation::on(*method, [Target::new(kind, "x")]),
                None if *method == "completion/complete" => {
                    Operation::on(*method, [Target::new(TargetKind::Prompt, "x")])
                }
                None => Operation::method(*method),
            });
    for operation in operations.chain([Operation::Request]) {
        for caller in [None, Some(&alice)] {
            let asked = Asked {
                operation: &operation,
                arguments: None,
                caller,
                remote: "192.0.2.1".parse().ok(),
                now: SystemTime::UNIX_EPOCH,
            };
            let questions = vocabulary.questions(&asked, "notes").expect("judgeable");
            for (request, entities) in questions {
                let again = cedar_policy::Request::new(
                    request.principal().expect("known").clone(),
                    request.action().expect("known").clone(),
                    request.resource().expect("known").clone(),
                    request.context().expect("known").clone(),
                    Some(&schema),
                );
                assert!(again.is_ok(), "{operation}: {again:?}");
                let entities = cedar_policy::Entities::from_entities(entities, Some(&schema));
                assert!(entities.is_ok(), "{operation}: {entities:?}");
            }
        }
    }
}
