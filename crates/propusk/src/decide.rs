//! The decision: one pure function.

use std::time::SystemTime;

use crate::{
    AccessToken, Admission, AuthSettings, Confirmation, Defect, DpopPolicy, Operation, ProofDefect,
    Reason, Refusal, Requirement, ScopeSet, refusal::Scheme,
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

    /// Decides about another operation of the same request, by its scopes: what is known once the
    /// body has been read, for example.
    ///
    /// # Errors
    /// A [`Refusal`] with the scopes that would do.
    pub fn allows(&self, settings: &AuthSettings, operation: &Operation) -> Result<(), Refusal> {
        within_scopes(settings, operation, self.caller())
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
    let caller = match judge(settings, presented, now) {
        Judged::Nobody => None,
        // Asking for a nonce is no verdict: the client is to come again with the same token.
        Judged::Invalid(reason)
            if settings.admitted() == Admission::Permissive
                && reason != Reason::InvalidProof(ProofDefect::NonceNeeded) =>
        {
            None
        }
        Judged::Invalid(reason) => {
            let named = Needs::of(settings, operation)
                .named(None)
                .unwrap_or_default();
            return Err(Refusal::new(reason, named));
        }
        Judged::Valid(token) => Some(token),
    };
    within_scopes(settings, operation, caller.as_ref())?;
    if caller.is_none() && settings.admitted() == Admission::Required {
        return Err(Refusal::unauthenticated());
    }
    Ok(Permit { caller })
}

/// The part of the decision that is about scopes. An anonymous caller has none; signing in is what
/// would help, hence 401 and not 403.
pub(crate) fn within_scopes(
    settings: &AuthSettings,
    operation: &Operation,
    caller: Option<&AccessToken>,
) -> Result<(), Refusal> {
    let needs = Needs::of(settings, operation);
    if needs.are_met_by(caller) {
        return Ok(());
    }
    Err(match (needs.named(caller), caller) {
        (named, None) => Refusal::new(Reason::NoToken, named.unwrap_or_default()),
        (Some(named), Some(token)) => {
            Refusal::new(Reason::InsufficientScope, named).under(Scheme::of(token))
        }
        (None, Some(token)) => Refusal::forbidden().under(Scheme::of(token)),
    })
}

/// All that an operation needs, from wherever it is asked for.
pub(crate) struct Needs<'a> {
    settings: &'a AuthSettings,
    /// In addition to the server-wide scopes.
    own: Vec<&'a Requirement>,
}

impl<'a> Needs<'a> {
    pub(crate) fn of(settings: &'a AuthSettings, operation: &'a Operation) -> Self {
        let mut own = Vec::new();
        settings.scope_policy().collect(operation, &mut own);
        own.retain(|requirement| !requirement.is_nothing());
        Self { settings, own }
    }

    pub(crate) fn are_met_by(&self, caller: Option<&AccessToken>) -> bool {
        let everybody = self.settings.required_scopes();
        let hierarchy = self.settings.scope_hierarchy();
        match caller {
            None => everybody.is_empty() && self.own.is_empty(),
            Some(token) => {
                let held = token.scopes();
                hierarchy.covers(held, everybody)
                    && self.own.iter().all(|own| own.is_met_by(held, hierarchy))
            }
        }
    }

    /// All scopes that a refusal names in one set; `None` where no scope would do.
    pub(crate) fn named(&self, caller: Option<&AccessToken>) -> Option<ScopeSet> {
        self.add_own(caller, self.settings.required_scopes().clone())
    }

    /// The same without the server-wide scopes: what is particular to the operation.
    #[cfg(feature = "layer")]
    pub(crate) fn particular(&self, caller: Option<&AccessToken>) -> Option<ScopeSet> {
        self.add_own(caller, ScopeSet::default())
    }

    /// Whether nothing is particular to the operation.
    #[cfg(feature = "server")]
    pub(crate) fn is_common(&self) -> bool {
        self.own.is_empty()
    }

    /// What is particular to the operation, where there are no two ways about it: then every caller
    /// is told the same.
    #[cfg(feature = "server")]
    pub(crate) fn only_set(&self) -> Option<&'a ScopeSet> {
        match self.own[..] {
            [own] => own.only_set(),
            _ => None,
        }
    }

    fn add_own(&self, caller: Option<&AccessToken>, mut named: ScopeSet) -> Option<ScopeSet> {
        let nothing = ScopeSet::default();
        let held = caller.map_or(&nothing, AccessToken::scopes);
        let hierarchy = self.settings.scope_hierarchy();
        let mut own = self.own.iter();
        own.all(|own| own.name(held, hierarchy, &mut named))
            .then_some(named)
    }
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

/// Whether a token that opened a stream still carries it, after the verifier has accepted it again:
/// it stands for the same principal, is bound to the same key, and has the scopes that every request
/// needs. Its expiry is judged by whoever watches the time.
#[cfg(feature = "layer")]
pub(crate) fn still_holds(
    settings: &AuthSettings,
    before: &AccessToken,
    again: &AccessToken,
) -> bool {
    let audience = again.audience();
    before.principal() == again.principal()
        && before.confirmation() == again.confirmation()
        && (audience.is_empty() || audience.iter().any(|a| settings.is_audience(a)))
        && within_scopes(settings, &Operation::Request, Some(again)).is_ok()
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

    #[cfg(feature = "layer")]
    #[test]
    fn a_stream_goes_on_only_for_the_same_caller_with_what_every_request_needs() {
        let settings = AuthSettings::new(RESOURCE).expect("valid");
        let settings = settings.require_scopes("a").expect("valid");
        let before = AccessToken::new("alice").with_scope_claim("a b");
        for (again, holds) in [
            (before.clone(), true),
            (before.clone().with_scope_claim("a"), true),
            (before.clone().with_expires_at(now()), true),
            (before.clone().with_audience(RESOURCE), true),
            (before.clone().with_scope_claim("b"), false),
            (before.clone().with_audience("https://b.example"), false),
            (before.clone().with_client_id("other"), false),
            (
                before.clone().with_confirmation(Confirmation::Unsupported),
                false,
            ),
            (AccessToken::new("bob").with_scope_claim("a b"), false),
        ] {
            assert_eq!(still_holds(&settings, &before, &again), holds, "{again:?}");
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
