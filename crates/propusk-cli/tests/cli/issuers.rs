//! What is special about one issuer: tokens without `aud`, algorithms, leeway, `typ`, its keys.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use propusk_testing::local_issuer::{LocalIssuer, private_key_pem};
use serde_json::{Value, json};

use crate::support::{Env, Sandbox, Server, Words, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// `whoami` with a token: 0 it was accepted, 3 it is not valid, 5 nobody can tell.
#[track_caller]
pub(crate) fn says(place: &Sandbox, server: &Server, token: &str, code: i32) {
    place.call(token, &server.url, &["whoami"]).code(code);
}

/// An access token as AWS Cognito issues it: it names a client and no audience.
pub(crate) fn without_audience(issuer: &LocalIssuer, client: &str) -> String {
    issuer.token(&json!({"client_id": client, "token_use": "access"}))
}

#[test]
fn tokens_without_an_audience_are_accepted_by_rule_for_their_client_only() {
    let (place, issuer) = (Sandbox::new(), LocalIssuer::start());
    let url = issuer.url();
    place.write(
        "key.toml",
        format!("[serve]\nissuer = ['{url}']\naccept-client = ['app-1']\n"),
    );
    place.write(
        "table.toml",
        format!("[[serve.issuer]]\nurl = '{url}'\naccept-client = ['app-1', 'app-2']\n"),
    );
    let named = ["--issuer", url];
    #[rustfmt::skip]
    let table: &[(Env<'_>, Words<'_>, [i32; 3])] = &[
        // flags, and what becomes of a token for app-1, app-2 and app-3
        (&[], &named, [3, 3, 3]),
        (&[], &["--issuer", url, "--accept-client", "app-1"], [0, 3, 3]),
        (&[], &["--issuer", url, "--accept-client", "app-1", "--accept-client", "app-2"], [0, 0, 3]),
        (&[("PROPUSK_ACCEPT_CLIENT", " app-2  app-3\n")], &named, [3, 0, 0]),
        (&[("PROPUSK_ACCEPT_CLIENT", "app-2")], &["--issuer", url, "--accept-client", "app-1"], [0, 3, 3]),
        (&[], &["--config", "key.toml"], [0, 3, 3]),
        (&[], &["--config", "table.toml"], [0, 0, 3]),
        (&[], &["--config", "table.toml", "--accept-client", "app-3"], [3, 3, 0]),
    ];
    for (env, flags, codes) in table {
        let server = place.serve_with(env, flags);
        for (client, code) in ["app-1", "app-2", "app-3"].into_iter().zip(codes) {
            says(&place, &server, &without_audience(&issuer, client), *code);
        }
        // The rule is for tokens that name no audience at all, and for access tokens.
        let token = |claims: Value| issuer.token(&claims);
        let named = |audience: &str| json!({"client_id": "app-1", "aud": audience});
        says(&place, &server, &token(named(&server.url)), 0);
        says(
            &place,
            &server,
            &token(named("https://other.example/mcp")),
            3,
        );
        says(&place, &server, &token(named("app-1")), 3);
        says(
            &place,
            &server,
            &token(json!({"client_id": "app-1", "aud": []})),
            3,
        );
        says(&place, &server, &token(json!({})), 3);
        let id_token = json!({"client_id": "app-1", "token_use": "id"});
        says(&place, &server, &token(id_token), 3);
    }
}

/// What stands beside one issuer in the file is for that one, whoever types another.
#[test]
fn keys_and_clients_of_the_files_issuer_are_not_for_a_typed_one() {
    let (place, a, b) = (Sandbox::new(), LocalIssuer::start(), LocalIssuer::start());
    place.write("a.json", a.key_set().to_string());
    place.write("b.json", b.key_set().to_string());
    let (jwks, clients) = ("jwks = 'a.json'", "accept-client = ['app']");
    let typed = ["--issuer", b.url()];
    #[rustfmt::skip]
    let table: &[(&str, Words<'_>, &str)] = &[
        (jwks, &[], "jwks"),
        (clients, &[], "accept-client"),
        (jwks, &["--issuer", "https://third.example"], "jwks"),
        // One of the two that stand in the file would be left.
        ("jwks = 'a.json'\naccept-client = ['app']", &["--jwks", "b.json"], "accept-client"),
        ("jwks = 'a.json'\naccept-client = ['app']", &["--accept-client", "app-b"], "jwks"),
    ];
    for (keys, flags, key) in table {
        place.write(
            "propusk.toml",
            format!("[serve]\nissuer = ['{}']\n{keys}\n", a.url()),
        );
        let flags = [&typed[..], flags].concat();
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["inspect", "t"]] {
            let done = place.run(&[command, &flags].concat()).code(2);
            for word in [
                key,
                a.url(),
                "[serve]",
                "--issuer",
                "PROPUSK_ISSUER",
                "[[serve.issuer]]",
            ] {
                assert!(done.err.contains(word), "{keys} {word}: {done:?}");
            }
        }
        let env = [("PROPUSK_ISSUER", b.url())];
        let more = &flags[2..];
        let args = [&["serve", "--listen", "127.0.0.1:0"], more].concat();
        place.run_with(&env, &args).code(2);
    }
    // Who types the file's own issuer means the same, and who types all of it needs nothing of it.
    let all = format!("[serve]\nissuer = ['{}']\n{jwks}\n{clients}\n", a.url());
    place.write("propusk.toml", all);
    for flags in [
        &["--issuer", a.url()][..],
        &["--issuer", b.url(), "--issuer", a.url()],
    ] {
        let server = place.serve(flags);
        says(&place, &server, &without_audience(&a, "app"), 0);
        says(&place, &server, &without_audience(&b, "app"), 3);
        // The keys of one are none of the other.
        let forged = json!({"aud": server.url, "iss": b.url()});
        says(&place, &server, &a.token(&forged), 3);
    }
    let server = place.serve(&[
        "--issuer",
        b.url(),
        "--jwks",
        "b.json",
        "--accept-client",
        "app-b",
    ]);
    says(&place, &server, &without_audience(&b, "app-b"), 0);
    says(&place, &server, &without_audience(&b, "app"), 3);
    // Clients of who is asked about tokens are none of an issuer that is typed.
    place.write(
        "propusk.toml",
        "[serve]\nintrospect = 'https://c.example/i'\nintrospect-client-id = 'me'\n\
         introspect-secret = 'hunter2'\naccept-client = ['app']\n",
    );
    let done = place.run(&["serve", "--listen", "127.0.0.1:0", "--issuer", b.url()]);
    assert!(done.code(2).err.contains("introspect-accept-client"));
}

#[test]
fn a_typed_issuer_keeps_what_its_table_says() {
    let (place, a, b) = (Sandbox::new(), LocalIssuer::start(), LocalIssuer::start());
    place.write("a.json", a.key_set().to_string());
    let write = |keys: &str| {
        let table = |issuer: &LocalIssuer, keys: &str| {
            format!("[[serve.issuer]]\nurl = '{}'\n{keys}\n", issuer.url())
        };
        place.write("propusk.toml", table(&a, keys) + &table(&b, ""));
    };
    let named = ["--issuer", a.url()];
    let env = [("PROPUSK_ISSUER", a.url())];
    for (keys, access, jwt) in [
        ("require-at-jwt = true", 0, 3),
        ("algorithms = ['RS256']", 3, 3),
        ("", 0, 0),
    ] {
        write(keys);
        let (typed, variable) = (place.serve(&named), place.serve_with(&env, &[]));
        let laid_over = place.serve(&[&named[..], &["--jwks", "a.json"]].concat());
        for server in [&typed, &variable, &laid_over] {
            let ours = json!({"aud": server.url});
            says(&place, server, &a.signed("at+jwt", &ours), access);
            says(&place, server, &a.signed("JWT", &ours), jwt);
            // An issuer of the file that was not typed is none.
            says(&place, server, &b.token(&ours), 3);
        }
    }
}

/// The client ids of one issuer mean nothing at another.
#[test]
fn the_rule_of_one_issuer_is_none_of_another() {
    let (place, one, two) = (Sandbox::new(), LocalIssuer::start(), LocalIssuer::start());
    place.write(
        "propusk.toml",
        format!(
            "[serve]\nissuer = ['{}', {{ url = '{}', accept-client = ['app-1'] }}]\n",
            one.url(),
            two.url()
        ),
    );
    let server = place.serve(&[]);
    says(&place, &server, &without_audience(&one, "app-1"), 3);
    says(&place, &server, &without_audience(&two, "app-1"), 0);
    says(&place, &server, &without_audience(&two, "app-2"), 3);
    let ours = json!({"aud": server.url});
    says(&place, &server, &one.token(&ours), 0);
    says(&place, &server, &two.token(&ours), 0);
}

#[test]
fn algorithms_leeway_and_media_type_of_an_issuer() {
    let (place, issuer) = (Sandbox::new(), LocalIssuer::start());
    let url = issuer.url();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ago = |seconds| json!({"exp": now.as_secs() - seconds});
    let (jwt, access) = ("JWT", "at+jwt");
    #[rustfmt::skip]
    let table: &[(&str, &str, Value, i32)] = &[
        ("", access, json!({}), 0),
        ("", jwt, json!({}), 0),
        ("", access, ago(200), 3),
        ("algorithms = ['ES256', 'RS256']", access, json!({}), 0),
        ("algorithms = ['RS256']", access, json!({}), 3),
        ("leeway = '4m'", access, ago(200), 0),
        ("leeway = '0s'", access, ago(2), 3),
        ("require-at-jwt = true", access, json!({}), 0),
        ("require-at-jwt = true", jwt, json!({}), 3),
    ];
    for (keys, media_type, claims, code) in table {
        place.write(
            "propusk.toml",
            format!("[[serve.issuer]]\nurl = '{url}'\n{keys}\n"),
        );
        let server = place.serve(&[]);
        let mut claims = claims.clone();
        claims["aud"] = server.url.clone().into();
        let token = issuer.signed(media_type, &claims);
        let done = place.call(&token, &server.url, &["whoami"]);
        assert_eq!(done.code, *code, "{keys} {media_type} {claims}: {done:?}");
        // A server and `inspect` read the same settings.
        let inspected = place.run(&["inspect", &token, "--resource", &server.url]);
        assert_eq!(inspected.code, *code, "{keys}: {inspected:?}");
    }
}

#[test]
fn keys_of_each_issuer_from_a_file_of_its_own() {
    let (place, one, two) = (Sandbox::new(), LocalIssuer::start(), LocalIssuer::start());
    // Not where the issuer would be asked.
    for issuer in [&one, &two] {
        issuer.publish("/keys", &json!({"keys": []}));
    }
    place.write("one.json", one.key_set().to_string());
    place.write("two.json", two.key_set().to_string());
    let table = |issuer: &LocalIssuer, file: &str| {
        format!(
            "[[serve.issuer]]\nurl = '{}'\njwks = '{file}'\n",
            issuer.url()
        )
    };
    let config = table(&one, "one.json") + &table(&two, "two.json");
    place.write("propusk.toml", config);
    let server = place.serve(&[]);
    let ours = json!({"aud": server.url});
    says(&place, &server, &one.token(&ours), 0);
    says(&place, &server, &two.token(&ours), 0);
    let borrowed = json!({"aud": server.url, "iss": two.url()});
    says(&place, &server, &one.token(&borrowed), 3);
}

#[test]
fn a_key_file_that_breaks_later_changes_nothing_until_it_is_mended() {
    let (place, old, new) = (Sandbox::new(), LocalIssuer::start(), LocalIssuer::start());
    place.write("keys.json", old.key_set().to_string());
    let server = place.serve(&["--issuer", old.url(), "--jwks", "keys.json"]);
    let ours = json!({"aud": server.url});
    says(&place, &server, &old.token(&ours), 0);
    place.write("keys.json", "{ this is no key set");
    let mut server = server;
    until("the broken file was looked at", PATIENCE, || {
        says(&place, &server, &old.token(&ours), 0);
        server
            .err()
            .contains("cannot read the key set")
            .then_some(())
    });
    place.write("keys.json", new.key_set().to_string());
    let theirs = new.token(&json!({"aud": server.url, "iss": old.url()}));
    until("the new key is known", PATIENCE, || {
        let code = place.call(&theirs, &server.url, &["whoami"]).code;
        (code == 0).then_some(())
    });
}

/// To open a pipe waits for a writer, and a thread that waits would hold up the stop.
#[test]
fn a_key_file_that_becomes_a_pipe_hangs_nothing() {
    let (place, issuer) = (Sandbox::new(), LocalIssuer::start());
    place.write("keys.json", issuer.key_set().to_string());
    let mut server = place.serve(&["--issuer", issuer.url(), "--jwks", "keys.json"]);
    let ours = json!({"aud": server.url});
    says(&place, &server, &issuer.token(&ours), 0);
    std::fs::remove_file(place.path("keys.json")).expect("removed");
    let made = std::process::Command::new("mkfifo")
        .arg(place.path("keys.json"))
        .status();
    assert!(made.expect("mkfifo runs").success());
    until("the pipe was looked at", PATIENCE, || {
        says(&place, &server, &issuer.token(&ours), 0);
        server.err().contains("not a regular file").then_some(())
    });
    assert!(!server.err().contains("did not answer"), "{}", server.err());
    server.stop().code(0);
}

/// A server that asks this issuer's introspection endpoint.
fn asking(place: &Sandbox, issuer: &LocalIssuer, keys: &str) -> Server {
    place.write(
        "propusk.toml",
        format!(
            "[serve]\nintrospect = '{}/introspect'\nintrospect-client-id = 'me'\n\
             introspect-secret = 'hunter2'\n{keys}\n",
            issuer.url()
        ),
    );
    place.serve(&[])
}

#[test]
fn introspected_tokens_need_an_audience_or_the_rule() {
    let (place, issuer) = (Sandbox::new(), LocalIssuer::start());
    let rule = "introspect-accept-client = ['app-1']";
    let with_issuer = format!("issuer = ['{}']\naccept-client = ['app-1']", issuer.url());
    let named = format!("{with_issuer}\nintrospect-issuer = '{}'", issuer.url());
    let other = format!("{rule}\nissuer = ['https://login.example']");
    let answer = |members: Value| {
        let mut answer = json!({"active": true, "sub": "alice", "client_id": "app-1"});
        let all = answer.as_object_mut().unwrap();
        all.extend(members.as_object().unwrap().clone());
        answer
    };
    #[rustfmt::skip]
    let table: &[(&str, Value, i32)] = &[
        ("", answer(json!({})), 3),
        ("", answer(json!({"aud": "api://notes"})), 3),
        ("audience = ['api://notes']", answer(json!({"aud": "api://notes"})), 0),
        (rule, answer(json!({})), 0),
        (rule, answer(json!({"client_id": "app-2"})), 3),
        (rule, answer(json!({"aud": "https://other.example/mcp"})), 3),
        (rule, json!({"active": true, "sub": "alice", "azp": "app-1"}), 0),
        (rule, json!({"active": true, "sub": "alice", "azp": "app-2"}), 3),
        // One word for both where the issuer and the endpoint are one, which is to be said.
        ("accept-client = ['app-1']", answer(json!({})), 0),
        (&named, answer(json!({})), 0),
        (&with_issuer, answer(json!({})), 3),
        (&other, answer(json!({})), 0),
    ];
    for (keys, answer, code) in table {
        let server = asking(&place, &issuer, keys);
        issuer.publish("/introspect", answer);
        let done = place.call("opaque-token", &server.url, &["whoami"]);
        assert_eq!(done.code, *code, "{keys}: {answer}: {done:?}");
    }
}

/// Many issuers share a host, and an issuer's endpoint may be at another: an address says nothing.
#[test]
fn an_endpoint_answers_for_an_issuer_only_if_that_is_said() {
    let (place, endpoint, other) = (Sandbox::new(), LocalIssuer::start(), LocalIssuer::start());
    let tenant = format!("{}/realms/a", endpoint.url());
    let (own, far) = (endpoint.url(), other.url());
    let answer = |iss: Option<&str>| {
        let mut answer = json!({"active": true, "sub": "alice", "client_id": "app-1"});
        if let Some(iss) = iss {
            answer["iss"] = iss.into();
        }
        answer
    };
    // The issuer of JSON Web Tokens, whom the endpoint answers for, whose token it says it is;
    // what comes of it, and whose user the caller then is.
    let endpoint_name = format!("{own}/introspect");
    type Url<'a> = Option<&'a str>;
    #[rustfmt::skip]
    let table: &[(&str, Url<'_>, Url<'_>, Url<'_>)] = &[
        (&tenant, None, None, Some(&endpoint_name)),
        (&tenant, None, Some(&tenant), None),
        (&tenant, Some(&tenant), None, Some(&tenant)),
        (&tenant, Some(&tenant), Some(&tenant), Some(&tenant)),
        (&tenant, Some(&tenant), Some(own), None),
        (&tenant, Some(own), None, Some(own)),
        (&tenant, Some(own), Some(&tenant), None),
        (far, None, None, Some(&endpoint_name)),
        (far, None, Some(far), None),
        (far, Some(far), None, Some(far)),
        (far, Some(far), Some(far), Some(far)),
    ];
    for (issuer, speaks_for, iss, found) in table {
        let named = speaks_for.map(|url| format!("introspect-issuer = '{url}'"));
        let keys = format!("issuer = ['{issuer}']\n{}", named.unwrap_or_default());
        let rule = "introspect-accept-client = ['app-1']";
        let server = asking(&place, &endpoint, &format!("{keys}\n{rule}"));
        endpoint.publish("/introspect", &answer(*iss));
        let done = place.call("opaque-token", &server.url, &["whoami", "--json"]);
        let row = format!("{issuer} {speaks_for:?} {iss:?}: {done:?}");
        assert_eq!(done.code, if found.is_some() { 0 } else { 3 }, "{row}");
        if let Some(found) = found {
            assert!(done.out.contains(&format!("{found:?}")), "{row}");
        } else if speaks_for.is_none() {
            let inspected = place.run(&["inspect", "opaque-token"]).code(3);
            assert!(
                inspected.out.contains("--introspect-issuer"),
                "{inspected:?}"
            );
        }
        // The clients of the issuer are the endpoint's only where it answers for that issuer.
        let server = asking(
            &place,
            &endpoint,
            &format!("{keys}\naccept-client = ['app-1']"),
        );
        let own_clients = *speaks_for == Some(*issuer);
        let code = if found.is_some() && own_clients { 0 } else { 3 };
        says(&place, &server, "opaque-token", code);
    }
}

/// The flag and the variable say the same, and bind the endpoint of the file only with it.
#[test]
fn an_issuer_of_introspection_is_for_the_endpoint_that_it_was_said_of() {
    let (place, issuer) = (Sandbox::new(), LocalIssuer::start());
    let endpoint = format!("{}/introspect", issuer.url());
    let named = ["--introspect-issuer", issuer.url()];
    let asks = ["--introspect", &*endpoint, "--introspect-client-id", "me"];
    let accepts = ["--issuer", issuer.url(), "--accept-client", "app-1"];
    let secret = ("PROPUSK_INTROSPECT_SECRET", "hunter2");
    let variable = ("PROPUSK_INTROSPECT_ISSUER", issuer.url());
    issuer.publish(
        "/introspect",
        &json!({"active": true, "sub": "alice", "client_id": "app-1"}),
    );
    for (env, flags, code) in [
        (&[secret][..], &named[..], 0),
        (&[secret, variable], &[], 0),
        (&[secret], &[], 3),
    ] {
        let server = place.serve_with(env, &[&asks[..], &accepts, flags].concat());
        says(&place, &server, "opaque-token", code);
    }
    for key in [
        format!("introspect-issuer = '{}'", issuer.url()),
        "introspect-accept-client = ['app-1']".to_owned(),
        "accept-client = ['app-1']".to_owned(),
    ] {
        let of_file = "introspect = 'https://a.example/introspect'";
        place.write("propusk.toml", format!("[serve]\n{of_file}\n{key}\n"));
        let args = [&["serve", "--listen", "127.0.0.1:0"], &asks[..]].concat();
        let done = place.run_with(&[secret], &args).code(2);
        let (name, _) = key.split_once(' ').unwrap();
        for word in [name, "--introspect ", "[serve]"] {
            assert!(done.err.contains(word), "{word}: {done:?}");
        }
    }
}

/// The client and its secret are known to the issuer of the file, and not to be sent to another.
#[test]
fn introspection_at_the_files_issuer_does_not_follow_a_typed_one() {
    let (place, a, b) = (Sandbox::new(), LocalIssuer::start(), LocalIssuer::start());
    let write = |keys: &str| {
        place.write(
            "propusk.toml",
            format!(
                "[serve]\nissuer = ['{}']\nintrospect = 'issuer'\nintrospect-client-id = 'me'\n\
                 introspect-secret = 'hunter2'\n{keys}\n",
                a.url()
            ),
        );
    };
    write("introspect-accept-client = ['app-1']");
    let opaque = json!({"active": true, "sub": "alice", "client_id": "app-1"});
    for issuer in [&a, &b] {
        issuer.publish("/introspect", &opaque);
    }
    let typed = ["serve", "--listen", "127.0.0.1:0", "--issuer", b.url()];
    for (more, key) in [
        (&[][..], "introspect "),
        (&["--introspect", "issuer"], "introspect-accept-client "),
    ] {
        let done = place.run(&[&typed[..], more].concat()).code(2);
        for word in [key, "[serve]", "--issuer", "--introspect"] {
            assert!(done.err.contains(word), "{word}: {done:?}");
        }
    }
    assert!(b.bodies().is_empty());
    let server = place.serve(&["--issuer", a.url()]);
    says(&place, &server, "opaque-token", 0);
    write(&format!("introspect-issuer = '{}'", a.url()));
    let server = place.serve(&["--issuer", b.url()]);
    says(&place, &server, "opaque-token", 3);
    assert!(b.bodies().is_empty());
    assert!(!a.bodies().is_empty());
}

#[test]
fn leeway_and_signed_answers_of_introspection() {
    let (place, issuer) = (Sandbox::new(), LocalIssuer::start());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let signed = format!(
        "introspect-issuer = '{}'\nintrospect-signed = true",
        issuer.url()
    );
    #[rustfmt::skip]
    let table: &[(&str, u64, i32)] = &[
        ("", 200, 3),
        ("introspect-leeway = '4m'", 200, 0),
        // It answers in plain JSON, which is then no answer.
        (&signed, 0, 5),
    ];
    for (keys, seconds_ago, code) in table {
        let server = asking(&place, &issuer, keys);
        let exp = now.as_secs() - seconds_ago;
        let answer = json!({"active": true, "sub": "a", "aud": server.url, "exp": exp});
        issuer.publish("/introspect", &answer);
        let done = place.call("opaque-token", &server.url, &["whoami"]);
        assert_eq!(done.code, *code, "{keys}: {done:?}");
    }
}

#[test]
fn the_key_of_a_client_is_named_to_the_identity_server() {
    let (place, issuer) = (Sandbox::new(), LocalIssuer::start());
    place.write("key.pem", private_key_pem());
    place.write(
        "propusk.toml",
        format!(
            "[serve]\nintrospect = 'issuer'\nissuer = ['{}']\nintrospect-client-id = 'me'\n\
             introspect-auth = 'private_key_jwt'\nintrospect-secret-file = 'key.pem'\n\
             introspect-key-id = 'key-7'\n",
            issuer.url()
        ),
    );
    let server = place.serve(&[]);
    let answer = json!({"active": true, "sub": "alice", "aud": server.url});
    issuer.publish("/introspect", &answer);
    says(&place, &server, "opaque-token", 0);
    let body = issuer.bodies().pop().expect("it was asked");
    let assertion = body
        .split('&')
        .find_map(|p| p.strip_prefix("client_assertion="));
    let header = assertion.expect("an assertion").split('.').next().unwrap();
    let header = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, header);
    let header: Value = serde_json::from_slice(&header.unwrap()).unwrap();
    assert_eq!(header["kid"], "key-7");
}
