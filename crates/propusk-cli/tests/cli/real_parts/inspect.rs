//! `propusk inspect`: which verifier, why, and never what proves.

use std::fs::File;

use propusk_testing::identity_provider::Endpoint;
use serde_json::{Value, json};

use super::provider::{Provider, SUBJECT, from_now, inspect, words};
use crate::support::{Done, PROPUSK, Sandbox, done};

const RESOURCE: &str = "http://127.0.0.1:8000/mcp";

/// What is expected of a token.
struct Row {
    what: &'static str,
    token: String,
    code: i32,
    verdict: &'static str,
    /// In the reason or in the refusal.
    why: &'static str,
}

fn row(
    what: &'static str,
    token: String,
    code: i32,
    verdict: &'static str,
    why: &'static str,
) -> Row {
    Row {
        what,
        token,
        code,
        verdict,
        why,
    }
}

/// Nothing that would let a reader present the token is in what was printed.
#[track_caller]
fn discreet(done: Done, token: &str) -> Done {
    let shown = format!("{}{}", done.out, done.err);
    let proof = token.rsplit('.').next().unwrap_or(token);
    for secret in [token, proof, &proof[..proof.len().min(20)]] {
        // Shorter ones are words that may stand there by chance.
        assert!(secret.len() < 12 || !shown.contains(secret), "{shown}");
    }
    done
}

fn check(place: &Sandbox, flags: &[String], rows: Vec<Row>) {
    let flags = words(flags);
    for Row {
        what,
        token,
        code,
        verdict,
        why,
    } in rows
    {
        let table = discreet(inspect(place, RESOURCE, &flags, &token), &token);
        assert_eq!(table.code, code, "{what}: {table:#?}");
        for word in [verdict, why, RESOURCE, "on this machine"] {
            assert!(table.out.contains(word), "{what}, {word}: {}", table.out);
        }
        let json = [&flags[..], &["--json"]].concat();
        let json = discreet(inspect(place, RESOURCE, &json, &token), &token);
        assert_eq!(json.code, code, "{what}: {json:#?}");
        let told = json.json();
        assert_eq!(told["verdict"], verdict, "{what}: {told}");
        let said = format!("{} {}", told["explanation"], told["refusal"]);
        assert!(said.contains(why), "{what}: {told}");
        let decision = if code == 0 { "permitted" } else { "refused" };
        assert_eq!(told["decision"], decision, "{what}");
        assert_eq!(told["resource"], RESOURCE);
        assert!(told["clock"].is_string());
        if let Ok(claims) = claims(&token) {
            assert_eq!(told["claims"], claims, "{what}");
            assert!(told["header"]["alg"].is_string(), "{what}: {told}");
        }
    }
}

/// The claims of a JWT, as anybody can read them.
fn claims(token: &str) -> Result<Value, ()> {
    let part = token.split('.').nth(1).ok_or(())?;
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, part);
    serde_json::from_slice(&bytes.map_err(|_| ())?).map_err(|_| ())
}

