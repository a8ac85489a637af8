//! Tokens that are bound to a key (DPoP, RFC 9449 §7): what a good client gets, and what a challenge
//! tells the others.

use propusk::{Admission, AuthSettings, Challenge, Client, DpopPolicy, ScopePolicy};

use crate::support::{Era, Holder, MOUNTS, Mount, Reply, Request, Site, call, called, legacy};

/// The only challenge of a reply.
fn challenge(reply: &Reply) -> Challenge {
    let header = reply.header("www-authenticate").expect("a challenge");
    let mut challenges = Challenge::parse_all(header);
    assert_eq!(challenges.len(), 1, "{header}");
    challenges.remove(0)
}

async fn required(mount: Mount) -> Site {
    Site::start(mount, |settings| settings.dpop(DpopPolicy::Required)).await
}

#[tokio::test]
async fn rfc9449_7_1_a_bound_token_with_its_proof_is_accepted() {
    for mount in MOUNTS {
        for site in [Site::plain(mount).await, required(mount).await] {
            let (alice, bob) = (Holder::new(&site, "alice"), Holder::new(&site, "bob"));
            for era in Era::BOTH {
                for (holder, subject) in [(&alice, "alice"), (&bob, "bob"), (&alice, "alice")] {
                    let reply = holder.tool(era, "whoami").await;
                    assert_eq!(called(&reply), subject, "{mount:?} {era:?}");
                    assert_eq!(reply.header("dpop-nonce"), None);
                }
            }
        }
    }
}

/// RFC 9110 §11.1.
#[tokio::test]
async fn the_scheme_is_not_case_sensitive() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let alice = Holder::new(&site, "alice");
        for scheme in ["DPoP", "dpop", "DPOP", "DpOp  "] {
            let proof = alice.signer.proof(&alice.claims("POST"));
            let request = call("whoami")
                .header("Authorization", format!("{scheme} {}", alice.token))
                .header("dPoP", proof);
            assert_eq!(called(&site.send(&request).await), "alice", "{scheme}");
        }
    }
}

#[tokio::test]
async fn every_request_of_a_session_has_a_proof_of_its_own() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let alice = Holder::new(&site, "alice");
        let session = alice.open().await;
        let inside = legacy(&session, "whoami");
        assert_eq!(
            called(&site.send(&alice.prove(inside.clone())).await),
            "alice"
        );
        let bare = alice.with_token(inside.clone());
        assert_eq!(site.send(&bare).await.status, 401, "{mount:?}");
        let end = inside.clone().line("DELETE /mcp");
        let wrong = alice.prove(end.clone());
        assert_eq!(site.send(&wrong).await.status, 401, "{mount:?}");
        let right = alice.with_claims(end, &alice.claims("DELETE"));
        let status = site.send(&right).await.status;
        assert!((200..300).contains(&status), "{mount:?}: {status}");
        let after = site.send(&alice.prove(inside)).await;
        assert_eq!(after.status, 404, "{mount:?}");
    }
}

#[tokio::test]
async fn a_session_belongs_to_the_principal_that_opened_it() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let session = Holder::new(&site, "alice").open().await;
        let bob = Holder::new(&site, "bob").prove(legacy(&session, "whoami"));
        assert_eq!(site.send(&bob).await.status, 404, "{mount:?}");
        // Another key of the same principal, as after a new log-in.
        let again = Holder::new(&site, "alice").prove(legacy(&session, "whoami"));
        assert_eq!(called(&site.send(&again).await), "alice", "{mount:?}");
    }
}

#[tokio::test]
async fn behind_the_layer_there_is_neither_token_nor_proof() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for era in Era::BOTH {
            let names = called(&Holder::new(&site, "alice").tool(era, "headers").await);
            assert!(names.contains("content-type"), "{names}");
            for gone in ["authorization", "dpop"] {
                assert!(!names.contains(gone), "{mount:?} {era:?}: {names}");
            }
        }
    }
}

#[tokio::test]
async fn plain_bearer_tokens_need_no_proof_unless_the_policy_says_so() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        // What a client sends on top is its own business.
        for request in [
            call("whoami").bearer("alice"),
            call("whoami").bearer("alice").header("DPoP", "x"),
        ] {
            assert_eq!(called(&site.send(&request).await), "alice", "{mount:?}");
        }
        let site = required(mount).await;
        let reply = site.send(&call("whoami").bearer("alice")).await;
        assert_eq!(reply.status, 401, "{mount:?}: {reply:?}");
        let challenge = challenge(&reply);
        assert!(challenge.is_dpop(), "{challenge}");
        assert_eq!(challenge.error(), Some("invalid_token"));
        let why = challenge.error_description().expect("a sentence");
        assert!(why.contains("not bound to a key"), "{why}");
    }
}

