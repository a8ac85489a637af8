//! Flags, variables and the file name identity servers: what one says of its own is for no other.

use propusk_testing::local_issuer::LocalIssuer;
use serde_json::json;

use crate::{
    issuers::{says, without_audience},
    support::{Env, Sandbox, Words},
};

#[test]
fn what_variables_say_of_their_issuer_is_not_for_a_typed_one() {
    let place = Sandbox::new();
    let of_a = [
        ("PROPUSK_ISSUER", "https://a.example"),
        ("PROPUSK_INTROSPECT", "https://a.example/introspect"),
        ("PROPUSK_INTROSPECT_CLIENT_ID", "me"),
        ("PROPUSK_INTROSPECT_SECRET", "hunter2"),
        ("PROPUSK_ACCEPT_CLIENT", "app"),
    ];
    let inspect = |args: &[&str]| place.run_with(&of_a, &[&["inspect", "t"], args].concat());
    for (args, words) in [
        (
            ["--issuer", "https://b.example"],
            ["PROPUSK_ACCEPT_CLIENT", "PROPUSK_ISSUER"],
        ),
        (
            ["--introspect", "https://b.example/introspect"],
            ["PROPUSK_INTROSPECT_CLIENT_ID", "PROPUSK_INTROSPECT,"],
        ),
    ] {
        let done = inspect(&args).code(2);
        for word in words {
            assert!(done.err.contains(word), "{done:?}");
        }
        assert!(!done.err.contains("hunter2"), "{done:?}");
    }
    // The same one typed again is no other.
    let done = inspect(&["--issuer", "https://a.example"]);
    assert!(!done.err.contains("belongs to"), "{done:?}");
}

