//! What a table says, without a server.

use std::time::SystemTime;

use super::*;

/// Some time, and seconds after it.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

fn asked<'a>(operation: &'a Operation, caller: Option<&'a AccessToken>, now: u64) -> Asked<'a> {
    Asked {
        operation,
        arguments: None,
        caller,
        remote: None,
        now: at(now),
    }
}

fn said(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allow(allowance) => match allowance.time_limit {
            Some(limit) => format!("within {} s", limit.as_secs()),
            None => "allow".to_owned(),
        },
        Verdict::Deny { reason, message } => {
            let message = message.as_ref().map(|text| format!(" ({text})"));
            format!("deny {reason}{}", message.unwrap_or_default())
        }
        Verdict::Hide { reason } => format!("hide {reason}"),
        Verdict::Limit {
            retry_after,
            reason,
        } => format!("{} s {reason}", retry_after.as_secs()),
    }
}

fn judged(table: &RuleTable, operation: &Operation) -> String {
    said(&table.judge(&asked(operation, None, 0)))
}

fn listen(uris: &[&str]) -> Operation {
    let targets = uris
        .iter()
        .map(|uri| Target::new(TargetKind::Resource, *uri));
    Operation::on("subscriptions/listen", targets)
}

fn refers(kind: TargetKind, name: &str) -> Operation {
    Operation::on("completion/complete", [Target::new(kind, name)])
}

fn rules() -> RuleTable {
    RuleTable::new()
        .tool("shell", Rule::new().denied())
        .tool("delete_*", Rule::new().denied_with("Ask the owner."))
        .tool("internal_*", Rule::new().hidden())
        .tool("*_secret", Rule::new().denied())
        .tool("report", Rule::new().time_limit(Duration::from_secs(30)))
        .tool("rep*", Rule::new().time_limit(Duration::from_secs(60)))
        .tool("echo", Rule::new())
        .prompt("review", Rule::new().denied())
        .resource("file:///private/*", Rule::new().denied())
        .resource("file:///a%20b", Rule::new().hidden())
        .resource("file:///public/*", Rule::new())
        .method("tasks/*", Rule::new())
        .method("logging/setLevel", Rule::new().denied())
}

