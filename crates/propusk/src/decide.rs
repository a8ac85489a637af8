//! The decision: one pure function.

use std::time::SystemTime;

use crate::{
    AccessToken, Admission, AuthSettings, Confirmation, Defect, DpopPolicy, Operation, ProofDefect,
    Reason, Refusal, ScopeSet, refusal::Scheme,
};

/// What a request presented, after the verifier has looked at it.
#[derive(Debug, Clone)]
pub enum Presented {
    /// No credentials.
    Nothing,
    /// A token that the verifier does not accept.
    Rejected,
    /// A token that the verifier accepts, as a plain bearer token.
    Verified(AccessToken),
    /// A token with a DPoP proof that is not valid (RFC 9449 §4.3), whatever the token.
    Unproven(ProofDefect),
    /// A token that the verifier accepts, with a valid DPoP proof of a key.
    Proven {
        /// What the verifier learned.
        token: AccessToken,
        /// The SHA-256 thumbprint of the key, base64url (RFC 7638, RFC 9449 §6.1).
        jkt: String,
    },
}

/// Proof that an operation was allowed. It is had only by passing [`decide`].
#[derive(Debug, Clone)]
pub struct Permit {
    caller: Option<AccessToken>,
}

impl Permit {
    /// The token of the caller; `None` is an anonymous caller.
    #[must_use]
    pub fn caller(&self) -> Option<&AccessToken> {
        self.caller.as_ref()
    }
}

/// Decides whether an operation may go on, from facts alone: no network, no clock, no state.
///
/// # Errors
/// A [`Refusal`] with its reason and the scopes that would do.
pub fn decide(
    settings: &AuthSettings,
    operation: &Operation,
    presented: Presented,
    now: SystemTime,
) -> Result<Permit, Refusal> {
    let needs = scopes_needed(settings, operation);
    let refuse = |reason| Err(Refusal::new(reason, needs.clone()));
    let caller = match judge(settings, presented, now) {
        Judged::Nobody => None,
        // Asking for a nonce is no verdict: the client is to come again with the same token.
        Judged::Invalid(reason)
            if settings.admitted() == Admission::Permissive
                && reason != Reason::InvalidProof(ProofDefect::NonceNeeded) =>
        {
            None
        }
        Judged::Invalid(reason) => return refuse(reason),
        Judged::Valid(token) => Some(token),
    };
    match &caller {
        Some(token) if !token.scopes().covers(needs) => {
            refuse(Reason::InsufficientScope).map_err(|refusal| refusal.under(Scheme::of(token)))
        }
        // An anonymous caller has no scopes; signing in is what would help, hence 401.
        None if settings.admitted() == Admission::Required || !needs.is_empty() => {
            refuse(Reason::NoToken)
        }
        _ => Ok(Permit { caller }),
    }
}

/// The scopes that an operation needs: for now those of the whole server.
fn scopes_needed<'a>(settings: &'a AuthSettings, _operation: &Operation) -> &'a ScopeSet {
    settings.required_scopes()
}

enum Judged {
    Nobody,
    Invalid(Reason),
    Valid(AccessToken),
}

/// Judges what no verifier can be trusted to have judged: expiry, audience, and the key that a
/// token is bound to.
fn judge(settings: &AuthSettings, presented: Presented, now: SystemTime) -> Judged {
    let (token, key) = match presented {
        Presented::Nothing => return Judged::Nobody,
        Presented::Rejected => return invalid(Defect::NotAccepted),
        Presented::Unproven(defect) => return Judged::Invalid(Reason::InvalidProof(defect)),
        Presented::Verified(token) => (token, None),
        Presented::Proven { token, jkt } => (token, Some(jkt)),
    };
    if token.is_expired_at(now) {
        return invalid(Defect::Expired);
    }
    let audience = token.audience();
    if !audience.is_empty() && !audience.iter().any(|a| settings.is_audience(a)) {
        return invalid(Defect::WrongAudience);
    }
    match binding(settings, token.confirmation(), key.as_deref()) {
        Ok(()) => Judged::Valid(token),
        Err(defect) => invalid(defect),
    }
}

fn invalid(defect: Defect) -> Judged {
    Judged::Invalid(Reason::InvalidToken(defect))
}

