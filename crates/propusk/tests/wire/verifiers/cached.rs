//! `Cached`: for how long an answer is remembered, how many are, and who waits for whom.

use std::{sync::Arc, time::Duration};

use propusk::{AccessToken, Cached};
use tokio::task::JoinSet;

use super::support::{Say, Scripted, TestClock, let_others_run, said, soon};

/// A cache with the default times, its verifier and its clock.
fn cached(verifier: &Scripted) -> (Arc<Cached<Scripted>>, TestClock) {
    let clock = TestClock::default();
    let cached = Cached::new(verifier.clone()).with_clock(clock.clone());
    (Arc::new(cached), clock)
}

#[tokio::test]
async fn for_how_long_an_answer_is_remembered() {
    let alice = || AccessToken::new("alice");
    let until = |seconds| alice().with_expires_at(TestClock::at(seconds));
    let lenient = until(20).with_leeway(Duration::from_secs(10));
    for (say, remembered, forgotten) in [
        (Say::Valid(alice()), 59, 60),
        (Say::Valid(until(100)), 59, 60),
        (Say::Valid(until(20)), 19, 20),
        // Not its leeway: what may end at any moment is asked for again.
        (Say::Valid(lenient), 19, 20),
        (Say::Invalid, 4, 5),
    ] {
        let verifier = Scripted::saying(say);
        let (cached, clock) = cached(&verifier);
        let first = said(&*cached, "t").await;
        clock.set(remembered);
        assert_eq!(said(&*cached, "t").await, first);
        assert_eq!(verifier.asked(), 1, "remembered at {remembered}");
        clock.set(forgotten);
        said(&*cached, "t").await;
        assert_eq!(verifier.asked(), 2, "forgotten at {forgotten}");
    }
}

