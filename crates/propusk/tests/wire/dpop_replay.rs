//! A proof is good for one request (RFC 9449 §11.1).

use propusk::Challenge;

use crate::support::{Era, Holder, MOUNTS, Mount, Reply, Signer, Site, call, called, legacy, soon};

fn is_replay(reply: &Reply) -> bool {
    let header = reply.header("www-authenticate").unwrap_or_default();
    let challenge = Challenge::parse_dpop(header);
    reply.status == 401
        && challenge.is_some_and(|challenge| {
            challenge.error() == Some("invalid_dpop_proof")
                && challenge
                    .error_description()
                    .is_some_and(|why| why.contains("used before"))
        })
}

#[tokio::test]
async fn rfc9449_11_1_a_proof_that_was_used_is_refused() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let alice = Holder::new(&site, "alice");
        for era in Era::BOTH {
            let request = match era {
                Era::Modern => call("whoami"),
                Era::Legacy => legacy(&alice.open().await, "whoami"),
            };
            let request = alice.prove(request);
            assert_eq!(called(&site.send(&request).await), "alice", "{mount:?}");
            for _ in 0..3 {
                let reply = site.send(&request).await;
                assert!(is_replay(&reply), "{mount:?} {era:?}: {reply:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_used_proof_is_refused_for_another_request_and_in_another_session() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let alice = Holder::new(&site, "alice");
        let (first, second) = (alice.open().await, alice.open().await);
        let proof = alice.signer.proof(&alice.claims("POST"));
        let used = alice.with_proof(legacy(&first, "whoami"), &proof);
        assert_eq!(called(&site.send(&used).await), "alice", "{mount:?}");
        for request in [
            legacy(&first, "scopes"),
            legacy(&second, "whoami"),
            call("whoami"),
        ] {
            let reply = site.send(&alice.with_proof(request, &proof)).await;
            assert!(is_replay(&reply), "{mount:?}: {reply:?}");
        }
    }
}

/// The name of a proof is its `jti` and its key; what else is in it, or the spelling of its
/// signature, does not make it another one.
#[tokio::test]
async fn the_same_jti_again_is_a_replay_whatever_else_differs() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let alice = Holder::new(&site, "alice");
        let mut claims = alice.claims("POST");
        let request = alice.with_claims(call("whoami"), &claims);
        assert_eq!(called(&site.send(&request).await), "alice", "{mount:?}");
        claims["iat"] = (site.seconds() - 1).into();
        let again = alice.with_claims(call("whoami"), &claims);
        assert!(is_replay(&site.send(&again).await), "{mount:?}");
        // Two clients may have come upon the same one.
        let bob = Holder::new(&site, "bob");
        let mut same = bob.claims("POST");
        same["jti"] = claims["jti"].clone();
        let reply = site.send(&bob.with_claims(call("whoami"), &same)).await;
        assert_eq!(called(&reply), "bob", "{mount:?}");
    }
}

/// On several threads, as a server has them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_exactly_one_passes() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let alice = Holder::new(&site, "alice");
        for round in 0..10 {
            let request = alice.prove(call("whoami"));
            let mut replies = Vec::new();
            let mut wires = Vec::new();
            for _ in 0..8 {
                wires.push(crate::support::Wire::connect(site.address).await);
            }
            for wire in &mut wires {
                wire.send(&request.bytes()).await;
            }
            for wire in &mut wires {
                replies.push(soon(wire.reply()).await);
            }
            let passed = replies.iter().filter(|reply| reply.status == 200).count();
            let refused = replies.iter().filter(|reply| is_replay(reply)).count();
            assert_eq!((passed, refused), (1, 7), "{mount:?} {round}");
        }
    }
}

/// Otherwise somebody without a token could use up proofs, or fill the memory of them.
#[tokio::test]
async fn a_proof_is_used_up_only_by_a_request_that_is_accepted() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let alice = Holder::new(&site, "alice");
        let proof = alice.signer.proof(&alice.claims("POST"));
        let request = alice.with_proof(call("whoami"), &proof);
        site.verifier_works(false);
        assert_eq!(site.send(&request).await.status, 503, "{mount:?}");
        site.verifier_works(true);
        // For another token of the same key, for another method, and beside a second credential.
        let other = Holder {
            site: &site,
            signer: Signer::new(),
            token: "unknown".to_owned(),
        };
        assert_eq!(
            site.send(&other.with_proof(call("whoami"), &proof))
                .await
                .status,
            401
        );
        assert_eq!(
            site.send(&request.clone().line("GET /mcp")).await.status,
            401
        );
        assert_eq!(
            site.send(&request.clone().bearer("alice")).await.status,
            400
        );
        assert_eq!(called(&site.send(&request).await), "alice", "{mount:?}");
        assert!(is_replay(&site.send(&request).await), "{mount:?}");
    }
}

/// The clock is the layer's, so that only this mounting has one to move.
#[tokio::test]
async fn a_proof_never_comes_back() {
    let site = Site::plain(Mount::Layer).await;
    let alice = Holder::new(&site, "alice");
    // Made as far in the future as a proof may be, so that it stays acceptable for longest.
    let claims = alice.claims_but("iat", site.seconds() + 300);
    let request = alice.with_claims(call("whoami"), &claims);
    assert_eq!(called(&site.send(&request).await), "alice");
    for _ in 0..6 {
        site.seconds_pass(100);
        // Others come and go meanwhile.
        assert_eq!(called(&alice.tool(Era::Modern, "whoami").await), "alice");
        assert!(is_replay(&site.send(&request).await));
    }
    site.a_second_passes();
    let reply = site.send(&request).await;
    assert!(reply.status == 401 && !is_replay(&reply), "{reply:?}");
    let why = reply.header("www-authenticate").expect("a challenge");
    assert!(why.contains("iat"), "{why}");
}
