//! `propusk token`: from issue to revocation, and what a running server makes of it.

use std::time::Duration;

use serde_json::json;

use crate::support::{Sandbox, until};

/// The public id within a token.
fn id(token: &str) -> &str {
    token.split('_').nth(1).expect("propusk_<id>_…")
}

fn is_a_token(text: &str) -> bool {
    let parts: Vec<&str> = text.split('_').collect();
    let base62 = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric());
    matches!(parts[..], ["propusk", id, secret] if id.len() == 12 && secret.len() == 49 && base62(id) && base62(secret))
}

#[test]
fn issue_and_rotate_print_the_token_alone_on_stdout() {
    let place = Sandbox::new();
    let issued = place.run(&["token", "issue", "--subject", "алиса"]).code(0);
    let token = issued.line();
    assert!(is_a_token(&token), "{token}");
    assert!(
        issued.err.contains(id(&token)) && issued.err.contains("алиса"),
        "{issued:?}"
    );
    assert!(!issued.err.contains(&token));
    let rotated = place.run(&["token", "rotate", id(&token)]).code(0);
    let successor = rotated.line();
    assert!(is_a_token(&successor) && successor != token);
    assert!(rotated.err.contains(&format!("revoked {}", id(&token))));
    assert!(!rotated.err.contains(&successor));

    let json = place.run(&["token", "issue", "--subject", "a", "--json"]);
    let json = json.code(0);
    assert_eq!(json.err, "");
    let json = json.json();
    assert!(is_a_token(json["token"].as_str().expect("a token")));
    assert_eq!(json["id"], id(json["token"].as_str().expect("a token")));
}

#[test]
fn what_was_asked_for_is_what_is_recorded() {
    let place = Sandbox::new();
    #[rustfmt::skip]
    let token = place.issue(&[
        "--subject", "bob", "--scope", "notes:read", "--scope", "a b", "--client-id", "клиент",
        "--name", "имя 🔑", "--expires-in", "30d", "--audience", "https://mcp.example.com/mcp",
    ]);
    let show = |args: &[&str]| place.run(&[&["token", "show"], args].concat()).code(0);
    let shown = show(&[id(&token), "--json"]).json();
    for (key, expected) in [
        ("id", json!(id(&token))),
        ("subject", json!("bob")),
        ("client_id", json!("клиент")),
        ("name", json!("имя 🔑")),
        ("scopes", json!(["a", "b", "notes:read"])),
        ("audience", json!(["https://mcp.example.com/mcp"])),
        ("status", json!("active")),
        ("last_used_at", json!(null)),
        ("revoked_at", json!(null)),
    ] {
        assert_eq!(shown[key], expected, "{key}");
    }
    assert_eq!(shown.get("token"), None);
    assert_eq!(place.run(&["token", "list", "--json"]).json()[0], shown);
    for text in [
        show(&[id(&token)]).out,
        place.run(&["token", "list"]).code(0).out,
    ] {
        for word in [
            id(&token),
            "bob",
            "клиент",
            "имя 🔑",
            "a b notes:read",
            "active",
        ] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
    // The successor has the same rights.
    let successor = place.run(&["token", "rotate", id(&token)]).code(0).line();
    let next = show(&[id(&successor), "--json"]).json();
    for key in ["subject", "client_id", "name", "scopes", "audience"] {
        assert_eq!(next[key], shown[key], "{key}");
    }
    assert_eq!(show(&[id(&token), "--json"]).json()["status"], "revoked");
}

#[test]
fn lifetimes() {
    let place = Sandbox::new();
    let seconds = |time: &serde_json::Value| {
        let time = humantime::parse_rfc3339(time.as_str().expect("a time")).expect("RFC 3339");
        time.duration_since(std::time::UNIX_EPOCH)
            .expect("since 1970")
            .as_secs()
    };
    let day = 24 * 60 * 60;
    for (args, expected) in [
        (&[][..], Some(90 * day)),
        (&["--expires-in", "30d"], Some(30 * day)),
        (&["--expires-in", "12h"], Some(day / 2)),
        (&["--expires-in=1d 1s"], Some(day + 1)),
        (&["--expires-in", "never"], None),
    ] {
        let args = [&["token", "issue", "--subject", "a", "--json"], args].concat();
        let record = place.run(&args).code(0).json();
        match expected {
            Some(expected) => {
                let lifetime = seconds(&record["expires_at"]) - seconds(&record["created_at"]);
                assert_eq!(lifetime, expected, "{args:?}");
            }
            None => assert_eq!(record["expires_at"], json!(null)),
        }
    }
}

#[test]
fn a_running_server_follows_within_about_a_second() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let code = |token: &str| place.call(token, &server.url, &["whoami"]).code;
    let refused = |token: &str| {
        until("the refusal", Duration::from_secs(5), || {
            (code(token) == 3).then_some(())
        });
    };
    // By id, by the token itself, by rotation: each by another process.
    let by_id = place.issue(&["--subject", "a"]);
    let by_token = place.issue(&["--subject", "b"]);
    let by_rotation = place.issue(&["--subject", "c"]);
    let other = place.issue(&["--subject", "d"]);
    for token in [&by_id, &by_token, &by_rotation, &other] {
        assert_eq!(code(token), 0, "a new token works at once");
    }
    let done = place.run(&["token", "revoke", id(&by_id)]).code(0);
    assert_eq!(
        (done.out.as_str(), done.err),
        ("", format!("revoked {}\n", id(&by_id)))
    );
    refused(&by_id);
    let done = place.run(&["token", "revoke", &by_token]).code(0);
    assert_eq!(
        (done.out.as_str(), done.err),
        ("", format!("revoked {}\n", id(&by_token)))
    );
    refused(&by_token);
    let rotated = place.run(&["token", "rotate", id(&by_rotation)]);
    let successor = rotated.code(0).line();
    assert_eq!(code(&successor), 0);
    refused(&by_rotation);
    assert_eq!((code(&successor), code(&other)), (0, 0));

    // Revoking twice is no error; rotating what is revoked is.
    place.run(&["token", "revoke", id(&by_id)]).code(0);
    let done = place.run(&["token", "rotate", id(&by_id)]).code(1);
    assert!(done.err.contains("revoked"), "{done:?}");
    assert_eq!(done.out, "");
}

