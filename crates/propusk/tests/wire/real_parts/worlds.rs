//! Verifiers with the identity provider around them, for the contract of all verifiers.

use std::{fs, path::PathBuf};

use propusk::{Clock, TokenVerifier};
use propusk_testing::{
    contract::{OTHER_RESOURCE, RESOURCE, SCOPE, SUBJECT, Sample, Supply, World},
    identity_provider::{IdentityProvider, Indicator},
};
use serde_json::{Value, json};

use super::support::{Hands, LONG, claims, from_now, opaque, signed_in, until};

/// Makes a verifier that remembers nothing, as after a start.
type Make<V> = Box<dyn Fn(&Hands) -> V>;

/// Where the keys of a [`Jwts`] are.
pub(crate) enum Keys {
    /// At the provider.
    Published,
    File(PathBuf),
    /// With the verifier, for ever.
    Fixed,
    Secret(&'static str),
}

/// JSON Web Tokens of the provider.
pub(crate) struct Jwts<'a, V> {
    provider: &'a mut IdentityProvider,
    keys: Keys,
    hands: Hands,
    make: Make<V>,
    verifier: V,
}

impl<'a, V> Jwts<'a, V> {
    pub(crate) fn new(
        provider: &'a mut IdentityProvider,
        keys: Keys,
        make: impl Fn(&Hands) -> V + 'static,
    ) -> Self {
        let hands = Hands::default();
        Self {
            verifier: make(&hands),
            make: Box::new(make),
            provider,
            keys,
            hands,
        }
    }

    async fn signed(&self, members: Value) -> String {
        let claims = claims(self.provider, &members);
        let signed = match self.keys {
            Keys::Secret(secret) => {
                let header = json!({"alg": "HS256", "typ": "at+jwt"});
                return self
                    .provider
                    .sign_with_secret(secret, header, claims)
                    .await
                    .unwrap();
            }
            _ => self
                .provider
                .sign("provider:ES256", json!({"typ": "at+jwt"}), claims),
        };
        signed.await.unwrap().jwt
    }

    async fn valid(&self) -> String {
        match self.keys {
            Keys::Secret(_) => self.signed(json!({})).await,
            _ => signed_in(self.provider).await,
        }
    }

    /// No key of before counts any more.
    async fn withdraw_keys(&mut self) -> Result<(), &'static str> {
        match &self.keys {
            Keys::Published | Keys::File(_) => {}
            Keys::Fixed | Keys::Secret(_) => return Err("the keys are those of the verifier"),
        }
        self.provider.rotate().await.unwrap();
        self.provider.retire().await.unwrap();
        if let Keys::File(path) = &self.keys {
            fs::write(path, self.provider.key_set().await.unwrap()).unwrap();
        }
        // Nobody asked for a while, and the keys are looked at before they are used.
        self.hands.advance(700);
        Ok(())
    }
}

impl<V: TokenVerifier> World for Jwts<'_, V> {
    type Verifier = V;

    fn verifier(&self) -> &V {
        &self.verifier
    }

    fn now(&self) -> std::time::SystemTime {
        self.hands.now()
    }

    async fn issue(&mut self, sample: Sample) -> Supply {
        Supply::Token(match sample {
            Sample::Valid => self.valid().await,
            Sample::Expired => self.signed(json!({"exp": from_now(-31)})).await,
            Sample::WrongAudience => self.signed(json!({"aud": OTHER_RESOURCE})).await,
            Sample::NotYetValid => {
                let later = from_now(i64::from(LONG) - 60);
                self.signed(json!({"nbf": later})).await
            }
            Sample::Revoked => {
                let token = self.valid().await;
                match self.withdraw_keys().await {
                    Ok(()) => token,
                    Err(reason) => return Supply::Impossible(reason),
                }
            }
        })
    }

    async fn revoke(&mut self, _: &str) -> Result<(), &'static str> {
        self.withdraw_keys().await
    }

    async fn begin_outage(&mut self) -> Result<(), &'static str> {
        match &self.keys {
            Keys::Published => self.provider.stop().await.unwrap(),
            Keys::File(path) => fs::rename(path, path.with_extension("away")).unwrap(),
            Keys::Fixed | Keys::Secret(_) => return Err("nobody is asked"),
        }
        Ok(())
    }

    async fn forget(&mut self) {
        self.verifier = (self.make)(&self.hands);
    }

    async fn end_outage(&mut self) {
        match &self.keys {
            Keys::File(path) => fs::rename(path.with_extension("away"), path).unwrap(),
            _ => self.provider.start_again().await.unwrap(),
        }
        self.hands.advance(60);
    }
}

/// Tokens that only the provider knows.
pub(crate) struct Opaque<'a, V> {
    provider: &'a mut IdentityProvider,
    hands: Hands,
    make: Make<V>,
    verifier: V,
    secrets: Vec<String>,
}

impl<'a, V> Opaque<'a, V> {
    /// `secrets` are those of the client that asks.
    pub(crate) fn new(
        provider: &'a mut IdentityProvider,
        secrets: Vec<String>,
        make: impl Fn(&Hands) -> V + 'static,
    ) -> Self {
        let hands = Hands::default();
        Self {
            verifier: make(&hands),
            make: Box::new(make),
            provider,
            hands,
            secrets,
        }
    }
}

impl<V: TokenVerifier> World for Opaque<'_, V> {
    type Verifier = V;

    fn verifier(&self) -> &V {
        &self.verifier
    }

    fn now(&self) -> std::time::SystemTime {
        self.hands.now()
    }

    async fn issue(&mut self, sample: Sample) -> Supply {
        let get = async |resource: &str, seconds: u32| {
            let resource = Indicator::new(resource).opaque().lives(seconds);
            let token = self.provider.user_token(SUBJECT, resource, SCOPE).await;
            token.unwrap()
        };
        Supply::Token(match sample {
            Sample::Valid => get(RESOURCE, LONG).await,
            Sample::Expired => {
                let token = get(RESOURCE, 1).await;
                until("expired", async || {
                    self.provider.introspect(&token).await.unwrap()["active"] == false
                })
                .await;
                token
            }
            Sample::WrongAudience => get(OTHER_RESOURCE, LONG).await,
            Sample::NotYetValid => return Supply::Impossible("the provider issues no such tokens"),
            Sample::Revoked => {
                let token = opaque(self.provider).await;
                self.provider.revoke(&token).await.unwrap();
                token
            }
        })
    }

    /// Effective when what was remembered has reached its ceiling.
    async fn revoke(&mut self, token: &str) -> Result<(), &'static str> {
        self.provider.revoke(token).await.unwrap();
        self.hands.advance(90);
        Ok(())
    }

    async fn begin_outage(&mut self) -> Result<(), &'static str> {
        self.provider.stop().await.unwrap();
        Ok(())
    }

    async fn forget(&mut self) {
        self.verifier = (self.make)(&self.hands);
    }

    async fn end_outage(&mut self) {
        self.provider.start_again().await.unwrap();
        self.hands.advance(60);
    }

    fn secrets(&self) -> Vec<String> {
        self.secrets.clone()
    }
}