#[test]
fn all_matching_rules_hold() {
    let table = rules();
    #[rustfmt::skip]
    let cases = [
        (Operation::Request, "allow"),
        (Operation::tool("echo"), "allow"),
        (Operation::tool("other"), "allow"),
        (Operation::tool("shell"), r#"deny tools "shell": denied"#),
        (Operation::tool("Shell"), "allow"),
        (Operation::tool("delete_all"), r#"deny tools "delete_*": denied (Ask the owner.)"#),
        (Operation::tool("internal_x"), r#"hide tools "internal_*": hidden"#),
        // To be denied would tell that it is there.
        (Operation::tool("internal_secret"), r#"hide tools "internal_*": hidden"#),
        (Operation::tool("report"), "within 30 s"),
        (Operation::tool("reply"), "within 60 s"),
        (Operation::prompt("shell"), "allow"),
        (Operation::prompt("review"), r#"deny prompts "review": denied"#),
        (refers(TargetKind::Prompt, "review"), r#"deny prompts "review": denied"#),
        (Operation::resource("file:///private/x"), r#"deny resources "file:///private/*": denied"#),
        (Operation::resource("file:///public/../private/x"), r#"deny resources "file:///private/*": denied"#),
        (Operation::resource("file:///%70rivate/x"), r#"deny resources "file:///private/*": denied"#),
        (Operation::resource("FILE://localhost/private/x"), r#"deny resources "file:///private/*": denied"#),
        (Operation::resource("file:///pri\tvate/x"), r#"deny resources "file:///private/*": denied"#),
        (Operation::resource("file:///a b"), r#"hide resources "file:///a%20b": hidden"#),
        (Operation::resource("file:///a%20b"), r#"hide resources "file:///a%20b": hidden"#),
        (refers(TargetKind::Resource, "file:///private/{x}"), r#"deny resources "file:///private/*": denied"#),
        (listen(&["file:///public/x"]), "allow"),
        (listen(&["file:///public/x", "file:///private/x"]), r#"deny resources "file:///private/*": denied"#),
        (Operation::method("logging/setLevel"), r#"deny methods "logging/setLevel": denied"#),
        (Operation::method("future/method"), "allow"),
    ];
    for (operation, expected) in cases {
        assert_eq!(judged(&table, &operation), expected, "{operation}");
    }
}

#[test]
fn what_no_rule_names_is_closed_where_the_default_is() {
    let table = rules().otherwise(Otherwise::Deny);
    let unnamed = "hide no rule names it";
    #[rustfmt::skip]
    let cases = [
        (Operation::Request, "allow"),
        (Operation::tool("echo"), "allow"),
        (Operation::tool("report"), "within 30 s"),
        (Operation::tool("other"), unnamed),
        (Operation::tool("echo "), unnamed),
        (Operation::tool("ECHO"), unnamed),
        (Operation::tool(""), unnamed),
        (Operation::prompt("echo"), unnamed),
        (Operation::resource("file:///public/x"), "allow"),
        // One spelling of it is named, and the other is not.
        (Operation::resource("file:///public/../x"), unnamed),
        (Operation::resource("file:///%70ublic/x"), unnamed),
        (listen(&[]), "allow"),
        (listen(&["file:///public/x"]), "allow"),
        (listen(&["file:///public/x", "other://x"]), unnamed),
        (refers(TargetKind::Prompt, "other"), unnamed),
        ("tasks/get:1".parse().expect("any"), "allow"),
        (Operation::method("future/method"), unnamed),
        (Operation::method("resources/templates/list"), "allow"),
        (Operation::method("initialize"), "allow"),
        (Operation::method("ping"), "allow"),
        (Operation::method("notifications/cancelled"), "allow"),
        (Operation::method("notifications/other"), unnamed),
    ];
    for (operation, expected) in cases {
        assert_eq!(judged(&table, &operation), expected, "{operation}");
    }
}

#[test]
fn lists_show_what_may_be_used() {
    let shown = |table: &RuleTable, kind, names: &[&'static str]| -> Vec<&'static str> {
        let shows = |name: &&&str| table.shows(&Target::new(kind, **name), None);
        names.iter().filter(shows).copied().collect()
    };
    let (open, closed) = (rules(), rules().otherwise(Otherwise::Deny));
    let tools = ["echo", "shell", "delete_x", "internal_x", "report", "other"];
    assert_eq!(
        shown(&open, TargetKind::Tool, &tools),
        ["echo", "report", "other"]
    );
    assert_eq!(shown(&closed, TargetKind::Tool, &tools), ["echo", "report"]);
    let uris = ["file:///private/{x}", "file:///public/{x}", "other://x"];
    assert_eq!(
        shown(&open, TargetKind::Resource, &uris),
        ["file:///public/{x}", "other://x"]
    );
    assert_eq!(
        shown(&closed, TargetKind::Resource, &uris),
        ["file:///public/{x}"]
    );
    assert!(closed.shows(&Target::new(TargetKind::Task, "1"), None));
}

fn rate(text: &str) -> Rate {
    text.parse().expect("a rate")
}

fn alice() -> AccessToken {
    AccessToken::new("alice").with_issuer("https://a")
}

#[test]
fn each_principal_has_its_own_share_and_all_have_one() {
    let table = RuleTable::new().principal_rate(rate("5/m")).tool(
        "d_*",
        Rule::new().rate(rate("2/m")).rate_in_all(rate("3/m")),
    );
    let renewed = alice().with_token_id("2").with_scope_claim("more");
    let (alice, bob) = (alice(), AccessToken::new("bob"));
    let (one, two, other) = (
        Operation::tool("d_1"),
        Operation::tool("d_2"),
        Operation::tool("other"),
    );
    #[rustfmt::skip]
    let cases = [
        (&one, Some(&alice), 0, "allow"),
        (&two, Some(&alice), 0, "allow"),
        // All of a pattern count together, and so do all tokens of a principal.
        (&one, Some(&alice), 0, r#"30 s tools "d_*": 2/m for each principal"#),
        (&two, Some(&renewed), 1, r#"29 s tools "d_*": 2/m for each principal"#),
        (&other, Some(&alice), 0, "allow"),
        (&one, Some(&bob), 0, "allow"),
        (&one, Some(&bob), 0, r#"20 s tools "d_*": 3/m in all"#),
        (&one, None, 0, r#"20 s tools "d_*": 3/m in all"#),
        // To have been refused has cost bob nothing: of his two there is one left.
        (&one, Some(&bob), 20, "allow"),
        (&one, Some(&bob), 20, r#"10 s tools "d_*": 2/m for each principal"#),
        (&other, Some(&alice), 0, "allow"),
        (&other, Some(&alice), 0, "allow"),
        (&other, Some(&alice), 0, "12 s everything: 5/m for each principal"),
        (&other, Some(&bob), 20, "allow"),
    ];
    for (index, (operation, caller, now, expected)) in cases.into_iter().enumerate() {
        let verdict = table.judge(&asked(operation, caller, now));
        assert_eq!(said(&verdict), expected, "{index}: {operation}");
    }
}

#[test]
fn who_has_no_token_is_told_apart_by_address() {
    let table = RuleTable::new().principal_rate(rate("1/m"));
    let operation = Operation::tool("x");
    let from = |address: Option<&str>| {
        let remote = address.map(|text| text.parse().expect("an address"));
        let asked = Asked {
            remote,
            ..asked(&operation, None, 0)
        };
        matches!(table.judge(&asked), Verdict::Allow(_))
    };
    assert!(from(Some("192.0.2.1")) && !from(Some("192.0.2.1")));
    assert!(from(Some("2001:db8::1")) && !from(Some("2001:db8::2")));
    assert!(from(None) && !from(None));
}

#[test]
fn a_place_is_taken_until_the_answer_has_ended() {
    let table = RuleTable::new()
        .principal_concurrency(2)
        .tool("one", Rule::new().concurrency_in_all(1));
    let (alice, bob) = (alice(), AccessToken::new("bob"));
    let (one, other) = (Operation::tool("one"), Operation::tool("other"));
    let first = table.judge(&asked(&one, Some(&alice), 0));
    assert_eq!(said(&first), "allow");
    let refused = table.judge(&asked(&one, Some(&bob), 0));
    assert_eq!(
        said(&refused),
        r#"1 s tools "one": 1 at the same time in all"#
    );
    let second = table.judge(&asked(&other, Some(&alice), 0));
    let third = table.judge(&asked(&other, Some(&alice), 0));
    assert_eq!(said(&second), "allow");
    assert_eq!(
        said(&third),
        "1 s everything: 2 at the same time for each principal"
    );
    // A stream of notifications lasts, and takes no place.
    let stream = table.judge(&asked(&listen(&[]), Some(&alice), 0));
    assert_eq!(said(&stream), "allow");
    drop(first);
    let again = table.judge(&asked(&one, Some(&bob), 0));
    assert_eq!(said(&again), "allow");
}

#[test]
fn a_table_that_is_read_again_goes_on_where_it_was() {
    let table = |tool: &str, all: &str| {
        RuleTable::new()
            .principal_rate(rate(all))
            .tool("x", Rule::new().rate(rate(tool)).concurrency(1))
    };
    let (x, alice) = (Operation::tool("x"), alice());
    let before = table("1/m", "9/m");
    let held = before.judge(&asked(&x, Some(&alice), 0));
    assert_eq!(said(&held), "allow");
    let same = table("1/m", "8/m").continuing(&before);
    let verdict = same.judge(&asked(&x, Some(&alice), 0));
    assert_eq!(
        said(&verdict),
        r#"1 s tools "x": 1 at the same time for each principal"#
    );
    drop(held);
    let verdict = same.judge(&asked(&x, Some(&alice), 0));
    assert_eq!(said(&verdict), r#"60 s tools "x": 1/m for each principal"#);
    let wider = table("2/m", "9/m").continuing(&same);
    let verdict = wider.judge(&asked(&x, Some(&alice), 0));
    assert_eq!(said(&verdict), "allow");
}

/// Otherwise whoever is over the limit goes on with answers, streams and ends of sessions.
#[test]
fn what_is_no_message_counts_among_what_a_principal_may_send() {
    let table = RuleTable::new()
        .principal_rate("2/m".parse().expect("a rate"))
        .principal_concurrency(1)
        .time_limit(Duration::from_secs(5));
    let alice = AccessToken::new("alice");
    let call = Operation::tool("echo");
    let under_way = table.judge(&asked(&call, Some(&alice), 0));
    assert_eq!(said(&under_way), "within 5 s");
    // The answer that the call waits for: it needs no place of its own.
    let answer = asked(&Operation::Request, Some(&alice), 0);
    assert_eq!(said(&table.judge(&answer)), "allow");
    let third = said(&table.judge(&answer));
    assert!(third.ends_with("for each principal"), "{third}");
    let bob = AccessToken::new("bob");
    let bobs = table.judge(&asked(&Operation::Request, Some(&bob), 0));
    assert_eq!(said(&bobs), "allow");
}
