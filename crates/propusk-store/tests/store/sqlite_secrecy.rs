//! No secret in files.

use std::fs;

use propusk_store::NewToken;

use crate::support::{Place, forged, is_valid, verify};

#[tokio::test]
async fn no_trace_of_a_token_in_the_files() {
    let place = Place::sqlite();
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
