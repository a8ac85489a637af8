//! The contract that every verifier keeps, whatever it verifies with.

mod captured;

use std::time::{Duration, Instant, SystemTime};

use propusk::{
    AccessToken, AuthSettings, Operation, Presented, TokenVerifier, Unavailable, decide,
};

pub use captured::Captured;

/// The resource that the tokens of a [`World`] are issued for.
pub const RESOURCE: &str = "http://127.0.0.1:8000/mcp";

/// Another resource.
pub const OTHER_RESOURCE: &str = "http://127.0.0.1:9999/mcp";

/// For whom they are issued.
pub const SUBJECT: &str = "alice";

/// What they permit.
pub const SCOPE: &str = "notes:read";

/// How long a change may take to be effective. Longer than any cool-down that a test configures.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// For [`RESOURCE`], [`SUBJECT`] and [`SCOPE`].
    Valid,
    /// Was valid once.
    Expired,
    /// For [`OTHER_RESOURCE`].
    WrongAudience,
    /// Will be valid once.
    NotYetValid,
    /// Was withdrawn before it was ever presented.
    Revoked,
}

/// A token, or why there can be no such token.
#[derive(Debug)]
pub enum Supply {
    /// Its text.
    Token(String),
    /// Such a token does not exist for this verifier, for this reason.
    Impossible(&'static str),
}

/// A verifier with everything around it that it asks.
pub trait World {
    /// The verifier.
    type Verifier: TokenVerifier;

    /// The verifier as it is now.
    fn verifier(&self) -> &Self::Verifier;

    /// The time by its clock.
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// Issues a token of this kind; each call a new one.
    fn issue(&mut self, sample: Sample) -> impl Future<Output = Supply>;

    /// Withdraws a token that was verified before. `Err`: that cannot be, for this reason.
    fn revoke(&mut self, token: &str) -> impl Future<Output = Result<(), &'static str>>;

    /// From now on what the verifier asks does not answer. What it remembers may help it for a
    /// while. `Err`: it asks nobody, for this reason.
    fn begin_outage(&mut self) -> impl Future<Output = Result<(), &'static str>>;

    /// The end of that while: what the verifier remembers does not help any more, as after its
    /// restart. For those that remember nothing in an outage there is nothing to do.
    fn forget(&mut self) -> impl Future<Output = ()> {
        std::future::ready(())
    }

    /// What the verifier asks answers again.
    fn end_outage(&mut self) -> impl Future<Output = ()>;

