//! Statuses and challenges (RFC 6750 §3, RFC 9728 §5.1).

use propusk::Challenge;

use crate::support::{
    Era, MOUNTS, Mount, Reply, Request, Site, Wire, call, called, initialize, legacy,
};

/// Requests to the endpoint that have no body to be looked at.
const LINES: [&str; 5] = [
    "POST /mcp",
    "GET /mcp",
    "DELETE /mcp",
    "PUT /mcp",
    "OPTIONS /mcp",
];

/// A status, and the `error` of the challenge.
type Answer = (u16, Option<&'static str>);

/// A server without an authorization server, and one with: its challenges differ.
async fn sites(mount: Mount) -> [(Site, bool); 2] {
    let scoped = |settings: propusk::AuthSettings| settings.require_scopes("mcp").unwrap();
    let plain = Site::start(mount, scoped).await;
    let oauth = |settings| scoped(settings).authorization_server("https://login.example");
    [(plain, false), (Site::start(mount, oauth).await, true)]
}

fn check(site: &Site, oauth: bool, case: &str, reply: &Reply, expected: Answer) {
    assert_eq!(reply.status, expected.0, "{case}: {reply:?}");
    let challenge = reply.header("www-authenticate").expect(case);
    let parsed = Challenge::parse_all(challenge);
    assert_eq!(parsed.len(), 1, "{case}: {challenge}");
    let parsed = &parsed[0];
    assert!(parsed.is_bearer(), "{case}: {challenge}");
    assert_eq!(parsed.error(), expected.1, "{case}: {challenge}");
    assert_eq!(
        parsed.error_description().is_some(),
        expected.1.is_some(),
        "{case}: {challenge}"
    );
    assert_eq!(
        parsed.parameter("scope"),
        Some("mcp"),
        "{case}: {challenge}"
    );
    let (metadata, realm) = match oauth {
        true => (Some(site.metadata_url()), None),
        // A document that names no authorization server would send OAuth clients to nowhere.
        false => (None, Some(site.url())),
    };
    assert_eq!(
        parsed.parameter("resource_metadata"),
        metadata.as_deref(),
        "{case}: {challenge}"
    );
    assert_eq!(parsed.realm(), realm.as_deref(), "{case}: {challenge}");
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{case}");
    assert_eq!(reply.header("retry-after"), None, "{case}");
    if reply.status != 400 {
        let error = &reply.json()["error"];
        assert!(error["message"].is_string(), "{case}: {}", reply.text());
        assert_eq!(error["data"]["error"].as_str(), expected.1, "{case}");
    }
}

#[tokio::test]
async fn rfc6750_3_every_method_gets_the_status_and_the_challenge_of_its_credentials() {
    let long = format!("Bearer {}", "a".repeat(16 * 1024 + 1));
    let (none, token, request) = (
        (401, None),
        (401, Some("invalid_token")),
        (400, Some("invalid_request")),
    );
    #[rustfmt::skip]
    let table: Vec<(&str, &str, Vec<&[u8]>, Answer)> = vec![
        // case                              query             Authorization headers               answer
        ("nothing",                          "",               vec![],                             none),
        ("another scheme",                   "",               vec![b"Basic YWxpY2U6eA=="],        none),
        ("a token in the query only",        "?access_token=alice", vec![],                        none),
        ("an unknown token",                 "",               vec![b"Bearer unknown"],            token),
        ("an expired token",                 "",               vec![b"Bearer expired"],            token),
        ("a token for another resource",     "",               vec![b"Bearer foreign"],            token),
        ("no token after the scheme",        "",               vec![b"Bearer"],                    request),
        ("two words",                        "",               vec![b"Bearer alice bob"],          request),
        ("a list",                           "",               vec![b"Bearer alice, Bearer bob"],  request),
        ("quotes",                           "",               vec![b"Bearer \"alice\""],          request),
        ("bytes that are no text",           "",               vec![b"Bearer \xff\xfe"],           request),
        ("16 KiB and one byte",              "",               vec![long.as_bytes()],              request),
        ("two tokens",                       "",               vec![b"Bearer alice", b"Bearer bob"], request),
        ("one token twice",                  "",               vec![b"Bearer alice", b"Bearer alice"], request),
        ("two schemes",                      "",               vec![b"Bearer alice", b"Basic eA=="], request),
        ("a token in header and query",      "?access_token=alice", vec![b"Bearer alice"],         request),
        ("… and with an escape in the name", "?access%5Ftoken=x",   vec![b"Bearer alice"],         request),
        ("a token without the scope",        "",               vec![b"Bearer poor"], (403, Some("insufficient_scope"))),
    ];
    for mount in MOUNTS {
        for (site, oauth) in sites(mount).await {
            for line in LINES {
                for (case, query, credentials, expected) in &table {
                    let mut request = Request::new(&format!("{line}{query}"));
                    for credential in credentials {
                        request = request.header("Authorization", credential);
                    }
                    let case = format!("{mount:?} {line} with {case}");
                    check(&site, oauth, &case, &site.send(&request).await, *expected);
                }
            }
        }
    }
}

#[tokio::test]
async fn rfc9110_11_1_the_scheme_is_not_case_sensitive() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for good in [
            "Bearer alice",
            "bearer alice",
            "BEARER alice",
            "bEaReR   alice ",
            "Bearer\talice",
        ] {
            for era in Era::BOTH {
                let reply = site.tool(era, &[("Authorization", good)], "whoami").await;
                assert_eq!(called(&reply), "alice", "{mount:?} {era:?} {good:?}");
            }
        }
    }
}