/// A secret, a key or a client that one source means for A is not used for B that a stronger one
/// names.
#[test]
fn what_a_source_says_of_its_identity_server_is_for_no_other() {
    let (place, a, b) = (Sandbox::new(), LocalIssuer::start(), LocalIssuer::start());
    let (a_url, b_url) = (a.url(), b.url());
    let (a_asks, b_asks) = (&*format!("{a_url}/i"), &*format!("{b_url}/i"));
    place.write("k.json", a.key_set().to_string());
    place.write("secret", "hunter2");
    let client = "introspect-client-id = 'me'\nintrospect-secret-file = 'secret'";
    let pinned = &*format!("introspect = 'issuer'\nintrospect-issuer = '{a_url}'\n{client}");
    let accepts = &*format!("{pinned}\nintrospect-accept-client = ['c']");
    let endpoint = &*format!("introspect = '{a_asks}'\n{client}");
    let spoken = &*format!("{endpoint}\nintrospect-issuer = '{a_url}'");
    let follows = &*format!("issuer = ['{a_url}']\nintrospect = 'issuer'\n{client}");
    let no_endpoint =
        &*format!("issuer = ['{a_url}']\naccept-client = ['c']\nintrospect-issuer = '{a_url}'");
    let key_id = &*format!("introspect = '{a_asks}'\nintrospect-key-id = '7'");
    let auth = &*format!("introspect = '{a_asks}'\nintrospect-auth = 'post'");
    let own_clients = &*format!("introspect = '{a_asks}'\nintrospect-accept-client = ['c']");
    let (issuer, jwks) = (("PROPUSK_ISSUER", a_url), ("PROPUSK_JWKS", "k.json"));
    let accept = ("PROPUSK_ACCEPT_CLIENT", "c");
    let asks = ("PROPUSK_INTROSPECT", a_asks);
    let speaks = ("PROPUSK_INTROSPECT_ISSUER", a_url);
    let id = ("PROPUSK_INTROSPECT_CLIENT_ID", "me");
    let secret = ("PROPUSK_INTROSPECT_SECRET", "hunter2");
    let secret_file = ("PROPUSK_INTROSPECT_SECRET_FILE", "secret");
    let method = ("PROPUSK_INTROSPECT_AUTH", "post");
    let (to_b, id_b) = (["--introspect", b_asks], ["--introspect-client-id", "b"]);
    let both = [&to_b[..], &id_b].concat();
    let file_b = [&both[..], &["--introspect-secret-file", "secret"]].concat();
    #[rustfmt::skip]
    let table: &[(&str, Env<'_>, Words<'_>, [&str; 2])] = &[
        // the file, variables, flags; what is named as of another, and what names that
        (accepts, &[("PROPUSK_INTROSPECT_ISSUER", b_url)], &[], ["introspect-accept-client in", "PROPUSK_INTROSPECT_ISSUER"]),
        (accepts, &[], &["--introspect-issuer", b_url], ["introspect-accept-client in", "--introspect-issuer"]),
        (pinned, &[], &["--introspect-issuer", b_url], ["introspect-client-id in", "--introspect-issuer"]),
        (pinned, &[id], &["--introspect-issuer", b_url], ["introspect-secret-file in", "--introspect-issuer"]),
        (follows, &[], &["--introspect-issuer", b_url], ["introspect-client-id in", "--introspect-issuer"]),
        (follows, &[], &["--issuer", b_url, "--introspect", "issuer"], ["introspect-client-id in", "--issuer"]),
        (follows, &[("PROPUSK_ISSUER", b_url)], &["--introspect", "issuer"], ["introspect-client-id in", "PROPUSK_ISSUER"]),
        (endpoint, &[], &[to_b[0], b_asks, "--accept-client", "c"], ["introspect-client-id in", "--introspect"]),
        (endpoint, &[], &both, ["introspect-secret-file in", "--introspect"]),
        (endpoint, &[("PROPUSK_INTROSPECT", b_asks)], &[], ["introspect-client-id in", "PROPUSK_INTROSPECT"]),
        (spoken, &[], &["--introspect-issuer", b_url, "--introspect-secret-file", "secret", id_b[0], "b"], ["introspect in", "--introspect-issuer"]),
        (no_endpoint, &[], &file_b, ["introspect-issuer in", "--introspect"]),
        (key_id, &[], &file_b, ["introspect-key-id in", "--introspect"]),
        (auth, &[], &file_b, ["introspect-auth in", "--introspect"]),
        // These clients are of the issuer that is typed, and would leave those of the file.
        (own_clients, &[], &[&file_b[..], &["--issuer", b_url, "--accept-client", "x"]].concat(), ["introspect-accept-client in", "--introspect"]),
        ("", &[issuer, jwks], &["--issuer", b_url], ["PROPUSK_JWKS", "--issuer"]),
        ("", &[issuer, accept], &["--issuer", b_url, "--jwks", "k.json"], ["PROPUSK_ACCEPT_CLIENT", "--issuer"]),
        ("jwks = 'k.json'", &[issuer], &["--issuer", b_url], ["jwks in", "--issuer"]),
        ("", &[asks, id, secret, accept], &["--issuer", b_url], ["PROPUSK_ACCEPT_CLIENT", "--issuer"]),
        ("", &[asks, speaks, accept, id, secret], &["--issuer", a_url, to_b[0], b_asks], ["PROPUSK_INTROSPECT_ISSUER", "--introspect"]),
        ("", &[asks, speaks, accept, id, secret], &["--issuer", a_url, to_b[0], b_asks, "--introspect-issuer", a_url], ["PROPUSK_ACCEPT_CLIENT", "--introspect"]),
        ("", &[asks, id, secret], &to_b, ["PROPUSK_INTROSPECT_CLIENT_ID", "--introspect"]),
        ("", &[asks, secret], &both, ["PROPUSK_INTROSPECT_SECRET", "--introspect"]),
        ("", &[asks, secret_file], &both, ["PROPUSK_INTROSPECT_SECRET_FILE", "--introspect"]),
        ("", &[asks, method], &file_b, ["PROPUSK_INTROSPECT_AUTH", "--introspect"]),
        (client, &[asks], &to_b, ["introspect-client-id in", "--introspect"]),
    ];
    let answer = json!({"active": true, "sub": "alice", "client_id": "c"});
    b.publish("/i", &answer);
    for (keys, env, flags, [of, wins]) in table {
        place.write("propusk.toml", format!("[serve]\n{keys}\n"));
        for command in [&["inspect", "t"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let done = place.run_with(env, &[command, flags].concat());
            let row = format!("{keys} {env:?} {flags:?}: {done:?}");
            assert_eq!(done.code, 2, "{row}");
            let said = done.err.split("belongs to").next().unwrap_or_default();
            assert!(said.contains(&format!("{of} ")), "{of}: {row}");
            let named = format!(", and {wins} names another");
            assert!(done.err.contains(&named), "{wins}: {row}");
            assert!(!done.err.contains("hunter2"), "{row}");
        }
    }
    assert!(b.bodies().is_empty());
    let of_b = [
        &file_b[..],
        &["--introspect-issuer", b_url, "--issuer", b_url],
    ]
    .concat();
    let of_b = [&of_b[..], &["--accept-client", "c"]].concat();
    #[rustfmt::skip]
    let allowed: &[(&str, Env<'_>, Words<'_>)] = &[
        // All of it typed, whatever else is there.
        (accepts, &[], &of_b),
        (spoken, &[issuer, jwks], &[&of_b[..], &["--jwks", "k.json"]].concat()),
        ("", &[issuer, asks, speaks, accept, id, secret], &of_b),
        // The same one again, in the same or in another source.
        (accepts, &[speaks], &["--introspect", "issuer", "--introspect-issuer", a_url]),
        (endpoint, &[asks], &["--introspect", a_asks]),
        (follows, &[issuer], &["--issuer", a_url]),
        (follows, &[], &["--introspect-issuer", a_url]),
        ("", &[issuer, jwks, accept], &["--issuer", a_url]),
        ("", &[asks, speaks, accept, id, secret], &["--issuer", a_url]),
        // What names nobody is for whom a stronger source names.
        (client, &[], &to_b),
        (client, &[asks], &[]),
        ("", &[id, secret], &to_b),
        (endpoint, &[], &["--introspect-issuer", a_url]),
        (endpoint, &[], &["--introspect-client-id", "you"]),
        (no_endpoint, &[jwks, accept], &["--issuer", b_url, "--introspect", "issuer", "--introspect-issuer", b_url, "--introspect-client-id", "b", "--introspect-secret-file", "secret"]),
    ];
    for (keys, env, flags) in allowed {
        place.write("propusk.toml", format!("[serve]\n{keys}\n"));
        let server = place.serve_with(env, flags);
        drop(server);
    }
    let of_file = format!("issuer = ['{a_url}']\njwks = 'k.json'\naccept-client = ['x']");
    place.write("propusk.toml", format!("[serve]\n{of_file}\n"));
    place.write("k.json", b.key_set().to_string());
    let server = place.serve_with(&[jwks, accept], &["--issuer", b_url]);
    says(&place, &server, &without_audience(&b, "c"), 0);
    says(&place, &server, &without_audience(&b, "x"), 3);
}
