//! `IntrospectionVerifier` keeps the contract of all verifiers, however it authenticates.

use std::time::Duration;

use propusk::{ClientAuthentication, ClientKey, IntrospectionVerifier, IssuerUrl};
use propusk_testing::{
    contract::{self, RESOURCE},
    identity_provider::{Endpoint, IdentityProvider},
};

use super::{
    support::{Hands, provider},
    worlds::Opaque,
};

/// The credentials of a client of the provider, and what is secret of them.
pub(crate) fn credentials(
    provider: &IdentityProvider,
    client: &str,
) -> (impl Fn() -> ClientAuthentication + 'static, Vec<String>) {
    let client = provider.client(client).unwrap();
    let (id, method) = (client.id.clone(), client.method.clone());
    let secret = client.secret.clone().unwrap_or_default();
    let key = client.key.as_ref();
    let (key_id, pem) = key.map_or_else(Default::default, |key| (key.kid.clone(), key.pem.clone()));
    let in_header = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("{id}:{secret}"),
    );
    let mut secrets = vec![secret.clone(), in_header];
    secrets.extend(
        pem.lines()
            .filter(|line| !line.starts_with('-'))
            .map(str::to_owned),
    );
    let make = move || match method.as_str() {
        "client_secret_basic" => ClientAuthentication::basic(&id, &secret),
        "client_secret_post" => ClientAuthentication::post(&id, &secret),
        "private_key_jwt" => {
            let key = ClientKey::from_pem(&pem).unwrap().with_key_id(&key_id);
            ClientAuthentication::private_key_jwt(&id, key)
        }
        other => panic!("{other} cannot introspect"),
    };
    (make, secrets)
}

#[tokio::test]
async fn each_client_authentication_and_signed_answers() {
    let mut provider = provider().await;
    let issuer = provider.issuer().to_owned();
    let endpoint = provider.url(Endpoint::Introspection);
    for (client, discovered, signed) in [
        ("resource-server", true, false),
        ("resource-server-post", false, false),
        ("resource-server-jwt", true, true),
    ] {
        let (credentials, secrets) = credentials(&provider, client);
        let (issuer, endpoint) = (issuer.clone(), endpoint.clone());
        let make = move |hands: &Hands| {
            let verifier = if discovered {
                IntrospectionVerifier::from_issuer(&issuer, RESOURCE, credentials()).unwrap()
            } else {
                let verifier = IntrospectionVerifier::new(&endpoint, RESOURCE, credentials());
                verifier.unwrap().issuer(IssuerUrl::parse(&issuer).unwrap())
            };
            if signed {
                // Signed just now, by the clock that everybody has.
                let verifier = verifier.signed_answers().unwrap();
                return verifier.cache(Duration::ZERO, Duration::ZERO);
            }
            verifier.with_clock(hands.clone())
        };
        contract::check(&mut Opaque::new(&mut provider, secrets, make)).await;
    }
}
