//! What would become of a request, before anybody sends it: for a human at `propusk inspect`.

use std::time::SystemTime;

use crate::{
    AccessToken, Admission, AuthSettings, Explanation, Operation, Permit, Presented, Reason,
    Refusal, ScopeSet, TokenVerifier, Unavailable, Verdict,
    decide::{Needs, decide},
};

/// What a verifier makes of a token, and what a server with these settings would decide.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Inspection {
    /// What the verifier says, and why.
    pub explanation: Explanation,
    /// The decision.
    pub decision: Result<Permit, Refusal>,
    /// Why the token itself is not accepted: its expiry, its audience, its key among it. Under
    /// [`Admission::Permissive`] a request goes on without such a token, as nobody's.
    pub fault: Option<Refusal>,
    /// The scopes that the operation needs, of alternatives those that the token is nearest to;
    /// `None` where it is closed to everybody.
    pub needed: Option<ScopeSet>,
    /// Those of them that the token does not grant; all, where it is not accepted.
    pub missing: ScopeSet,
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
    let fault = match &presented {
        Ok(presented) => fault(settings, presented, now),
        Err(unavailable) => Some(unavailable.clone()),
    };
    let caller = match &explanation.verdict {
        Verdict::Valid(token) if fault.is_none() => Some(token),
        _ => None,
    };
    let needed = Needs::of(settings, operation).named(caller);
    Inspection {
        missing: missing(settings, needed.as_ref(), caller),
        needed,
        fault,
        decision: presented.and_then(|presented| decide(settings, operation, presented, now)),
        explanation,
    }
}

/// What is wrong with the token, whatever is asked and whoever is admitted.
fn fault(settings: &AuthSettings, presented: &Presented, now: SystemTime) -> Option<Refusal> {
    let strict = settings.clone().admission(Admission::Required);
    let refusal = decide(&strict, &Operation::Request, presented.clone(), now).err()?;
    let of_the_token = matches!(
        refusal.reason(),
        Reason::InvalidToken(_) | Reason::InvalidProof(_)
    );
    of_the_token.then_some(refusal)
}

fn missing(
    settings: &AuthSettings,
    needed: Option<&ScopeSet>,
    caller: Option<&AccessToken>,
) -> ScopeSet {
    let nothing = ScopeSet::default();
    let held = caller.map_or(&nothing, AccessToken::scopes);
    let hierarchy = settings.scope_hierarchy();
    let needed = needed.into_iter().flat_map(ScopeSet::iter);
    let lacking = needed.filter(|scope| !hierarchy.grants(held, scope));
    lacking.cloned().collect()
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

    #[tokio::test]
    async fn a_fault_is_told_also_where_the_request_goes_on_without_the_token() {
        let now = SystemTime::now();
        let tokens = FixedTokens::new()
            .with(
                "good-token",
                AccessToken::new("a").with_scope_claim("notes"),
            )
            .with(
                "late-token",
                AccessToken::new("a").with_expires_at(SystemTime::UNIX_EPOCH),
            )
            .with(
                "foreign-token",
                AccessToken::new("a").with_audience("https://b.example"),
            );
        let settings = AuthSettings::new("https://a.example/mcp")
            .expect("a resource URL")
            .scope_implies("notes", "notes:read")
            .expect("scopes");
        let needs = crate::Requirement::all_of("notes:read notes:write").ok();
        let open = Operation::tool("echo");
        let closed = Operation::tool("notes").declaring(|_| needs.clone());
        use Admission::{Optional, Permissive, Required};
        let no_token = Some(Reason::NoToken);
        #[rustfmt::skip]
        let table = [
            // admission, token, operation, the decision, the fault, missing
            (Permissive, "good-token",    &open,   None,                             "", ""),
            (Permissive, "wrong-token",   &open,   None,                             "not valid", ""),
            (Permissive, "late-token",    &open,   None,                             "expired", ""),
            (Permissive, "foreign-token", &open,   None,                             "another resource", ""),
            (Permissive, "late-token",    &closed, no_token,                         "expired", "notes:read notes:write"),
            (Permissive, "good-token",    &closed, Some(Reason::InsufficientScope),  "", "notes:write"),
            (Required,   "good-token",    &closed, Some(Reason::InsufficientScope),  "", "notes:write"),
            (Optional,   "late-token",    &open,   Some(Reason::InvalidToken(crate::Defect::Expired)), "expired", ""),
        ];
        for (admission, token, operation, decided, fault, missing) in table {
            let settings = settings.clone().admission(admission);
            let seen = inspect(&settings, &tokens, operation, token, now).await;
            let case = format!("{admission:?} {token} {operation}");
            let reason = seen.decision.as_ref().err().map(Refusal::reason);
            assert_eq!(reason, decided, "{case}");
            let told = seen.fault.map(|fault| fault.to_string());
            assert_eq!(told.is_some(), !fault.is_empty(), "{case}: {told:?}");
            assert!(told.unwrap_or_default().contains(fault), "{case}");
            assert_eq!(seen.missing.to_string(), missing, "{case}");
        }
    }
}