/// The clock is the layer's, so that only this mounting has one to move.
#[tokio::test]
async fn a_token_is_valid_until_the_second_in_which_it_expires() {
    let site = Site::plain(Mount::Layer).await;
    let request = call("whoami").bearer("timed");
    assert_eq!(called(&site.send(&request).await), "alice");
    let session = site
        .open(&[("Authorization", "Bearer timed")])
        .await
        .expect("a session");
    site.a_second_passes();
    let inside = legacy(&session, "whoami").bearer("timed");
    for request in [
        request,
        inside.clone(),
        inside.line("GET /mcp"),
        initialize().bearer("timed"),
    ] {
        let reply = site.send(&request).await;
        assert_eq!(reply.status, 401, "{reply:?}");
        let challenge = reply.header("www-authenticate").expect("a challenge");
        assert!(
            challenge.contains("invalid_token") && challenge.contains("expired"),
            "{challenge}"
        );
    }
}

#[tokio::test]
async fn an_outage_of_the_verifier_is_503_and_never_costs_a_client_its_token() {
    for mount in MOUNTS {
        for (site, _) in sites(mount).await {
            for line in LINES {
                let reply = site.send(&Request::new(line).bearer("outage")).await;
                assert_eq!(reply.status, 503, "{mount:?} {line}: {reply:?}");
                assert_eq!(
                    reply.header("retry-after"),
                    Some("7"),
                    "6.001 s, rounded up"
                );
                assert_eq!(reply.header("www-authenticate"), None, "{mount:?} {line}");
                let shown = format!("{:?} {}", reply.headers, reply.text());
                for secret in ["hunter2", "db.internal", "outage"] {
                    assert!(!shown.contains(secret), "{mount:?} {line}: {shown}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_outage_does_not_end_a_session() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let session = site
            .open(&[("Authorization", "Bearer alice")])
            .await
            .expect("a session");
        let inside = legacy(&session, "whoami").bearer("alice");
        for (works, expected) in [(true, "alice"), (false, "503"), (true, "alice")] {
            site.verifier_works(works);
            assert_eq!(called(&site.send(&inside).await), expected, "{mount:?}");
        }
    }
}

#[tokio::test]
async fn no_refusal_repeats_what_the_request_carried() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for (line, credential) in [
            ("POST /mcp", "Bearer beacon-55"),
            ("POST /mcp", "Bearer beacon-55 beacon-55"),
            ("POST /mcp?access_token=beacon-55", "Bearer x"),
            ("GET /mcp/beacon-55", "Bearer x"),
        ] {
            let request = Request::new(line).header("Authorization", credential);
            let reply = site.send(&request.header("X-Odd", "beacon-55")).await;
            assert!((400..500).contains(&reply.status), "{reply:?}");
            let shown = format!("{:?} {}", reply.headers, reply.text());
            assert!(
                !shown.contains("beacon"),
                "{mount:?} {line} {credential}: {shown}"
            );
        }
    }
}

/// MCP 2026-07-28, authorization: on every HTTP request, in a session too.
#[tokio::test]
async fn a_session_does_not_stand_in_for_a_token() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let session = site
            .open(&[("Authorization", "Bearer alice")])
            .await
            .expect("a session");
        let inside = legacy(&session, "whoami");
        for line in ["POST /mcp", "GET /mcp", "DELETE /mcp"] {
            for (credential, expected) in [
                (None, 401),
                (Some("unknown"), 401),
                (Some("expired"), 401),
                (Some("outage"), 503),
            ] {
                let request = inside.clone().line(line);
                let request = match credential {
                    Some(token) => request.bearer(token),
                    None => request,
                };
                let reply = site.send(&request).await;
                assert_eq!(
                    reply.status, expected,
                    "{mount:?} {line} {credential:?}: {reply:?}"
                );
            }
        }
        assert_eq!(
            called(&site.send(&inside.clone().bearer("alice")).await),
            "alice"
        );
        site.revoke("alice");
        assert_eq!(
            site.send(&inside.bearer("alice")).await.status,
            401,
            "revoked"
        );
    }
}

/// Nor does a connection: each request is judged by what it carries itself.
#[tokio::test]
async fn a_connection_does_not_stand_in_for_a_token() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let mut wire = Wire::connect(site.address).await;
        for (token, expected) in [
            ("alice", "alice"),
            ("", "401"),
            ("bob", "bob"),
            ("unknown", "401"),
            ("alice", "alice"),
        ] {
            let request = match token {
                "" => call("whoami"),
                token => call("whoami").bearer(token),
            };
            wire.send(&request.bytes()).await;
            assert_eq!(called(&wire.reply().await), expected, "{mount:?} {token:?}");
        }
    }
}

/// What stands in the body of a refused request is not the next request.
#[tokio::test]
async fn the_body_of_a_refused_request_is_not_executed() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let smuggled = call("whoami").bearer("alice").bytes();
        let refused = call("whoami").bearer("unknown").body(smuggled);
        let mut wire = Wire::connect(site.address).await;
        wire.send(&refused.bytes()).await;
        assert_eq!(wire.reply().await.status, 401, "{mount:?}");
        let last = Request::new("GET /mcp").header("Connection", "close");
        wire.send(&last.bytes()).await;
        let rest = String::from_utf8_lossy(&wire.rest().await).into_owned();
        assert!(
            !rest.contains("alice") && !rest.contains("200 OK"),
            "{mount:?}: {rest}"
        );
        assert_eq!(site.verified(), 1, "{mount:?}");
    }
}
