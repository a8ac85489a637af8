use serde_json::{Value, json};

use super::{super::test_logins::login, *};

fn written() -> Value {
    let login = login("a").with_dpop_key(Some("pem".to_owned()), true);
    serde_json::from_slice(&write(&login).expect("small")).expect("JSON")
}

#[test]
fn what_is_written_is_read_again() {
    let login = login("a")
        .with_revocation_endpoint(Some("https://login.example/revoke".to_owned()))
        .with_client_authentication(
            Some("hunter3".to_owned()),
            Some("client_secret_post".to_owned()),
        )
        .with_dpop_key(Some("hunter4".to_owned()), true);
    let text = write(&login).expect("small");
    let again = read(&text, login.key()).expect("readable");
    assert_eq!(write(&again), Some(text));
    assert_eq!(again.key(), login.key());
    assert_eq!(again.access_token(), login.access_token());
    assert_eq!(again.expose_refresh_token(), Some("refresh-a"));
    assert_eq!(again.expose_client_secret(), Some("hunter3"));
    assert_eq!(again.expose_dpop_key(), Some("hunter4"));
    assert_eq!(again.scopes(), login.scopes());
    assert!(again.is_bound_to_key());
}

#[test]
fn what_is_no_login_is_not_taken_for_one() {
    let with = |name: &str, value: Value| {
        let mut changed = written();
        changed[name] = value;
        changed.to_string()
    };
    let without = |name: &str| {
        let mut changed = written();
        changed.as_object_mut().expect("an object").remove(name);
        changed.to_string()
    };
    let whole = written().to_string();
    for (text, why) in [
        (String::new(), Unreadable::Damaged),
        (whole[..whole.len() - 1].to_owned(), Unreadable::Damaged),
        (format!("{whole}x"), Unreadable::Damaged),
        ("null".to_owned(), Unreadable::Damaged),
        (with("version", json!(2)), Unreadable::Newer(2)),
        (with("version", json!("1")), Unreadable::Damaged),
        (
            json!({"version": 9, "other": 1}).to_string(),
            Unreadable::Newer(9),
        ),
        (with("unknown", json!(1)), Unreadable::Damaged),
        (with("access_token", json!("a b")), Unreadable::Damaged),
        (with("access_token", json!("")), Unreadable::Damaged),
        (with("expires_at", json!(-1)), Unreadable::Damaged),
        (with("scope", json!("a\"b")), Unreadable::Damaged),
        (without("issuer"), Unreadable::Damaged),
        (without("access_token"), Unreadable::Damaged),
        (
            with("issuer", json!("https://login.example/")),
            Unreadable::Misplaced,
        ),
    ] {
        let found = read(text.as_bytes(), login("a").key()).expect_err(&text);
        assert_eq!(found, why, "{text}");
    }
    let far = with("expires_at", json!(u64::MAX));
    let far = read(far.as_bytes(), login("a").key());
    assert!(
        far.is_ok() || far.is_err_and(|why| why == Unreadable::Damaged),
        "no panic"
    );
}

#[test]
fn keys_do_not_run_together() {
    let key = |parts: [&str; 4], account: Option<&str>| {
        let [server, resource, issuer, client_id] = parts.map(str::to_owned);
        let account = account.map(str::to_owned);
        name(&LoginKey {
            server,
            resource,
            issuer,
            client_id,
            account,
        })
    };
    let names = [
        key(["s", "r", "i", "c"], None),
        key(["s", "r", "i", "c"], Some("")),
        key(["s", "r", "i", "c"], Some("a")),
        key(["s", "r", "ic", ""], None),
        key(["s", "r", "", "ic"], None),
        key(["sr", "", "i", "c"], None),
        key(["s", "r", "i/", "c"], None),
        key(["s/", "r", "i", "c"], None),
    ];
    let different: std::collections::HashSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len());
    assert!(names.iter().all(|name| name.len() == 64));
}

#[test]
fn what_is_too_large_to_be_read_is_not_written() {
    let huge = login("a").with_refresh_token(Some("x".repeat(LONGEST)));
    assert!(write(&huge).is_none());
}

#[test]
fn a_login_of_a_machine_stays_one_and_others_are_of_persons() {
    for of_machine in [true, false] {
        let login = if of_machine {
            login("a").of_machine()
        } else {
            login("a")
        };
        let text = write(&login).expect("written");
        let again = read(&text, login.key()).expect("read");
        assert_eq!(again.is_of_machine(), of_machine);
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(
            text.contains("machine"),
            of_machine,
            "older versions read it"
        );
    }
}