#[tokio::test]
async fn rfc9449_7_1_challenges() {
    type Policy = fn(AuthSettings) -> AuthSettings;
    let accepted: Policy = |settings| settings;
    let only_bound: Policy = |settings| settings.dpop(DpopPolicy::Required);
    for mount in MOUNTS {
        for (policy, scheme) in [(accepted, "Bearer"), (only_bound, "DPoP")] {
            let oauth = |settings| {
                let settings = policy(settings).authorization_server("https://login.example");
                settings.require_scopes("mcp more").unwrap()
            };
            let site = Site::start(mount, oauth).await;
            let alice = Holder::new(&site, "alice");
            let stranger = Holder {
                token: "unknown".to_owned(),
                ..Holder::new(&site, "x")
            };
            let requests = [
                (call("whoami"), 401, scheme, None),
                (
                    call("whoami").bearer("unknown"),
                    401,
                    scheme,
                    Some("invalid_token"),
                ),
                (
                    call("whoami").bearer(&alice.token),
                    401,
                    "DPoP",
                    Some("invalid_token"),
                ),
                (
                    stranger.prove(call("whoami")),
                    401,
                    "DPoP",
                    Some("invalid_token"),
                ),
                (
                    alice.with_token(call("whoami")),
                    401,
                    "DPoP",
                    Some("invalid_dpop_proof"),
                ),
                (
                    alice.prove(call("whoami")),
                    403,
                    "DPoP",
                    Some("insufficient_scope"),
                ),
            ];
            for (request, status, scheme, error) in requests {
                let reply = site.send(&request).await;
                let shown = challenge(&reply);
                assert_eq!(reply.status, status, "{shown}");
                assert_eq!(shown.scheme(), scheme, "{shown}");
                assert_eq!(shown.error(), error, "{shown}");
                assert_eq!(shown.resource_metadata(), Some(&*site.metadata_url()));
                assert_eq!(shown.parameter("scope"), Some("mcp more"), "{shown}");
                let algorithms: Vec<_> = shown.algs().collect();
                assert_eq!(algorithms.first() == Some(&"ES256"), scheme == "DPoP");
                assert!(!algorithms.contains(&"HS256"), "{shown}");
                assert_eq!(reply.json()["error"]["data"]["error"].as_str(), error);
            }
        }
    }
}

#[tokio::test]
async fn rfc9728_2_the_metadata_tells_about_bound_tokens() {
    for mount in MOUNTS {
        for policy in [DpopPolicy::Accepted, DpopPolicy::Required] {
            let oauth = |settings: AuthSettings| {
                settings
                    .authorization_server("https://login.example")
                    .dpop(policy)
            };
            let site = Site::start(mount, oauth).await;
            let path = "/.well-known/oauth-protected-resource/mcp";
            let reply = site.send(&Request::new(&format!("GET {path}"))).await;
            let document = reply.json();
            let algorithms = &document["dpop_signing_alg_values_supported"];
            assert_eq!(algorithms[0], "ES256", "{mount:?}: {document}");
            assert_eq!(
                document["dpop_bound_access_tokens_required"].as_bool(),
                (policy == DpopPolicy::Required).then_some(true),
                "{mount:?}: {document}"
            );
        }
    }
}

#[tokio::test]
async fn who_is_admitted_without_a_good_proof() {
    for mount in MOUNTS {
        for (admission, expected) in [
            (Admission::Required, "401"),
            (Admission::Optional, "401"),
            (Admission::Permissive, "nobody"),
        ] {
            let site = Site::start(mount, |settings| settings.admission(admission)).await;
            let alice = Holder::new(&site, "alice");
            let used = alice.prove(call("maybe"));
            assert_eq!(called(&site.send(&used).await), "alice");
            for request in [
                used,
                alice.with_token(call("maybe")),
                alice.with_proof(call("maybe"), "x"),
                call("maybe").bearer(&alice.token),
            ] {
                let reply = site.send(&request).await;
                assert_eq!(called(&reply), expected, "{mount:?} {admission}");
            }
            let two = alice.prove(call("maybe")).bearer(&alice.token);
            assert_eq!(site.send(&two).await.status, 400, "{mount:?} {admission}");
        }
    }
}

