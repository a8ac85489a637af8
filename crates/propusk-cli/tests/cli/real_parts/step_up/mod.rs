//! Step-up from end to end: clients that others wrote, a real identity provider, and our server. A
//! tool is refused with 403, the client gets a wider token, and the call goes through.
//!
//! What a client does with a 403 differs. The Python client answers it by itself, once for each
//! request. The TypeScript client does so too, but ends the call with an error where a person has to
//! sign in, and its application calls again. rmcp hands the challenge to its application and computes
//! the scopes to ask for.

mod client;
mod person;
mod rust;
mod script;

use propusk_testing::identity_provider::{Endpoint, Options};
use serde_json::json;

use self::{
    client::{AfterFailedSignIn, Client},
    person::{CALLBACK, Person},
    rust::Rust,
    script::{Language, Script},
};
use super::provider::Provider;
use crate::support::{Sandbox, Server, Words};

/// A client that is known to the provider by its metadata document.
const DOCUMENT: &str = "https://client.example/oauth.json";

/// Mode of the client, the version that comes of it, and what the client is to the provider.
const ERAS: [(&str, &str, &str); 2] = [
    ("auto", "2026-07-28", DOCUMENT),
    ("legacy", "2025-11-25", "native"),
];

/// Connects a client: sandbox, (URL, mode, client id) and who signs in.
type Start = fn(&Sandbox, (&str, &str, &str), &mut Person<'_>) -> Result<Box<dyn Client>, String>;

fn python(place: &Sandbox, to: (&str, &str, &str), person: &mut Person<'_>) -> Started {
    Ok(Box::new(Script::start(
        Language::Python,
        place,
        to,
        person,
    )?))
}

fn typescript(place: &Sandbox, to: (&str, &str, &str), person: &mut Person<'_>) -> Started {
    Ok(Box::new(Script::start(
        Language::TypeScript,
        place,
        to,
        person,
    )?))
}

fn rust(_: &Sandbox, to: (&str, &str, &str), person: &mut Person<'_>) -> Started {
    Ok(Box::new(Rust::start(to, person)?))
}

type Started = Result<Box<dyn Client>, String>;

/// A server, and what it tells its clients.
struct Row {
    flags: Words<'static>,
    /// The scopes that a client is to ask for at first.
    basic: &'static str,
    /// The scopes that `notes_add` needs.
    needed: &'static str,
    /// The scopes that are asked for then, and held.
    wider: &'static [&'static str],
    /// Whether `notes_add` is listed to those who may not call it. A client calls it by name then.
    listed: bool,
}

const SERVERS: [Row; 2] = [
    Row {
        flags: &["--suggested-scope", "notes:read"],
        basic: "notes:read",
        needed: "notes:write",
        // What was held before is asked for again, though nobody needs it for this call.
        wider: &["notes:read", "notes:write"],
        listed: false,
    },
    Row {
        flags: &["--required-scope", "mcp", "--show-all"],
        basic: "mcp",
        needed: "mcp notes:write",
        wider: &["mcp", "notes:write"],
        listed: true,
    },
];

#[test]
fn python_steps_up() {
    each_steps_up(python);
}

#[test]
fn typescript_steps_up() {
    each_steps_up(typescript);
}

#[test]
fn rust_steps_up() {
    each_steps_up(rust);
}

fn each_steps_up(start: Start) {
    let (place, provider) = (Sandbox::new(), provider(Options::new()));
    for row in &SERVERS {
        let server = serve(&place, &provider, row.flags);
        for (mode, version, id) in ERAS {
            let mut person = Person::new(&provider);
            let to = (&*server.url, mode, id);
            let mut client = start(&place, to, &mut person).unwrap();
            assert_eq!(client.version(), version);
            steps_up(row, &server, id, &mut *client, &mut person);
        }
    }
    assert_eq!(provider.asked(Endpoint::Registration), 0);
}

fn steps_up(
    row: &Row,
    server: &Server,
    id: &str,
    client: &mut dyn Client,
    person: &mut Person<'_>,
) {
    let (first, later) = challenges(server, row);
    assert_eq!(client.refusals(), [(401, first)]);
    assert_eq!(person.asked(0, &server.url, id), [row.basic]);
    assert_eq!(client.scopes(person), [row.basic]);
    assert_eq!(client.sees(person, "notes_add"), row.listed);
    assert_eq!(person.visits(), 1);

    let note = client.call(person, "notes_add").unwrap();
    assert_eq!(note["text"], "a note");
    assert_eq!(client.refusals(), [(403, later)], "refused once");
    assert_eq!(person.asked(1, &server.url, id), row.wider);

    assert_eq!(client.scopes(person), row.wider);
    assert!(client.sees(person, "notes_add"), "with the wider token");
    client.call(person, "notes_add").unwrap();
    assert_eq!(person.visits(), 2, "the wider token stays");
    assert_eq!(client.refusals(), []);
    let warnings = client.warnings();
    assert!(!warnings.contains("unknown format"), "{warnings}");
}

