//! `Cached`: a revocation reaches it through the revision of its verifier.

use std::sync::Arc;

use propusk::{AccessToken, AnyOf, Cached};

use super::support::{Say, Scripted, let_others_run, said, soon};

#[tokio::test]
async fn a_changed_revision_makes_forgotten_what_was_said_before() {
    let verifier = Scripted::accepting();
    let cached = Cached::new(verifier.clone());
    assert_eq!(said(&cached, "t").await, "alice");
    verifier.say(Say::Invalid);
    assert_eq!(said(&cached, "t").await, "alice", "nothing has changed");
    verifier.set_revision(Some(2));
    assert_eq!(said(&cached, "t").await, "no");
    verifier.set_revision(Some(1));
    verifier.say(Say::Unavailable);
    // It was forgotten for good, and not only for as long as the revision is another.
    assert_eq!(said(&cached, "t").await, "cannot tell");
}

#[tokio::test]
async fn a_token_that_becomes_valid_is_valid_at_once() {
    let verifier = Scripted::saying(Say::Invalid);
    let cached = Cached::new(verifier.clone());
    assert_eq!(said(&cached, "t").await, "no");
    verifier.say(Say::Valid(AccessToken::new("alice")));
    verifier.set_revision(Some(2));
    assert_eq!(said(&cached, "t").await, "alice");
}

#[tokio::test]
async fn while_the_revision_cannot_be_told_nothing_remembered_is_used() {
    let verifier = Scripted::accepting();
    let cached = Cached::new(verifier.clone());
    assert_eq!(said(&cached, "t").await, "alice");
    verifier.set_revision(None);
    verifier.say(Say::Unavailable);
    assert_eq!(said(&cached, "t").await, "cannot tell");
    verifier.set_revision(Some(1));
    assert_eq!(said(&cached, "t").await, "alice", "it still holds");
    assert_eq!(verifier.asked(), 2);
    // An answer that comes with no revision is passed on and not kept.
    verifier.set_revision(None);
    verifier.say(Say::Invalid);
    assert_eq!(said(&cached, "other").await, "no");
    verifier.set_revision(Some(1));
    verifier.say(Say::Valid(AccessToken::new("bob")));
    assert_eq!(said(&cached, "other").await, "bob");
}

/// The verifier has read the token as valid, the token is revoked, and only then the answer comes.
#[tokio::test]
async fn what_was_verified_before_a_revocation_is_not_kept_after_it() {
    let verifier = Scripted::accepting();
    let cached = Arc::new(Cached::new(verifier.clone()));
    verifier.close();
    let ask = || {
        let cached = Arc::clone(&cached);
        tokio::spawn(async move { said(&*cached, "t").await })
    };
    let before = ask();
    verifier.until_asked(1).await;
    verifier.say(Say::Invalid);
    verifier.set_revision(Some(2));
    let after = ask();
    let_others_run().await;
    verifier.open();
    assert_eq!(
        soon(before).await.unwrap(),
        "alice",
        "when it was asked for"
    );
    assert_eq!(soon(after).await.unwrap(), "no", "it came after");
    assert_eq!(said(&*cached, "t").await, "no");
}

/// `a` belongs to the first, `b` to the second verifier.
fn two() -> (Scripted, Scripted, AnyOf) {
    let (first, second) = (
        Scripted::saying(Say::Invalid),
        Scripted::saying(Say::Invalid),
    );
    first.say_of("a", Say::Valid(AccessToken::new("anna")));
    second.say_of("b", Say::Valid(AccessToken::new("boris")));
    let both = AnyOf::new().with(first.clone()).with(second.clone());
    (first, second, both)
}

#[tokio::test]
async fn an_outage_of_one_verifier_leaves_the_answers_of_another_usable() {
    let (first, second, both) = two();
    // Once more around, since a composition may be part of another.
    let cached = Cached::new(AnyOf::new().with(both));
    assert_eq!(said(&cached, "a").await, "anna");
    assert_eq!(said(&cached, "b").await, "boris");
    first.set_revision(None);
    first.say(Say::Unavailable);
    first.say_of("a", Say::Unavailable);
    let before = second.asked();
    assert_eq!(said(&cached, "b").await, "boris");
    assert_eq!(second.asked(), before, "remembered");
    assert_eq!(said(&cached, "a").await, "cannot tell");
    // What is verified during the outage is remembered too.
    second.say_of("c", Say::Valid(AccessToken::new("clara")));
    assert_eq!(said(&cached, "c").await, "clara");
    let before = second.asked();
    assert_eq!(said(&cached, "c").await, "clara");
    assert_eq!(second.asked(), before, "remembered");
    // A revocation by the other still reaches what is remembered of it.
    second.set_revision(Some(2));
    second.say_of("c", Say::Invalid);
    assert_eq!(said(&cached, "c").await, "cannot tell");
    first.say(Say::Invalid);
    assert_eq!(said(&cached, "c").await, "no");
}

#[tokio::test]
async fn a_revocation_by_one_verifier_leaves_the_answers_of_another_alone() {
    let (first, second, both) = two();
    let cached = Cached::new(both);
    assert_eq!(said(&cached, "a").await, "anna");
    assert_eq!(said(&cached, "b").await, "boris");
    first.set_revision(Some(2));
    first.say_of("a", Say::Invalid);
    let before = second.asked();
    assert_eq!(said(&cached, "b").await, "boris");
    assert_eq!(second.asked(), before, "remembered");
    assert_eq!(said(&cached, "a").await, "no");
}

#[tokio::test]
async fn a_no_rests_on_all_verifiers() {
    let (first, second, both) = two();
    let cached = Cached::new(both);
    assert_eq!(said(&cached, "new").await, "no");
    let before = first.asked();
    assert_eq!(said(&cached, "new").await, "no");
    assert_eq!(first.asked(), before, "remembered");
    second.say_of("new", Say::Valid(AccessToken::new("nina")));
    second.set_revision(Some(2));
    assert_eq!(said(&cached, "new").await, "nina");
}
