//! Nonces of the server in proofs (RFC 9449 §8.2 and §9).

use propusk::{Admission, AuthSettings, Challenge};
use serde_json::{Value, json};

use crate::support::{
    Era, Holder, MOUNTS, Mount, Reply, Request, Site, call, called, initialize, legacy,
};

async fn site(mount: Mount) -> Site {
    Site::start(mount, |settings| settings.dpop_nonces(true)).await
}

/// The nonce that a refusal asks for.
fn asked(reply: &Reply) -> String {
    assert_eq!(reply.status, 401, "{reply:?}");
    let header = reply.header("www-authenticate").expect("a challenge");
    let challenge = Challenge::parse_dpop(header).expect("for a proof");
    assert_eq!(challenge.error(), Some("use_dpop_nonce"), "{challenge}");
    assert!(challenge.algs().any(|alg| alg == "ES256"), "{challenge}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.header("dpop-nonce").expect("a nonce").to_owned()
}

fn with_nonce(holder: &Holder<'_>, request: Request, nonce: impl Into<Value>) -> Request {
    holder.with_claims(request, &holder.claims_but("nonce", nonce))
}

#[tokio::test]
async fn rfc9449_9_the_client_comes_again_with_the_nonce() {
    for mount in MOUNTS {
        let site = site(mount).await;
        let alice = Holder::new(&site, "alice");
        let first = site.send(&alice.prove(call("whoami"))).await;
        assert_eq!(site.verified(), 0, "nobody looked at the token");
        let nonce = asked(&first);
        for _ in 0..3 {
            let request = with_nonce(&alice, call("whoami"), nonce.clone());
            assert_eq!(called(&site.send(&request).await), "alice", "{mount:?}");
            // It is the proof that is good for one request, not the nonce.
            assert_eq!(site.send(&request).await.status, 401, "{mount:?}");
        }
        // In a session of 2025-11-25 too.
        let open = with_nonce(&alice, initialize(), nonce.clone());
        let reply = site.send(&open).await;
        let session = reply
            .header("mcp-session-id")
            .expect("a session")
            .to_owned();
        asked(&site.send(&alice.prove(legacy(&session, "whoami"))).await);
        let inside = with_nonce(&alice, legacy(&session, "whoami"), nonce);
        assert_eq!(called(&site.send(&inside).await), "alice", "{mount:?}");
    }
}

#[tokio::test]
async fn rfc9449_9_only_a_nonce_of_this_server_will_do() {
    for mount in MOUNTS {
        let (site, other) = (site(mount).await, site(mount).await);
        let alice = Holder::new(&site, "alice");
        let own = asked(&site.send(&alice.prove(call("whoami"))).await);
        let foreign = asked(
            &other
                .send(&Holder::new(&other, "x").prove(call("whoami")))
                .await,
        );
        for nonce in [
            json!(foreign),
            json!(""),
            Value::Null,
            json!([own]),
            json!(format!("{own}=")),
            json!(own.to_uppercase()),
        ] {
            let request = with_nonce(&alice, call("whoami"), nonce);
            asked(&site.send(&request).await);
        }
        let good = with_nonce(&alice, call("whoami"), own);
        assert_eq!(called(&site.send(&good).await), "alice", "{mount:?}");
    }
}

/// The clock is the layer's, so that only this mounting has one to move.
#[tokio::test]
async fn rfc9449_8_2_a_new_nonce_comes_in_time() {
    let site = site(Mount::Layer).await;
    let alice = Holder::new(&site, "alice");
    let first = asked(&site.send(&alice.prove(call("whoami"))).await);
    let send = async |nonce: &str| {
        let request = with_nonce(&alice, call("whoami"), nonce);
        site.send(&request).await
    };
    let reply = send(&first).await;
    assert_eq!(called(&reply), "alice");
    assert_eq!(
        reply.header("dpop-nonce"),
        None,
        "it is still the current one"
    );
    site.seconds_pass(150);
    let reply = send(&first).await;
    assert_eq!(called(&reply), "alice");
    let second = reply.header("dpop-nonce").expect("the next one").to_owned();
    assert_ne!(first, second);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let reply = send(&second).await;
    assert_eq!(called(&reply), "alice");
    assert_eq!(reply.header("dpop-nonce"), None);
    site.seconds_pass(150);
    let third = asked(&send(&first).await);
    assert_ne!(second, third);
    assert_eq!(called(&send(&third).await), "alice");
    assert_eq!(called(&send(&second).await), "alice");
}

#[tokio::test]
async fn asking_for_a_nonce_is_no_verdict() {
    for mount in MOUNTS {
        for admission in [
            Admission::Required,
            Admission::Optional,
            Admission::Permissive,
        ] {
            let settings = |settings: AuthSettings| settings.dpop_nonces(true).admission(admission);
            let site = Site::start(mount, settings).await;
            let alice = Holder::new(&site, "alice");
            let nonce = asked(&site.send(&alice.prove(call("maybe"))).await);
            let good = with_nonce(&alice, call("maybe"), nonce);
            assert_eq!(called(&site.send(&good).await), "alice", "{mount:?}");
        }
    }
}

#[tokio::test]
async fn plain_bearer_tokens_need_no_nonce() {
    for mount in MOUNTS {
        let site = site(mount).await;
        for era in Era::BOTH {
            let headers = [("Authorization", "Bearer alice")];
            let reply = site.tool(era, &headers, "whoami").await;
            assert_eq!(called(&reply), "alice", "{mount:?}");
            assert_eq!(reply.header("dpop-nonce"), None);
        }
        assert_eq!(site.send(&call("whoami")).await.header("dpop-nonce"), None);
    }
}

#[tokio::test]
async fn a_page_can_read_the_nonce() {
    for mount in MOUNTS {
        let page = "https://app.example";
        let settings =
            |settings: AuthSettings| settings.dpop_nonces(true).allow_origin(page).unwrap();
        let site = Site::start(mount, settings).await;
        let preflight = Request::new("OPTIONS /mcp")
            .header("Origin", page)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization, dpop");
        let reply = site.send(&preflight).await;
        let allowed = reply
            .header("access-control-allow-headers")
            .unwrap_or_default();
        assert!(allowed.contains("dpop"), "{mount:?}: {reply:?}");
        let alice = Holder::new(&site, "alice");
        let request = alice.prove(call("whoami")).header("Origin", page);
        let reply = site.send(&request).await;
        asked(&reply);
        let exposed = reply
            .header("access-control-expose-headers")
            .unwrap_or_default();
        let exposed = exposed.to_ascii_lowercase();
        for name in ["dpop-nonce", "www-authenticate"] {
            assert!(exposed.contains(name), "{mount:?}: {exposed}");
        }
    }
}