/// The challenges of a 401 and of the 403 of `notes_add`, to the byte.
fn challenges(server: &Server, row: &Row) -> (String, String) {
    let Row { basic, needed, .. } = row;
    let origin = server.url.strip_suffix("/mcp").unwrap();
    let metadata =
        format!(r#"resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp""#);
    let why = format!("The access token does not permit this operation. It needs: {needed}.");
    (
        format!(r#"Bearer {metadata}, scope="{basic}""#),
        format!(
            r#"Bearer {metadata}, error="insufficient_scope", error_description="{why}", scope="{needed}""#
        ),
    )
}

/// The provider signs the person in and leaves the scope out.
#[test]
fn a_scope_that_nobody_grants() {
    for (start, most, words) in [
        // The server's own sentence.
        (python as Start, 2, "It needs: notes:write"),
        // These two leave it to their application to give up: here after two attempts.
        (typescript, 3, "still refused"),
        (rust, 3, "still refused"),
    ] {
        let place = Sandbox::new();
        let provider = provider(Options::new().scopes("notes:read mcp"));
        let server = serve(&place, &provider, SERVERS[0].flags);
        for (mode, _, id) in ERAS {
            let mut person = Person::new(&provider);
            let mut client = start(&place, (&server.url, mode, id), &mut person).unwrap();
            let error = client.call(&mut person, "notes_add").unwrap_err();
            assert!(error.contains(words), "{mode}: {error}");
            assert_eq!(person.visits(), most, "{mode}: {error}");
            assert_eq!(client.scopes(&mut person), ["notes:read"], "{mode}");
            assert_eq!(person.visits(), most, "{mode}: what is permitted stays so");
        }
    }
}

/// The person says no to the wider token.
#[test]
fn a_person_who_refuses() {
    use AfterFailedSignIn::{Ends, GoesOn};
    for (start, words, after) in [
        // The Python client does not hand on what the provider says, and takes the connection down.
        (python as Start, "No authorization code", Ends),
        (typescript, "the person said no", GoesOn),
        (rust, "callback missing code", GoesOn),
    ] {
        let (place, provider) = (Sandbox::new(), provider(Options::new()));
        let server = serve(&place, &provider, SERVERS[1].flags);
        for (mode, _, id) in ERAS {
            let mut person = Person::new(&provider).refusing_more();
            let mut client = start(&place, (&server.url, mode, id), &mut person).unwrap();
            let error = client.call(&mut person, "notes_add").unwrap_err();
            assert!(error.contains(words), "{mode}: {error}");
            assert_eq!(person.visits(), 2, "{mode}: {error}");
            if after == GoesOn {
                assert_eq!(client.scopes(&mut person), ["mcp"], "{mode}");
            }
        }
    }
}

/// All three clients register with the scopes of their first sign-in (RFC 7591 section 2), and a
/// provider that takes this at its word never grants more: what registers itself cannot step up here.
#[test]
fn a_client_that_registers_itself_is_held_to_its_first_scopes() {
    let (place, provider) = (Sandbox::new(), provider(Options::new()));
    let server = serve(&place, &provider, SERVERS[0].flags);
    for (clients, start) in (1..).zip([python as Start, typescript, rust]) {
        let mut person = Person::new(&provider);
        let mut client = start(&place, (&server.url, "auto", ""), &mut person).unwrap();
        assert_eq!(client.scopes(&mut person), ["notes:read"]);
        let error = client.call(&mut person, "notes_add").unwrap_err();
        assert_eq!(person.visits(), 2, "{error}");
        assert_eq!(provider.asked(Endpoint::Registration), clients, "{error}");
    }
}

/// A server that names no scope leaves clients to guess, and says so to its operator.
#[test]
fn without_a_suggestion_clients_guess() {
    let (place, provider) = (Sandbox::new(), provider(Options::new()));
    let mut server = serve(&place, &provider, &[]);
    assert!(
        server.err().contains("--suggested-scope"),
        "{}",
        server.err()
    );
    let to = (&*server.url, "auto", DOCUMENT);

    let mut person = Person::new(&provider);
    python(&place, to, &mut person).unwrap();
    let asked = person.asked(0, &server.url, DOCUMENT);
    assert!(
        asked.contains(&"admin"),
        "all that the provider has: {asked:?}"
    );

    let mut person = Person::new(&provider);
    let refused = typescript(&place, to, &mut person).err().unwrap();
    assert!(person.asked(0, &server.url, DOCUMENT).is_empty());
    assert!(
        refused.contains("access_denied"),
        "no scope, no token: {refused}"
    );
}

fn provider(options: Options) -> Provider {
    let provider = Provider::start_with(options);
    provider.publish_client(
        DOCUMENT,
        json!({
            "client_id": DOCUMENT,
            "client_name": "propusk interoperability",
            "application_type": "native",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }),
    );
    provider
}

fn serve(place: &Sandbox, provider: &Provider, flags: Words<'_>) -> Server {
    place.serve(&[&["--issuer", provider.issuer()], flags].concat())
}
