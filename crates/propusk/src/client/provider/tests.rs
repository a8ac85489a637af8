use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{sync::Semaphore, task::JoinSet};

use super::*;

#[test]
fn a_token_is_replaced_near_its_end() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    let after = |seconds| now + Duration::from_secs(seconds);
    for (life, expected) in [(3_600, 3_570), (61, 31), (60, 30), (20, 10), (2, 1), (0, 0)] {
        assert_eq!(renewal(after(life), now), after(expected), "{life}");
    }
    let ended = now - Duration::from_secs(5);
    assert_eq!(renewal(ended, now), ended);
}

fn server() -> ProtectedServer {
    ProtectedServer::new("https://mcp.example.com/mcp".to_owned(), Default::default())
}

/// A closure that says this each time, once it is let.
fn gated(
    says: impl Fn(usize) -> Result<OutgoingToken, Cause> + Send + Sync + 'static,
) -> (Arc<TokenProvider>, Arc<AtomicUsize>, Arc<Semaphore>) {
    let (asked, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, wait) = (Arc::clone(&asked), Arc::clone(&gate));
    let provider = TokenProvider::new(move || {
        let said = says(count.fetch_add(1, Ordering::SeqCst));
        let wait = Arc::clone(&wait);
        async move {
            wait.acquire().await?.forget();
            said
        }
    });
    (Arc::new(provider), asked, gate)
}

/// A hundred ask; the closure answers when all of them wait.
async fn hundred(
    provider: &Arc<TokenProvider>,
    gate: &Semaphore,
) -> Vec<Result<Option<OutgoingToken>, TokenError>> {
    let mut asking = JoinSet::new();
    for _ in 0..100 {
        let provider = Arc::clone(provider);
        asking.spawn(async move { provider.token(&server()).await });
    }
    // On one thread: each has gone as far as it can.
    tokio::task::yield_now().await;
    gate.add_permits(1);
    asking.join_all().await
}

#[tokio::test]
async fn a_hundred_that_ask_are_one_question() {
    let (provider, asked, gate) = gated(|_| Ok(OutgoingToken::parse("a")?));
    for answer in hundred(&provider, &gate).await {
        let token = answer.expect("an answer").expect("a token");
        assert_eq!(token.secret().expose_secret(), "a");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_hundred_that_ask_share_an_error_and_the_next_asks_again() {
    let (provider, asked, gate) = gated(|count| match count {
        0 => Err("sealed".into()),
        _ => Ok(OutgoingToken::parse("a")?),
    });
    for answer in hundred(&provider, &gate).await {
        let error = answer.expect_err("the closure failed");
        assert_eq!(error.to_string(), "no token could be obtained: sealed");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    gate.add_permits(1);
    provider.token(&server()).await.expect("it works again");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_token_that_may_be_used_is_used_while_its_successor_is_not_there() {
    // Half of its life is over, as a clock that was set on would have it.
    let near = |text: &str| {
        let end = SystemTime::now() + Duration::from_secs(3_600);
        Ok(OutgoingToken::parse(text)?.with_expires_at(Some(end)))
    };
    let (provider, asked, gate) = gated(move |count| match count {
        1 => Err("sealed".into()),
        count => near(&format!("t{count}")),
    });
    let text =
        |token: Option<OutgoingToken>| token.map(|token| token.secret().expose_secret().to_owned());
    gate.add_permits(1);
    provider.token(&server()).await.expect("the first");
    let is_due = || provider.held().renew_at = Some(SystemTime::UNIX_EPOCH);
    // One asks, and is told no; the others do not wait for it.
    is_due();
    let early = Arc::clone(&provider);
    let asking = tokio::spawn(async move { early.token(&server()).await });
    tokio::task::yield_now().await;
    let meanwhile = provider.token(&server()).await.expect("the first");
    assert_eq!(text(meanwhile).as_deref(), Some("t0"));
    gate.add_permits(1);
    let asked_early = asking.await.expect("no panic").expect("still the first");
    assert_eq!(text(asked_early).as_deref(), Some("t0"));
    // Not at once again; then it works.
    provider.token(&server()).await.expect("the first");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    is_due();
    gate.add_permits(1);
    let next = provider.token(&server()).await.expect("the next");
    assert_eq!(text(next).as_deref(), Some("t2"));
}

/// Whoever asked is gone before there was an answer.
#[tokio::test]
async fn a_question_that_was_given_up_is_asked_by_the_next() {
    let (provider, asked, gate) = gated(|_| Ok(OutgoingToken::parse("a")?));
    let gone = Arc::clone(&provider);
    let gone = tokio::spawn(async move { gone.token(&server()).await });
    tokio::task::yield_now().await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    gone.abort();
    assert!(gone.await.expect_err("aborted").is_cancelled());
    gate.add_permits(1);
    provider.token(&server()).await.expect("an answer");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
