//! No secret in debug output, errors and explanations.

use propusk::TokenVerifier;
use propusk_store::NewToken;

use crate::support::{Place, verify};

on_every_database! {
    no_secret_in_debug_output_and_errors,
}

async fn no_secret_in_debug_output_and_errors(place: Place) {
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
