//! `serve --issuer`, and where its keys come from.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use propusk_testing::identity_provider::Endpoint;
use serde_json::{Value, json};

use super::provider::{Provider, SCOPE, SUBJECT, call, from_now, whoami};
use crate::support::{Sandbox, Server, until};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn keys_of_the_issuer_at_a_url_and_in_a_file() {
    let (place, provider) = (Sandbox::new(), Provider::start());
    let (issuer, jwks) = (provider.issuer(), provider.idp.url(Endpoint::Jwks));
    place.write("keys.json", provider.key_set());
    for flags in [
        &["--issuer", issuer][..],
        &["--issuer", issuer, "--jwks", &jwks],
        &["--issuer", issuer, "--jwks", "keys.json"],
    ] {
        let server = place.serve(&[flags, &["--log", "trace"]].concat());
        let token = provider.token(&server.url);
        let caller = whoami(&place, &server, &token);
        assert_eq!(caller["subject"], SUBJECT, "{flags:?}");
        assert_eq!(caller["issuer"], issuer);
        assert_eq!(caller["client_id"], "native");
        assert_eq!(caller["scopes"], json!([SCOPE]));
        assert!(caller["expires_at"].is_string());
        refused(&place, &provider, &server);
        assert_eq!(metadata(&server)["authorization_servers"], json!([issuer]));
        assert_eq!(metadata(&server)["resource"], server.url);
        let log = server.stop().code(0).err;
        let signature = token.rsplit('.').next().unwrap();
        assert!(
            log.contains("TRACE") && !log.contains(signature),
            "{flags:?}"
        );
    }
    assert_eq!(
        provider.asked(Endpoint::OauthMetadata),
        1,
        "keys by metadata once"
    );
    assert!(
        !place.path("propusk.db").exists(),
        "no store where nobody asked for one"
    );
}

fn refused(place: &Sandbox, provider: &Provider, server: &Server) {
    let signed = |key: &str, members: Value| provider.signed(key, &server.url, &members);
    for token in [
        signed("provider:RS256", json!({"exp": from_now(-31)})),
        signed(
            "provider:RS256",
            json!({"aud": "https://other.example/mcp"}),
        ),
        signed("provider:RS256", json!({"iss": "https://other.example"})),
        signed("provider:RS256", json!({"nbf": from_now(60)})),
        signed("stranger", json!({"iat": from_now(-3600)})),
        "garbage".to_owned(),
        provider.opaque(&server.url),
    ] {
        let done = call(place, server, &token).code(3);
        assert!(done.err.contains("invalid_token"), "{done:?}");
    }
    call(place, server, "").code(3);
}

/// The document of RFC 9728.
fn metadata(server: &Server) -> Value {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.address()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    serde_json::from_str(body).unwrap()
}

#[test]
fn a_key_file_is_read_again_when_it_changes() {
    let (place, provider) = (Sandbox::new(), Provider::start());
    place.write("keys.json", provider.key_set());
    let server = place.serve(&["--issuer", provider.issuer(), "--jwks", "keys.json"]);
    let old = provider.token(&server.url);
    whoami(&place, &server, &old);
    provider.rotate();
    place.write("keys.json", provider.key_set());
    let new = provider.token(&server.url);
    until("the new key is known", PATIENCE, || {
        assert_eq!(call(&place, &server, &old).code, 0);
        let code = call(&place, &server, &new).code;
        assert!([0, 5].contains(&code), "a good token was refused: {code}");
        (code == 0).then_some(())
    });
    assert_eq!(
        provider.asked(Endpoint::OauthMetadata),
        0,
        "nobody is asked"
    );
}

/// Two issuers, each with its own keys.
#[test]
fn several_issuers() {
    let (place, one, two) = (Sandbox::new(), Provider::start(), Provider::start());
    let server = place.serve(&["--issuer", one.issuer(), "--issuer", two.issuer()]);
    for (provider, other) in [(&one, &two), (&two, &one)] {
        let caller = whoami(&place, &server, &provider.token(&server.url));
        assert_eq!(caller["issuer"], provider.issuer());
        let borrowed = json!({"iss": other.issuer(), "iat": from_now(-3600)});
        let forged = provider.signed("provider:RS256", &server.url, &borrowed);
        call(&place, &server, &forged).code(3);
    }
    let named = json!([one.issuer(), two.issuer()]);
    assert_eq!(metadata(&server)["authorization_servers"], named);
}
