//! Why a token is refused, in words. Never on a request's way.

use super::{
    JwtVerifier,
    refused::{NotVerified, Refused},
};
use crate::{
    Explanation, Verdict,
    jose::{Compact, unverified_issuer},
};

impl JwtVerifier {
    pub(super) async fn explain(&self, token: &str) -> Explanation {
        let verdict = match self.check(token).await {
            Ok(token) => Verdict::Valid(token),
            Err(NotVerified::Unavailable(unavailable)) => {
                Verdict::Unavailable(unavailable.cause().to_string())
            }
            Err(NotVerified::Refused(why)) => {
                let words = why.in_words(self.clock.now());
                match unverified_issuer(token) {
                    Some(issuer) if issuer == self.issuer() => Verdict::Invalid(words),
                    Some(_) => Verdict::NotMine(Refused::OtherIssuer.to_string()),
                    None => Verdict::NotMine(words),
                }
            }
        };
        let explanation = Explanation::new(format!("JWT of {}", self.issuer()), verdict);
        match Compact::parse(token) {
            Ok(parts) => explanation
                .with_header(parts.shown_header().unwrap_or_default())
                .with_claims(parts.claims().unwrap_or_default()),
            Err(_) => explanation,
        }
    }
}