    /// Texts that may appear in no error and no log line, beside the tokens.
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What becomes of a request with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Permitted,
    Refused,
    CannotTell,
}

/// Checks the whole contract. Run it on a runtime of a single thread, so that its log is seen.
///
/// # Panics
/// Where the contract is not kept.
pub async fn check(world: &mut impl World) {
    let captured = Captured::begin();
    let mut texts = Vec::new();
    let valid = valid(world, &mut texts).await;
    let mut bad = refused_samples(world, &mut texts).await;
    garbage(world, &valid, &mut texts).await;
    bad.extend(revoked(world, &mut texts).await);
    outage(world, &bad, &mut texts).await;
    let secrets = world.secrets();
    for secret in texts.iter().chain(&secrets) {
        captured.assert_free_of(secret);
        // The part that proves: whoever has it and the rest of the log has the token.
        if let Some((_, signature)) = secret.rsplit_once('.') {
            captured.assert_free_of(signature);
        }
    }
}

async fn valid(world: &mut impl World, texts: &mut Vec<String>) -> String {
    let token = good(world, texts).await;
    let verified = world.verifier().verify_token(&token).await;
    let verified = verified.expect("available").expect("valid");
    assert_eq!(verified.subject(), SUBJECT);
    assert!(verified.scopes().contains(SCOPE), "{:?}", verified.scopes());
    assert_eq!(outcome(world, &token).await, Outcome::Permitted);
    assert_eq!(outcome(world, &token).await, Outcome::Permitted, "again");
    token
}

/// Those that are bad, for later.
async fn refused_samples(world: &mut impl World, texts: &mut Vec<String>) -> Vec<String> {
    let mut bad = Vec::new();
    for sample in [
        Sample::Expired,
        Sample::WrongAudience,
        Sample::NotYetValid,
        Sample::Revoked,
    ] {
        let Some(token) = supply(world, sample, texts).await else {
            continue;
        };
        for time in ["first", "second"] {
            let outcome = outcome(world, &token).await;
            assert_eq!(outcome, Outcome::Refused, "{sample:?}, {time} time");
        }
        bad.push(token);
    }
    bad
}

async fn garbage(world: &impl World, valid: &str, texts: &mut Vec<String>) {
    let middle = valid.len() / 2;
    let changed = |at: usize| {
        let other = if valid.as_bytes()[at] == b'A' {
            'B'
        } else {
            'A'
        };
        format!("{}{other}{}", &valid[..at], &valid[at + 1..])
    };
    let cases = [
        "x".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "a.b.c.d.e".to_owned(),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        "A".repeat(16 * 1024),
        "propusk_".to_owned(),
        format!("propusk_{}", "0".repeat(62)),
        changed(1),
        changed(middle),
        changed(valid.len() - 2),
        valid[..valid.len() - 1].to_owned(),
        valid[1..].to_owned(),
        format!("{valid}A"),
        format!("{valid}{valid}"),
        valid.to_uppercase(),
    ];
    for case in cases {
        assert_ne!(case, valid);
        let outcome = outcome(world, &case).await;
        assert_eq!(outcome, Outcome::Refused, "{case}");
        texts.extend((case.len() > 20).then_some(case));
    }
}

/// The token that was withdrawn, where that can be.
async fn revoked(world: &mut impl World, texts: &mut Vec<String>) -> Option<String> {
    let token = good(world, texts).await;
    assert_eq!(outcome(world, &token).await, Outcome::Permitted);
    if let Err(reason) = world.revoke(&token).await {
        assert!(!reason.is_empty());
        return None;
    }
    while_not(world, &token, Outcome::Refused, |_| {}).await;
    assert_eq!(outcome(world, &token).await, Outcome::Refused, "again");
    Some(token)
}

async fn outage(world: &mut impl World, bad: &[String], texts: &mut Vec<String>) {
    // One that was verified before, and one that was never seen.
    let good = [good(world, texts).await, good(world, texts).await];
    assert_eq!(outcome(world, &good[0]).await, Outcome::Permitted);
    if let Err(reason) = world.begin_outage().await {
        assert!(!reason.is_empty());
        return;
    }
    for token in &good {
        let outcome = outcome(world, token).await;
        assert_ne!(outcome, Outcome::Refused, "a good token was refused");
    }
    none_is_permitted(world, bad).await;
    world.forget().await;
    for token in good.iter().chain(&good) {
        assert_eq!(outcome(world, token).await, Outcome::CannotTell, "down");
    }
    none_is_permitted(world, bad).await;
    world.end_outage().await;
    for token in &good {
        let never_refused =
            |now: Outcome| assert_ne!(now, Outcome::Refused, "refused on the way back");
        while_not(world, token, Outcome::Permitted, never_refused).await;
    }
    for token in bad {
        let never_permitted = |now: Outcome| assert_ne!(now, Outcome::Permitted, "permitted once");
        while_not(world, token, Outcome::Refused, never_permitted).await;
    }
}

async fn none_is_permitted(world: &impl World, bad: &[String]) {
    for token in bad.iter().map(String::as_str).chain(["x", "a.b.c"]) {
        assert_ne!(
            outcome(world, token).await,
            Outcome::Permitted,
            "in an outage"
        );
    }
}

async fn good(world: &mut impl World, texts: &mut Vec<String>) -> String {
    let token = supply(world, Sample::Valid, texts).await;
    token.expect("there are valid tokens")
}

async fn supply(world: &mut impl World, sample: Sample, texts: &mut Vec<String>) -> Option<String> {
    match world.issue(sample).await {
        Supply::Token(token) => {
            texts.push(token.clone());
            Some(token)
        }
        Supply::Impossible(reason) => {
            assert!(!reason.is_empty() && sample != Sample::Valid);
            None
        }
    }
}

/// Asks until the outcome is the expected one, and shows the others.
async fn while_not(
    world: &impl World,
    token: &str,
    expected: Outcome,
    meanwhile: impl Fn(Outcome),
) {
    let began = Instant::now();
    loop {
        let now = outcome(world, token).await;
        if now == expected {
            return;
        }
        meanwhile(now);
        assert!(began.elapsed() < PATIENCE, "never {expected:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// As the layer does it: the verifier states facts, the decision is made, and what a human is told
/// is logged too, so that secrets in it are found.
async fn outcome(world: &impl World, token: &str) -> Outcome {
    let answer = world.verifier().verify_token(token).await;
    let explained = world.verifier().explain_token(token).await;
    tracing::info!(verifier = explained.verifier, verdict = ?explained.verdict, "explained");
    match answer {
        Ok(Some(token)) => decided(world, token),
        Ok(None) => Outcome::Refused,
        Err(unavailable) => cannot_tell(&unavailable),
    }
}

fn decided(world: &impl World, token: AccessToken) -> Outcome {
    tracing::info!(?token, "verified");
    let settings = AuthSettings::new(RESOURCE).expect("a resource URL");
    let presented = Presented::Verified(token);
    match decide(&settings, &Operation::Request, presented, world.now()) {
        Ok(_) => Outcome::Permitted,
        Err(refusal) => {
            tracing::info!(%refusal, "refused");
            Outcome::Refused
        }
    }
}

fn cannot_tell(unavailable: &Unavailable) -> Outcome {
    let mut cause: Option<&dyn std::error::Error> = Some(unavailable.cause());
    while let Some(error) = cause {
        tracing::warn!(%error, debug = ?error, "unavailable");
        cause = error.source();
    }
    assert!(unavailable.retry_after() > Duration::ZERO);
    Outcome::CannotTell
}