#[test]
fn json_web_tokens() {
    let (place, mut provider) = (Sandbox::new(), Provider::start());
    let signed = |members: Value| provider.signed("provider:RS256", RESOURCE, &members);
    let old = json!({"iat": from_now(-3600)});
    let good = provider.token(RESOURCE);
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    let flags = ["--issuer", provider.issuer()].map(str::to_owned);
    let rows = vec![
        row("valid", good.clone(), 0, "valid", ""),
        row(
            "expired",
            signed(json!({"exp": from_now(-7200)})),
            3,
            "not valid",
            "2 hours ago",
        ),
        row(
            "early",
            signed(json!({"nbf": from_now(10_000)})),
            3,
            "not valid",
            "valid in 2 hours",
        ),
        row(
            "foreign",
            signed(json!({"aud": "https://a.example"})),
            3,
            "not valid",
            "another audience",
        ),
        row(
            "no exp",
            signed(json!({"exp": null})),
            3,
            "not valid",
            "`exp`",
        ),
        row(
            "of another",
            signed(json!({"iss": "https://a.example"})),
            3,
            "not recognised",
            "https://a.example",
        ),
        row(
            "stranger",
            provider.signed("stranger", RESOURCE, &old),
            3,
            "not valid",
            "not among those of the issuer",
        ),
        row("forged", forged, 3, "not valid", "signature is wrong"),
        row(
            "garbage",
            "some-garbage-0123456789".to_owned(),
            3,
            "not recognised",
            "prefixes",
        ),
        row("dots", "a.b.c".to_owned(), 3, "not recognised", ""),
        row(
            "opaque",
            provider.opaque(RESOURCE),
            3,
            "not recognised",
            "prefixes",
        ),
    ];
    check(&place, &flags, rows);

    let demanding = [
        &flags[..],
        &["--required-scope", "admin"].map(str::to_owned),
    ]
    .concat();
    check(
        &place,
        &demanding,
        vec![row("too weak", good.clone(), 4, "valid", "admin")],
    );

    provider.stop();
    let down = vec![row(
        "down",
        good.clone(),
        5,
        "cannot tell now",
        "cannot connect",
    )];
    check(&place, &flags, down);
    assert!(place.files().is_empty(), "a look leaves nothing behind");
}

#[test]
fn opaque_tokens() {
    let (place, mut provider) = (Sandbox::new(), Provider::start());
    place.write("secret", provider.secret("resource-server"));
    let endpoint = provider.idp.url(Endpoint::Introspection);
    let flags = [
        &["--issuer", provider.issuer(), "--introspect", &*endpoint][..],
        &["--introspect-issuer", provider.issuer()],
        &[
            "--introspect-client-id",
            "resource-server",
            "--introspect-secret-file",
            "secret",
        ],
    ];
    let flags: Vec<String> = flags.concat().into_iter().map(str::to_owned).collect();
    let (active, withdrawn) = (provider.opaque(RESOURCE), provider.opaque(RESOURCE));
    provider.revoke(&withdrawn);
    let rows = vec![
        row("active", active.clone(), 0, "valid", ""),
        row("withdrawn", withdrawn, 3, "not valid", "not active"),
        row(
            "foreign",
            provider.opaque("https://a.example/mcp"),
            3,
            "not valid",
            "another audience",
        ),
        row(
            "garbage",
            "some-garbage-0123456789".to_owned(),
            3,
            "not valid",
            "not active",
        ),
        row("a JWT", provider.token(RESOURCE), 0, "valid", ""),
    ];
    check(&place, &flags, rows);
    let json = [&words(&flags)[..], &["--json"]].concat();
    let told = inspect(&place, RESOURCE, &json, &active).code(0).json();
    assert_eq!(told["verifier"], "introspection at 127.0.0.1");
    assert_eq!(told["claims"]["sub"], SUBJECT, "what was answered");
    provider.stop();
    let down = vec![row("down", active, 5, "cannot tell now", "does not answer")];
    check(&place, &flags, down);
}

/// An argument, standard input, and the variable.
#[test]
fn three_ways_to_give_a_token() {
    let (place, provider) = (Sandbox::new(), Provider::start());
    let token = provider.token(RESOURCE);
    place.write("token", format!("Bearer {token}\n"));
    let flags = [
        "inspect",
        "--issuer",
        provider.issuer(),
        "--resource",
        RESOURCE,
    ];
    let from_argument = place.run(&[&flags[..], &[&token]].concat());
    let mut command = place.command(PROPUSK, &[&flags[..], &["-"]].concat(), &[]);
    command.stdin(File::open(place.path("token")).unwrap());
    let from_input = done(command);
    let from_variable = place.run_with(&[("PROPUSK_TOKEN", &token)], &flags);
    for given in [from_argument, from_input, from_variable] {
        let given = discreet(given.code(0), &token);
        let verifier = format!("JWT of {}", provider.issuer());
        for word in [&*verifier, "verdict", SUBJECT, "native", "notes:read"] {
            assert!(given.out.contains(word), "{word}: {}", given.out);
        }
        // The expiry stands beside the clock.
        assert!(given.out.contains("(in "), "{}", given.out);
    }
}
