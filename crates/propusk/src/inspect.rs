//! What would become of a request, before anybody sends it: for a human at `propusk inspect`.

use std::time::SystemTime;

use crate::{
    AuthSettings, Explanation, Operation, Permit, Presented, Reason, Refusal, TokenVerifier,
    Unavailable, Verdict, decide,
};

/// What a verifier makes of a token, and what a server with these settings would decide.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Inspection {
    /// What the verifier says, and why.
    pub explanation: Explanation,
    /// The decision.
    pub decision: Result<Permit, Refusal>,
}

/// Verifies a token with reasons and decides on an operation, as a server would at the time `now`
/// for a request that carries the token as a plain bearer token.
pub async fn inspect(
    settings: &AuthSettings,
    verifier: &impl TokenVerifier,
    operation: &Operation,
    token: &str,
    now: SystemTime,
) -> Inspection {
    let explanation = verifier.explain_token(token).await;
    let presented = match &explanation.verdict {
        Verdict::Valid(token) => Ok(Presented::Verified(token.clone())),
        Verdict::Invalid(_) | Verdict::NotMine(_) => Ok(Presented::Rejected),
        Verdict::Unavailable(_) => Err(Refusal::new(
            Reason::Unavailable {
                retry_after: Unavailable::DEFAULT_RETRY_AFTER,
            },
            settings.required_scopes().clone(),
        )),
    };
    let decision = presented.and_then(|presented| decide(settings, operation, presented, now));
    Inspection {
        explanation,
        decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessToken, AnyOf, FixedTokens};

    #[tokio::test]
    async fn the_decision_is_that_of_a_server() {
        let tokens = FixedTokens::new()
            .with(
                "alice-token",
                AccessToken::new("alice").with_scope_claim("a"),
            )
            .with("bob-token", AccessToken::new("bob"));
        let down = |_| async { Err(Unavailable::new("down")) };
        let settings = AuthSettings::new("https://a.example/mcp")
            .map(|settings| settings.require_scopes("a"))
            .expect("a resource URL")
            .expect("a scope");
        for (token, expected) in [
            ("alice-token", None),
            ("bob-token", Some(Reason::InsufficientScope)),
            (
                "other-token",
                Some(Reason::Unavailable {
                    retry_after: Unavailable::DEFAULT_RETRY_AFTER,
                }),
            ),
        ] {
            let verifier = AnyOf::new().with(tokens.clone()).with(down);
            let now = SystemTime::now();
            let inspection = inspect(&settings, &verifier, &Operation::Request, token, now).await;
            let reason = inspection.decision.err().map(|refusal| refusal.reason());
            assert_eq!(reason, expected, "{token}");
        }
    }
}