/// Compares the key that a token is bound to with the one that was proven (RFC 9449 §7.1). A bound
/// token is never a plain bearer token, and a plain bearer token never passes for a bound one.
fn binding(
    settings: &AuthSettings,
    confirmation: Option<&Confirmation>,
    proven: Option<&str>,
) -> Result<(), Defect> {
    match (confirmation, proven) {
        (None, None) if settings.dpop_policy() == DpopPolicy::Accepted => Ok(()),
        (None, _) => Err(Defect::NotBound),
        (Some(_), None) => Err(Defect::NeedsProof),
        // Thumbprints of public keys are no secrets.
        (Some(Confirmation::Jkt(own)), Some(proven)) if own == proven => Ok(()),
        (Some(_), Some(_)) => Err(Defect::WrongKey),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Confirmation;

    const RESOURCE: &str = "https://a.example/mcp";

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)
    }

    fn outcome(admission: Admission, required: &str, presented: Presented) -> String {
        let settings = AuthSettings::new(RESOURCE)
            .expect("valid")
            .admission(admission)
            .accept_audience("api://notes")
            .require_scopes(required)
            .expect("valid");
        outcome_of(&settings, presented)
    }

    fn outcome_of(settings: &AuthSettings, presented: Presented) -> String {
        match decide(settings, &Operation::Request, presented, now()) {
            Ok(permit) => match permit.caller() {
                Some(token) => format!("permit {}", token.subject()),
                None => "permit anonymous".to_owned(),
            },
            Err(refusal) => match refusal.reason() {
                Reason::NoToken => "401".to_owned(),
                Reason::InvalidToken(defect) => format!("401 {defect:?}"),
                Reason::InvalidProof(defect) => format!("401 {defect:?}"),
                Reason::InsufficientScope => format!("403 {}", refusal.needed_scopes()),
                other => format!("{other:?}"),
            },
        }
    }

    #[test]
    fn the_decision_table() {
        let alice = || AccessToken::new("alice").with_scope_claim("a b");
        let expired = alice().with_expires_at(now());
        let living = alice().with_expires_at(now() + Duration::from_secs(1));
        let foreign = alice().with_audience("https://b.example/mcp");
        let ours = alice()
            .with_audience("https://x.example")
            .with_audience(RESOURCE);
        let alias = alice().with_audience("api://notes");
        let lenient = alice()
            .with_expires_at(now() - Duration::from_secs(29))
            .with_leeway(Duration::from_secs(30));
        let too_late = lenient.clone().with_leeway(Duration::from_secs(29));
        let bound = alice().with_confirmation(Confirmation::Jkt("x".to_owned()));
        let by_certificate = alice().with_confirmation(Confirmation::Unsupported);
        use Presented::{Nothing, Rejected, Verified};
        #[rustfmt::skip]
        let table = [
            // presented               required  Required            Optional            Permissive
            (Nothing,                  "",       "401",              "permit anonymous", "permit anonymous"),
            (Nothing,                  "a",      "401",              "401",              "401"),
            (Rejected,                 "",       "401 NotAccepted",  "401 NotAccepted",  "permit anonymous"),
            (Rejected,                 "a",      "401 NotAccepted",  "401 NotAccepted",  "401"),
            (Verified(alice()),        "",       "permit alice",     "permit alice",     "permit alice"),
            (Verified(alice()),        "a b",    "permit alice",     "permit alice",     "permit alice"),
            (Verified(alice()),        "a c",    "403 a c",          "403 a c",          "403 a c"),
            (Verified(expired),        "",       "401 Expired",      "401 Expired",      "permit anonymous"),
            (Verified(living),         "",       "permit alice",     "permit alice",     "permit alice"),
            (Verified(foreign),        "",       "401 WrongAudience","401 WrongAudience","permit anonymous"),
            (Verified(alias),          "",       "permit alice",     "permit alice",     "permit alice"),
            (Verified(lenient),        "",       "permit alice",     "permit alice",     "permit alice"),
            (Verified(too_late),       "",       "401 Expired",      "401 Expired",      "permit anonymous"),
            (Verified(bound),          "",       "401 NeedsProof",   "401 NeedsProof",   "permit anonymous"),
            (Verified(by_certificate), "",       "401 NeedsProof",   "401 NeedsProof",   "permit anonymous"),
            (Verified(ours),           "a",      "permit alice",     "permit alice",     "permit alice"),
        ];
        for (presented, required, strict, optional, permissive) in table {
            let case = format!("{presented:?} with {required:?}");
            assert_eq!(
                outcome(Admission::Required, required, presented.clone()),
                strict,
                "{case}"
            );
            assert_eq!(
                outcome(Admission::Optional, required, presented.clone()),
                optional,
                "{case}"
            );
            assert_eq!(
                outcome(Admission::Permissive, required, presented),
                permissive,
                "{case}"
            );
        }
    }
    /// Who holds which key decides; expiry, audience and scopes count as for a bearer token.
    #[cfg(feature = "jwt")]
    #[test]
    fn rfc9449_7_1_the_binding_table() {
        let free = || AccessToken::new("alice");
        let bound = || free().with_confirmation(Confirmation::Jkt("key".to_owned()));
        let by_certificate = free().with_confirmation(Confirmation::Unsupported);
        let proven = |token: AccessToken, jkt: &str| Presented::Proven {
            token,
            jkt: jkt.to_owned(),
        };
        let expired = bound().with_expires_at(now());
        let foreign = bound().with_audience("https://b.example/mcp");
        use Presented::{Nothing, Rejected, Unproven, Verified};
        #[rustfmt::skip]
        let table = [
            // presented                              Accepted             Required             Permissive, Accepted
            (Nothing,                                 "401",               "401",               "permit anonymous"),
            (Rejected,                                "401 NotAccepted",   "401 NotAccepted",   "permit anonymous"),
            (Verified(free()),                        "permit alice",      "401 NotBound",      "permit alice"),
            (Verified(bound()),                       "401 NeedsProof",    "401 NeedsProof",    "permit anonymous"),
            (Verified(by_certificate.clone()),        "401 NeedsProof",    "401 NeedsProof",    "permit anonymous"),
            (proven(bound(), "key"),                  "permit alice",      "permit alice",      "permit alice"),
            (proven(bound(), "other"),                "401 WrongKey",      "401 WrongKey",      "permit anonymous"),
            (proven(bound(), "ke"),                   "401 WrongKey",      "401 WrongKey",      "permit anonymous"),
            (proven(bound(), ""),                     "401 WrongKey",      "401 WrongKey",      "permit anonymous"),
            (proven(free(), "key"),                   "401 NotBound",      "401 NotBound",      "permit anonymous"),
            (proven(by_certificate, "key"),           "401 WrongKey",      "401 WrongKey",      "permit anonymous"),
            (proven(expired, "key"),                  "401 Expired",       "401 Expired",       "permit anonymous"),
            (proven(foreign, "key"),                  "401 WrongAudience", "401 WrongAudience", "permit anonymous"),
            (Unproven(ProofDefect::Signature),        "401 Signature",     "401 Signature",     "permit anonymous"),
            (Unproven(ProofDefect::NonceNeeded),      "401 NonceNeeded",   "401 NonceNeeded",   "401 NonceNeeded"),
        ];
        for (presented, accepted, required, permissive) in table {
            let settings = AuthSettings::new(RESOURCE).expect("valid");
            let case = format!("{presented:?}");
            assert_eq!(outcome_of(&settings, presented.clone()), accepted, "{case}");
            let lenient = settings.clone().admission(Admission::Permissive);
            assert_eq!(
                outcome_of(&lenient, presented.clone()),
                permissive,
                "{case}"
            );
            let strict = settings.dpop(DpopPolicy::Required);
            assert_eq!(outcome_of(&strict, presented), required, "{case}");
        }
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn a_key_gives_no_scopes() {
        let settings = AuthSettings::new(RESOURCE)
            .expect("valid")
            .require_scopes("a")
            .expect("valid");
        let token = AccessToken::new("alice").with_confirmation(Confirmation::Jkt("k".to_owned()));
        let jkt = "k".to_owned();
        assert_eq!(
            outcome_of(&settings, Presented::Proven { token, jkt }),
            "403 a"
        );
    }
}
