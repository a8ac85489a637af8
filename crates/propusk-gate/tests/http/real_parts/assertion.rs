//! What the upstream is told of a caller, verified by libraries that others wrote, with the keys at the
//! well-known URL.

use std::{fs, path::Path, sync::Arc, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use propusk::server::Site;
use propusk_gate::credentials::{AssertionKeys, CallerAssertion, JWKS_PATH};
use propusk_testing::assertion_reader::{AssertionReader, Library};
use tokio::time::{sleep, timeout};

use super::PATIENCE;
use crate::{
    gate::{ALICE, BOB, Gate, ping, settings},
    upstream::{Upstream, json},
};

const ISSUER: &str = "https://gate.example";

/// A gate that tells its upstream who is calling, and that upstream.
struct Told {
    gate: Gate,
    upstream: Upstream,
    keys: Arc<AssertionKeys>,
}

impl Told {
    async fn with(keys: AssertionKeys, lifetime: Duration) -> Self {
        let upstream = Upstream::new(|_| json(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#)).await;
        let keys = Arc::new(keys);
        let assertion = CallerAssertion::new(Arc::clone(&keys), ISSUER).lifetime(lifetime);
        let site = Site::new().pages(keys.page());
        let set = settings().assertion(assertion);
        let gate = Gate::on(site, &upstream.url, set, |auth| auth).await;
        Self {
            gate,
            upstream,
            keys,
        }
    }

    fn reader(&self, library: Library) -> AssertionReader {
        let keys = format!("http://{}{JWKS_PATH}", self.gate.address);
        AssertionReader::start(library, &keys, ISSUER).expect("started")
    }

    /// What arrives with a call by this token.
    async fn assertion(&self, token: &str) -> String {
        let answer = self.gate.post_by(token, &ping()).send().await;
        assert_eq!(answer.expect("an answer").status(), 200);
        let arrived = self.upstream.arrived().pop().expect("a request");
        let assertion = arrived.header("propusk-caller-assertion");
        assertion.expect("an assertion").to_owned()
    }
}

fn pem() -> String {
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let text = STANDARD.encode(made.expect("a key"));
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

fn keys_in(path: &Path, pems: &[&str]) -> AssertionKeys {
    fs::write(path, pems.concat()).expect("written");
    AssertionKeys::from_file(path).expect("a key")
}

#[tokio::test]
async fn the_caller_the_audience_and_the_end_are_verified() {
    for library in Library::ALL {
        let keys = AssertionKeys::ephemeral().expect("a key");
        let told = Told::with(keys, Duration::from_secs(60)).await;
        let mut reader = told.reader(library);
        let here = told.upstream.url.clone();
        let mut ids = Vec::new();
        for (token, subject, scope) in [(ALICE, "alice", "read write"), (BOB, "bob", "read")] {
            let assertion = told.assertion(token).await;
            let read = reader.read(&assertion, &here).await.expect("an answer");
            let claims = read.unwrap_or_else(|why| panic!("{library:?}: {why}"));
            assert_eq!(claims["sub"], subject, "{library:?}");
            assert_eq!(
                (&claims["iss"], &claims["scope"]),
                (&ISSUER.into(), &scope.into())
            );
            ids.push(claims["jti"].clone());
        }
        assert_ne!(ids[0], ids[1]);
        // Another upstream does not take it, and nobody takes one of another gate.
        let alice = told.assertion(ALICE).await;
        let elsewhere = reader.read(&alice, "https://other.example/mcp").await;
        let why = elsewhere.expect("an answer").expect_err("not for it");
        assert!(why.to_lowercase().contains("aud"), "{library:?}: {why}");
        let keys = AssertionKeys::ephemeral().expect("a key");
        let other = Told::with(keys, Duration::from_secs(60)).await;
        let foreign = other.assertion(ALICE).await;
        let read = reader.read(&foreign, &other.upstream.url).await;
        read.expect("an answer").expect_err("another gate's");
        // Bob's claims under Alice's signature.
        let bob = told.assertion(BOB).await;
        let (alice, bob): (Vec<_>, Vec<_>) = (alice.split('.').collect(), bob.split('.').collect());
        let mixed = format!("{}.{}.{}", alice[0], bob[1], alice[2]);
        let read = reader.read(&mixed, &here).await.expect("an answer");
        read.expect_err("not what was signed");
    }
}

#[tokio::test]
async fn an_assertion_is_over_when_it_says_so() {
    for library in Library::ALL {
        let keys = AssertionKeys::ephemeral().expect("a key");
        // Long enough for a library to start.
        let told = Told::with(keys, Duration::from_secs(3)).await;
        let (mut reader, here) = (told.reader(library), told.upstream.url.clone());
        reader
            .read(&told.assertion(BOB).await, &here)
            .await
            .expect("it runs")
            .ok();
        let assertion = told.assertion(ALICE).await;
        let read = reader.read(&assertion, &here).await.expect("an answer");
        assert_eq!(read.expect("not yet over")["sub"], "alice");
        let ends = async {
            loop {
                match reader.read(&assertion, &here).await.expect("an answer") {
                    Ok(_) => sleep(Duration::from_millis(100)).await,
                    Err(why) => return why,
                }
            }
        };
        let why = timeout(PATIENCE, ends).await.expect("it ends");
        assert!(why.to_lowercase().contains("exp"), "{library:?}: {why}");
    }
}

/// The libraries look for an unknown key half a minute after they last looked, and no sooner: so what
/// signs must be what they have seen.
#[tokio::test]
async fn a_rotation_of_keys_refuses_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.pem");
    let (first, second, third) = (pem(), pem(), pem());
    for library in Library::ALL {
        let keys = keys_in(&path, &[&first, &second]);
        let told = Told::with(keys, Duration::from_secs(60)).await;
        let (mut before, here) = (told.reader(library), told.upstream.url.clone());
        let old = told.assertion(ALICE).await;
        let read = before.read(&old, &here).await.expect("an answer");
        assert!(read.is_ok(), "{library:?}: {read:?}");
        let key = |assertion: &str| assertion.split('.').next().map(str::to_owned);
        let mut last = old;
        // One that was announced signs at once; one that was not is announced first. Those that leave
        // the file have signed what is on its way.
        for (file, is_another) in [(&second, true), (&third, false)] {
            fs::write(&path, file).expect("written");
            told.keys.reload();
            let new = told.assertion(ALICE).await;
            assert_eq!(key(&new) != key(&last), is_another);
            let mut after = told.reader(library);
            for reader in [&mut before, &mut after] {
                for assertion in [&new, &last] {
                    let read = reader.read(assertion, &here).await.expect("an answer");
                    assert!(read.is_ok(), "{library:?}: {read:?}");
                }
            }
            last = new;
        }
    }
}
