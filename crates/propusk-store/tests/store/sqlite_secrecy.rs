//! No secret in files, debug output or errors.

use std::fs;

use propusk::TokenVerifier;
use propusk_store::NewToken;

use crate::support::{Place, forged, is_valid, verify};

#[tokio::test]
async fn no_trace_of_a_token_in_the_files() {
    let place = Place::new();
    let store = place.open().await;
    let new = NewToken::new("subject-to-be-found");
    let issued = store.issue(new).await.expect("issued");
    assert!(is_valid(&store, &issued).await);
    let fresh = store.rotate(&issued.record.id).await.expect("rotated");
    assert!(
        verify(&store, &forged(fresh.token.expose_secret()))
            .await
            .is_none()
    );

    let mut bytes = Vec::new();
    for entry in fs::read_dir(place.path().parent().expect("a folder")).expect("read") {
        bytes.extend(fs::read(entry.expect("an entry").path()).expect("read"));
    }
    let contains = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(contains("subject-to-be-found"), "this is where tokens are");
    for token in [issued.token.expose_secret(), fresh.token.expose_secret()] {
        let (id, secret) = (&token[8..20], &token[21..64]);
        assert!(contains(id));
        for part in [token, secret, &secret[..12], &secret[31..], "propusk_"] {
            assert!(!contains(part), "{part}");
        }
    }
}

#[tokio::test]
async fn no_secret_in_debug_output_and_errors() {
    let place = Place::new();
    let store = place.open().await;
    let issued = store.issue(NewToken::new("alice")).await.expect("issued");
    let token = issued.token.expose_secret();
    let access = verify(&store, token).await.expect("valid");
    store.revoke(&issued.record.id).await.expect("revoked");
    let revoked = store.rotate(&issued.record.id).await.expect_err("revoked");
    store.close().await.expect("closed");
    let closed = store.issue(NewToken::new("bob")).await.expect_err("closed");
    let unavailable = store.verify_token(token).await.expect_err("closed");
    let broken = propusk_store::check_format(&token[..60]).expect_err("too short");
    let no_id = propusk_store::TokenId::parse(token).expect_err("not an id");
    let json = serde_json::to_string(&issued.record).expect("JSON");
    let shown = format!(
        "{store:?} {issued:?} {access:?} {revoked} {revoked:?} {closed} {closed:?} {unavailable} \
         {unavailable:?} {broken} {broken:?} {no_id} {no_id:?} {json}"
    );
    assert!(
        shown.contains(issued.record.id.as_str()),
        "ids are not secret"
    );
    assert!(
        !shown.contains(&token[21..30]) && !shown.contains(&token[55..64]),
        "{shown}"
    );
    assert!(shown.contains("NewSecret([redacted])"));
}