#[test]
fn two_servers_share_a_store() {
    let place = Sandbox::new();
    let (one, two) = (place.serve(&[]), place.serve(&[]));
    let token = place.issue(&["--subject", "a"]);
    let code = |url: &str| place.call(&token, url, &["whoami"]).code;
    assert_eq!((code(&one.url), code(&two.url)), (0, 0));
    place.run(&["token", "revoke", &token]).code(0);
    until("both refuse", Duration::from_secs(5), || {
        (code(&one.url) == 3 && code(&two.url) == 3).then_some(())
    });
    one.stop().code(0);
    let next = place.issue(&["--subject", "b"]);
    place.call(&next, &two.url, &["whoami"]).code(0);
    two.stop().code(0);
}

#[test]
fn an_expired_token_is_refused_and_listed_as_expired() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let token = place.issue(&["--subject", "a", "--expires-in", "1s"]);
    until("its end", Duration::from_secs(10), || {
        let shown = place.run(&["token", "show", id(&token), "--json"]).json();
        (shown["status"] == "expired").then_some(())
    });
    let done = place.call(&token, &server.url, &["whoami"]).code(3);
    assert!(done.err.contains("invalid_token"), "{done:?}");
    assert!(place.run(&["token", "list"]).out.contains("expired"));
}

#[test]
fn the_last_use_is_recorded() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let token = place.issue(&["--subject", "a"]);
    place.call(&token, &server.url, &["whoami"]).code(0);
    server.stop().code(0);
    let shown = place.run(&["token", "show", id(&token), "--json"]).json();
    assert_ne!(shown["last_used_at"], json!(null));
}

#[test]
fn an_empty_store_lists_nothing() {
    let place = Sandbox::new();
    // SQLite takes a file without content for an empty database.
    place.write("propusk.db", "");
    let listed = place.run(&["token", "list"]).code(0);
    assert_eq!(listed.out, "");
    assert!(listed.err.contains("token issue --subject"), "{listed:?}");
    let listed = place.run(&["token", "list", "--json"]).code(0);
    assert_eq!((listed.json(), listed.err.as_str()), (json!([]), ""));
}
