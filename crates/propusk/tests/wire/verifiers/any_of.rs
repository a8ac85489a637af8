//! `AnyOf`: what several verifiers say together.

use propusk::{AccessToken, AnyOf, TokenVerifier};

use super::support::{Say, Scripted, said};

#[tokio::test]
async fn what_two_verifiers_say_together() {
    let valid = |subject: &str| Say::Valid(AccessToken::new(subject));
    use Say::{Invalid, Unavailable};
    for (first, second, together) in [
        (valid("a"), valid("b"), "a"),
        (valid("a"), Invalid, "a"),
        (valid("a"), Unavailable, "a"),
        (Invalid, valid("b"), "b"),
        (Invalid, Invalid, "no"),
        // It might have been valid there: a 401 would be wrong.
        (Invalid, Unavailable, "cannot tell"),
        (Unavailable, valid("b"), "b"),
        (Unavailable, Invalid, "cannot tell"),
        (Unavailable, Unavailable, "cannot tell"),
    ] {
        let both = AnyOf::new()
            .with(Scripted::saying(first))
            .with(Scripted::saying(second));
        assert_eq!(said(&both, "t").await, together);
        let nested = AnyOf::new().with(AnyOf::new()).with(both);
        assert_eq!(said(&nested, "t").await, together);
    }
    assert_eq!(said(&AnyOf::new(), "t").await, "no");
}

#[tokio::test]
async fn after_a_valid_nobody_else_is_asked() {
    let later = Scripted::accepting();
    let both = AnyOf::new().with(Scripted::accepting()).with(later.clone());
    assert_eq!(said(&both, "t").await, "alice");
    assert_eq!(later.asked(), 0);
}

#[tokio::test]
async fn revisions_of_a_composition() {
    let (first, second) = (Scripted::saying(Say::Invalid), Scripted::accepting());
    let both = AnyOf::new().with(first.clone()).with(second.clone());
    let nested = AnyOf::new().with(both);
    let valid = nested.verify_token("t").await.unwrap();
    for (revisions, of_all, of_valid) in [
        ((Some(1), Some(10)), Some(11), Some(10)),
        ((Some(2), Some(10)), Some(12), Some(10)),
        ((Some(u64::MAX), Some(10)), Some(9), Some(10)),
        ((None, Some(10)), None, Some(10)),
        ((Some(1), None), None, None),
    ] {
        first.set_revision(revisions.0);
        second.set_revision(revisions.1);
        assert_eq!(nested.revision().await.ok(), of_all, "{revisions:?}");
        for (answer, expected) in [(None, of_all), (valid.as_ref(), of_valid)] {
            let revision = nested.revision_of("t", answer).await.ok();
            assert_eq!(revision, expected, "{revisions:?} {answer:?}");
        }
    }
}
