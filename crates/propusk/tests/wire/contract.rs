//! The verifiers of the library keep the contract of all verifiers.

use std::time::{Duration, SystemTime};

use propusk::{AccessToken, FixedTokens};
use propusk_testing::contract::{
    self, OTHER_RESOURCE, RESOURCE, SCOPE, SUBJECT, Sample, Supply, World,
};

/// A list of tokens: nothing is asked, and nothing changes.
struct Fixed(FixedTokens);

impl World for Fixed {
    type Verifier = FixedTokens;

    fn verifier(&self) -> &FixedTokens {
        &self.0
    }

    async fn issue(&mut self, sample: Sample) -> Supply {
        let alice = AccessToken::new(SUBJECT).with_scope_claim(SCOPE);
        let (text, token) = match sample {
            Sample::Valid => ("token-that-is-valid", alice.with_audience(RESOURCE)),
            Sample::Expired => {
                let end = SystemTime::now() - Duration::from_secs(1);
                ("token-that-has-expired", alice.with_expires_at(end))
            }
            Sample::WrongAudience => ("token-for-another", alice.with_audience(OTHER_RESOURCE)),
            Sample::NotYetValid => return Supply::Impossible("a listed token is valid at once"),
            Sample::Revoked => return Supply::Impossible("the list does not change"),
        };
        self.0 = std::mem::take(&mut self.0).with(text, token);
        Supply::Token(text.to_owned())
    }

    async fn revoke(&mut self, _: &str) -> Result<(), &'static str> {
        Err("the list does not change")
    }

    async fn begin_outage(&mut self) -> Result<(), &'static str> {
        Err("nobody is asked")
    }

    async fn end_outage(&mut self) {}
}

#[tokio::test]
async fn fixed_tokens() {
    contract::check(&mut Fixed(FixedTokens::new())).await;
}