#[tokio::test]
async fn what_is_not_remembered_at_all() {
    let past = AccessToken::new("alice").with_expires_at(TestClock::at(0));
    for say in [Say::Valid(past), Say::Unavailable] {
        let verifier = Scripted::saying(say);
        let (cached, _) = cached(&verifier);
        for asked in 1..4 {
            said(&*cached, "t").await;
            assert_eq!(verifier.asked(), asked);
        }
    }
    for say in [Say::Valid(AccessToken::new("alice")), Say::Invalid] {
        let verifier = Scripted::saying(say);
        let unused = Cached::new(verifier.clone())
            .ceiling(Duration::ZERO)
            .negatives(Duration::ZERO);
        let full = Cached::new(verifier.clone()).capacity(0);
        for asked in 1..4 {
            said(&unused, "t").await;
            said(&full, "t").await;
            assert_eq!(verifier.asked(), 2 * asked);
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_prolongs_nothing() {
    let verifier = Scripted::accepting();
    let (cached, clock) = cached(&verifier);
    clock.set(1_000);
    said(&*cached, "t").await;
    clock.set(10);
    said(&*cached, "t").await;
    assert_eq!(verifier.asked(), 2);
}

#[tokio::test]
async fn an_outage_ends_with_the_first_answer() {
    let verifier = Scripted::saying(Say::Unavailable);
    let (cached, _) = cached(&verifier);
    assert_eq!(said(&*cached, "t").await, "cannot tell");
    verifier.say(Say::Valid(AccessToken::new("alice")));
    assert_eq!(said(&*cached, "t").await, "alice");
    verifier.say(Say::Unavailable);
    assert_eq!(said(&*cached, "t").await, "alice", "remembered");
    assert_eq!(said(&*cached, "other").await, "cannot tell");
}

#[tokio::test]
async fn a_hundred_requests_with_one_token_cost_one_verification() {
    for (say, expected) in [
        (Say::Valid(AccessToken::new("alice")), "alice"),
        (Say::Invalid, "no"),
        (Say::Unavailable, "cannot tell"),
    ] {
        let verifier = Scripted::saying(say);
        let (cached, _) = cached(&verifier);
        verifier.close();
        let mut requests = JoinSet::new();
        for _ in 0..100 {
            let cached = Arc::clone(&cached);
            requests.spawn(async move { said(&*cached, "t").await });
        }
        verifier.until_asked(1).await;
        let_others_run().await;
        verifier.open();
        let answers = soon(requests.join_all()).await;
        assert_eq!(answers, vec![expected; 100]);
        assert_eq!(verifier.asked(), 1, "{expected}");
    }
}

#[tokio::test]
async fn other_tokens_do_not_wait() {
    let verifier = Scripted::accepting();
    let (cached, _) = cached(&verifier);
    said(&*cached, "known").await;
    verifier.close();
    let waiting = tokio::spawn({
        let cached = Arc::clone(&cached);
        async move { said(&*cached, "slow").await }
    });
    verifier.until_asked(2).await;
    assert_eq!(soon(said(&*cached, "known")).await, "alice");
    verifier.open();
    assert_eq!(soon(waiting).await.unwrap(), "alice");
}

#[tokio::test]
async fn whoever_waits_goes_on_where_the_first_is_dropped_or_panics() {
    for token in ["dropped", "panic"] {
        let verifier = Scripted::accepting();
        let (cached, _) = cached(&verifier);
        verifier.close();
        let ask = || {
            let cached = Arc::clone(&cached);
            tokio::spawn(async move { said(&*cached, token).await })
        };
        let first = ask();
        verifier.until_asked(1).await;
        let (second, third) = (ask(), ask());
        let_others_run().await;
        if token == "dropped" {
            first.abort();
            verifier.until_asked(2).await;
            verifier.open();
            assert_eq!(soon(second).await.unwrap(), "alice");
            assert_eq!(soon(third).await.unwrap(), "alice");
            assert_eq!(verifier.asked(), 2);
        } else {
            verifier.open();
            for request in [first, second, third] {
                assert!(soon(request).await.unwrap_err().is_panic());
            }
            assert_eq!(soon(said(&*cached, "other")).await, "alice");
        }
    }
}

#[tokio::test]
async fn a_flood_of_wrong_tokens_pushes_no_valid_one_out() {
    let verifier = Scripted::saying(Say::Invalid);
    let cached = Cached::new(verifier.clone()).capacity(1_000);
    for number in 0..100 {
        let token = format!("good-{number}");
        verifier.say_of(&token, Say::Valid(AccessToken::new("alice")));
        assert_eq!(said(&cached, &token).await, "alice");
    }
    for number in 0..20_000 {
        said(&cached, &format!("guess-{number}")).await;
    }
    let before = verifier.asked();
    for number in 0..100 {
        assert_eq!(said(&cached, &format!("good-{number}")).await, "alice");
    }
    assert_eq!(verifier.asked(), before, "all of them are still remembered");
    said(&cached, "guess-0").await;
    assert_eq!(verifier.asked(), before + 1, "the guesses are not");
}

#[tokio::test]
async fn forgetting_by_hand() {
    let verifier = Scripted::saying(Say::Invalid);
    for (token, id) in [("a", "1"), ("b", "2")] {
        let valid = AccessToken::new(token).with_token_id(id);
        verifier.say_of(token, Say::Valid(valid));
    }
    let (cached, _) = cached(&verifier);
    type Forget = fn(&Cached<Scripted>);
    let table: [(Forget, &[&str]); 4] = [
        (|cached| cached.forget("a"), &["a"]),
        (|cached| cached.forget("wrong"), &["wrong"]),
        (
            |cached| cached.forget_where(|token| token.token_id() == Some("2")),
            &["b"],
        ),
        (Cached::forget_all, &["a", "b", "wrong"]),
    ];
    for (forget, forgotten) in table {
        for token in ["a", "b", "wrong"] {
            said(&*cached, token).await;
        }
        forget(&cached);
        for token in ["a", "b", "wrong"] {
            let before = verifier.asked();
            said(&*cached, token).await;
            let again = verifier.asked() - before;
            assert_eq!(again, usize::from(forgotten.contains(&token)), "{token}");
        }
    }
}

/// The verifier has its answer already, and the token is forgotten before the answer arrives.
#[tokio::test]
async fn what_is_under_way_when_it_is_forgotten_is_not_remembered() {
    let verifier = Scripted::accepting();
    let (cached, _) = cached(&verifier);
    verifier.close();
    let ask = || {
        let cached = Arc::clone(&cached);
        tokio::spawn(async move { said(&*cached, "t").await })
    };
    let before = ask();
    verifier.until_asked(1).await;
    cached.forget("t");
    verifier.open();
    assert_eq!(
        soon(before).await.unwrap(),
        "alice",
        "when it was asked for"
    );
    verifier.say(Say::Invalid);
    assert_eq!(said(&*cached, "t").await, "no");

    // And another request joins in after it was forgotten.
    cached.forget("t");
    verifier.say(Say::Valid(AccessToken::new("alice")));
    verifier.close();
    let before = ask();
    verifier.until_asked(3).await;
    verifier.say(Say::Invalid);
    cached.forget("t");
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

#[tokio::test]
async fn debug_shows_neither_tokens_nor_callers() {
    let cached = Cached::new(propusk::FixedTokens::new().with("hunter2", AccessToken::new("bob")));
    said(&cached, "hunter2").await;
    let shown = format!("{cached:?}");
    assert!(shown.starts_with("Cached"), "{shown}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("bob"),
        "{shown}"
    );
}
