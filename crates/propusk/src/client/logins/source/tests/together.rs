//! Several callers, processes and machines with one login.

use super::*;

#[tokio::test]
async fn a_token_that_the_server_refuses_is_renewed_once() {
    let place = Place::new().await;
    place.present();
    place.issuer.answers([tokens(1), tokens(2), tokens(3)]);
    assert_eq!(place.token().await.expect("a token"), "access-1");
    assert_eq!(
        place.refused(401, "access-1").await.expect("another"),
        Reaction::Retry
    );
    assert_eq!(place.token().await.expect("a token"), "access-2");
    assert_eq!(
        place.refused(401, "access-1").await.expect("late"),
        Reaction::Retry
    );
    assert_eq!(
        place.refused(401, "access-2").await.expect("no"),
        Reaction::GiveUp
    );
    assert_eq!(
        place.refused(403, "access-2").await.expect("no"),
        Reaction::GiveUp
    );
    assert_eq!(
        place.issuer.requests().len(),
        2,
        "it is not asked in a circle"
    );
}

#[tokio::test]
async fn what_another_process_has_kept_is_used_instead() {
    let place = Place::new().await;
    place.present();
    place.issuer.answers([tokens(1)]);
    assert_eq!(place.token().await.expect("a token"), "access-1");
    for status in [401, 403] {
        let token = format!("wider-{status}");
        let wider = Login {
            access_token: BearerToken::parse(&token).expect("a token"),
            ..place.kept().await
        };
        place.store.save(&wider).await.expect("saved");
        let sent = place.token().await.expect("from memory");
        assert_eq!(
            place.refused(status, &sent).await.expect("another"),
            Reaction::Retry
        );
        assert_eq!(place.token().await.expect("a token"), token);
    }
    assert_eq!(place.issuer.requests().len(), 1);
}

/// An older version of this program, say, which knows nothing of our lock.
#[tokio::test]
async fn what_somebody_without_the_lock_has_rotated_is_found() {
    let place = Place::new().await;
    let refused = Answer::new(400, r#"{"error":"invalid_grant"}"#);
    let newer = login(&place.issuer).with_refresh_token(Some("rotated".to_owned()));
    let store = place.store.clone();
    let meanwhile = move || async move { store.save(&newer).await.expect("saved") };
    place.issuer.answers([refused.after(meanwhile), tokens(1)]);
    assert_eq!(place.token().await.expect("a token"), "access-1");
    let requests = place.issuer.requests();
    assert!(
        requests[1].form.contains("refresh_token=rotated"),
        "{}",
        requests[1].form
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_renew_once_and_learn_of_one_failure_together() {
    for works in [true, false] {
        let place = Place::new().await;
        place.present();
        let answer = if works {
            tokens(1)
        } else {
            Answer::new(503, "")
        };
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let opened = Arc::clone(&gate);
        let held = answer.after(move || async move { drop(opened.acquire().await) });
        place.issuer.answers([held]);
        let mut callers: Vec<_> = (0..20).map(|_| Box::pin(place.token())).collect();
        for caller in &mut callers {
            let mut context = Context::from_waker(Waker::noop());
            assert!(caller.as_mut().poll(&mut context).is_pending(), "it waits");
        }
        gate.add_permits(1);
        for caller in callers {
            let token = caller.await;
            assert_eq!(token.is_ok(), works, "{token:?}");
        }
        assert_eq!(place.issuer.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_renewal_goes_on_when_its_caller_does_not() {
    let place = Place::new().await;
    place.present();
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let held = tokens(1).after(move || async move { drop(opened.acquire().await) });
    place.issuer.answers([held]);
    let asked = async {
        while place.issuer.requests().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        token = place.token() => panic!("{token:?}"),
        () = asked => {}
    }
    gate.add_permits(1);
    drop(place.store.lock(place.source.key()).await.expect("done"));
    assert_eq!(place.kept_refresh_token().await, "refresh-1");
}

/// What cannot be kept is not asked for: the answer would use up the old refresh token.
#[tokio::test]
async fn where_the_store_cannot_be_written_nothing_is_renewed() {
    let place = Place::new().await;
    let gone = StoredLogin::new(Unwritable(place.store.clone()), place.source.key().clone());
    let error = gone.token(&server(SERVER)).await.expect_err("unwritable");
    assert_eq!(error.kind(), TokenErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("no space"), "{error}");
    assert_eq!(place.issuer.requests().len(), 0);
}

/// A store on a full disk.
struct Unwritable(FileLogins);

impl LoginStore for Unwritable {
    async fn load(&self, key: &LoginKey) -> Result<Option<Login>, LoginStoreError> {
        self.0.load(key).await
    }

    async fn save(&self, _: &Login) -> Result<(), LoginStoreError> {
        let kind = LoginStoreErrorKind::Unavailable;
        Err(LoginStoreError::new(
            kind,
            "cannot write the login: no space left",
        ))
    }

    async fn remove(&self, key: &LoginKey) -> Result<bool, LoginStoreError> {
        self.0.remove(key).await
    }

    async fn list(&self) -> Result<Vec<LoginKey>, LoginStoreError> {
        self.0.list().await
    }

    async fn lock(&self, key: &LoginKey) -> Result<LoginLock, LoginStoreError> {
        self.0.lock(key).await
    }
}