/// A reverse proxy may take a part of the path off; the URL that clients know is the resource URL.
#[tokio::test]
async fn rfc9449_4_3_9_the_url_is_the_one_that_clients_use() {
    for mount in MOUNTS {
        let behind_a_proxy = |settings: AuthSettings| {
            let public = AuthSettings::new("https://mcp.example/mcp").expect("a URL");
            let inside = settings.resource().as_str().replace("http://", "");
            let host = inside.trim_end_matches("/mcp").to_owned();
            public.allow_host(&host).expect("a host")
        };
        let site = Site::start(mount, behind_a_proxy).await;
        let host = site.address.to_string();
        let alice = Holder::new(&site, "alice");
        let public = "https://mcp.example/mcp";
        for (url, host, forwarded, expected) in [
            (public, "mcp.example", "", "alice"),
            (public, &*host, "", "alice"),
            ("https://mcp.example:443/mcp", "mcp.example", "", "alice"),
            ("https://mcp.example/mcp?x=y#z", "mcp.example", "", "alice"),
            ("https://evil.example/mcp", "mcp.example", "", "401"),
            // What anybody can put into a request names nobody.
            (
                "https://evil.example/mcp",
                "mcp.example",
                "evil.example",
                "401",
            ),
            (&*site.url(), &*host, "", "401"),
            ("http://mcp.example/mcp", "mcp.example", "", "401"),
        ] {
            let claims = alice.claims_but("htu", url);
            let mut request = alice.with_claims(call("whoami").set("Host", host), &claims);
            if !forwarded.is_empty() {
                request = request
                    .header("X-Forwarded-Host", forwarded)
                    .header("Forwarded", format!("host={forwarded}"));
            }
            let reply = site.send(&request).await;
            assert_eq!(called(&reply), expected, "{mount:?} {url} {host}");
        }
    }
}

/// Our own client has no key; it says why it was refused.
#[tokio::test]
async fn a_client_without_a_key_says_what_is_missing() {
    let site = required(Mount::Server).await;
    let bound = Holder::new(&site, "alice").token;
    for (token, sentence) in [
        ("alice", "not bound to a key"),
        (&*bound, "without a proof"),
    ] {
        let connected = Client::new(site.url()).bearer(token).connect().await;
        let error = connected.expect_err("refused");
        assert!(error.is_unauthenticated(), "{error}");
        let challenge = error.challenge().expect("a challenge");
        assert!(challenge.is_dpop(), "{challenge}");
        assert!(error.to_string().contains(sentence), "{error}");
    }
}

/// RFC 9449 §7.1 and RFC 6750 §3.1: the challenge of a 403 has the scheme that the client uses, and
/// names all scopes of the operation; with these, and a proof of the same key, the call goes through.
#[tokio::test]
async fn rfc9449_7_1_a_bound_token_with_too_few_scopes_is_asked_to_step_up() {
    let policy = || ScopePolicy::new().tool("whoami", "write");
    for mount in MOUNTS {
        for dpop in [DpopPolicy::Accepted, DpopPolicy::Required] {
            let site = Site::start(mount, |settings| {
                let settings = settings
                    .authorization_server("https://login.example")
                    .dpop(dpop)
                    .policy(policy().expect("scopes"));
                settings.require_scopes("mcp").expect("scopes")
            })
            .await;
            for era in Era::BOTH {
                let mut alice = Holder::new(&site, "alice");
                let reply = alice.tool(era, "whoami").await;
                let case = format!("{mount:?} {dpop:?} {era:?}");
                assert_eq!(reply.status, 403, "{case}: {reply:?}");
                let challenge = challenge(&reply);
                assert!(challenge.is_dpop(), "{case}: {challenge}");
                assert_eq!(challenge.error(), Some("insufficient_scope"), "{case}");
                let scope = challenge.scope().map(|scope| scope.to_string());
                assert_eq!(scope.as_deref(), Some("mcp write"), "{case}");
                let metadata = challenge.resource_metadata();
                assert_eq!(
                    metadata.map(ToString::to_string),
                    Some(site.metadata_url()),
                    "{case}"
                );
                alice.token.push_str("~write");
                assert_eq!(called(&alice.tool(era, "whoami").await), "alice", "{case}");
            }
        }
    }
}
