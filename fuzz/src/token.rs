//! Any text as a token: a wrong key never makes it valid, and it does not come back in words.

use propusk::{TokenVerifier, Verdict};

use crate::{
    at_once,
    issuer::{OTHER, PUBLIC_KEYS, ROUTING},
};

pub(crate) fn run(input: &[u8]) -> bool {
    let Ok(token) = str::from_utf8(input) else {
        return false;
    };
    let mut accepted = false;
    accepted |= is_accepted(&*PUBLIC_KEYS, token);
    accepted |= is_accepted(&*OTHER, token);
    accepted |= is_accepted(&*ROUTING, token);
    assert!(!accepted, "accepted without a signature of its issuer");
    accepted
}

/// With and without reasons, which must agree.
fn is_accepted(verifier: &impl TokenVerifier, token: &str) -> bool {
    let answer = at_once(verifier.verify_token(token));
    let accepted = matches!(answer, Ok(Some(_)));
    assert!(answer.is_ok(), "fixed keys are always there");
    let explanation = at_once(verifier.explain_token(token));
    let explained = matches!(explanation.verdict, Verdict::Valid(_));
    assert_eq!(accepted, explained, "with reasons it is another answer");
    if let Verdict::Invalid(why) = &explanation.verdict
        && let Some(signature) = token.rsplit('.').next().filter(|part| is_signature(part))
    {
        assert!(!why.contains(signature), "the signature is in the reason");
    }
    accepted
}

/// As long as no word in a reason.
fn is_signature(part: &str) -> bool {
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    part.len() > 20 && part.bytes().all(base64url)
}
