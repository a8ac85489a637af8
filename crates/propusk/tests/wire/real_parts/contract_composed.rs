//! Compositions keep the contract of all verifiers, for the tokens of each of their members.

use propusk::{
    AccessToken, AnyOf, Cached, FixedTokens, IntrospectionVerifier, JwtVerifier, Routing,
    TokenVerifier,
};
use propusk_testing::{
    contract::{self, RESOURCE},
    identity_provider::IdentityProvider,
};

use super::{
    contract_opaque::credentials,
    support::{Hands, provider},
    worlds::{Jwts, Keys, Opaque},
};

/// The members: in the place of a store, a list of tokens.
struct Members {
    listed: FixedTokens,
    jwt: JwtVerifier,
    introspection: IntrospectionVerifier,
    issuer: String,
}

/// How to make them again and again, and what is secret of them.
fn members(provider: &IdentityProvider) -> (impl Fn(&Hands) -> Members + 'static, Vec<String>) {
    let issuer = provider.issuer().to_owned();
    let (client, secrets) = credentials(provider, "resource-server");
    let make = move |hands: &Hands| Members {
        listed: FixedTokens::new().with("propusk_listed", AccessToken::new("bob")),
        jwt: JwtVerifier::from_issuer(&issuer, RESOURCE)
            .unwrap()
            .with_clock(hands.clone()),
        introspection: IntrospectionVerifier::from_issuer(&issuer, RESOURCE, client())
            .unwrap()
            .with_clock(hands.clone()),
        issuer: issuer.clone(),
    };
    (make, secrets)
}

fn routing(members: Members) -> Routing {
    Routing::new()
        .prefix("propusk_", members.listed)
        .issuer(members.issuer, members.jwt)
        .otherwise(members.introspection)
}

fn any_of(members: Members) -> AnyOf {
    AnyOf::new()
        .with(members.listed)
        .with(members.jwt)
        .with(members.introspection)
}

async fn check<V: TokenVerifier>(compose: fn(Members, &Hands) -> V) {
    let mut provider = provider().await;
    let (make, _) = members(&provider);
    let make = move |hands: &Hands| compose(make(hands), hands);
    contract::check(&mut Jwts::new(&mut provider, Keys::Published, make)).await;
    let (make, secrets) = members(&provider);
    let make = move |hands: &Hands| compose(make(hands), hands);
    contract::check(&mut Opaque::new(&mut provider, secrets, make)).await;
}

#[tokio::test]
async fn each_token_to_the_one_that_is_responsible() {
    check(|members, _| routing(members)).await;
}

#[tokio::test]
async fn one_after_another() {
    check(|members, _| any_of(members)).await;
}

#[tokio::test]
async fn remembered() {
    check(|members, hands| Cached::new(any_of(members)).with_clock(hands.clone())).await;
}

#[tokio::test]
async fn remembered_within_a_routing_within_another() {
    check(|members, hands| {
        let jwt = Cached::new(members.jwt).with_clock(hands.clone());
        let inner = Routing::new()
            .issuer(members.issuer, jwt)
            .otherwise(members.introspection);
        let outer = AnyOf::new().with(members.listed).with(inner);
        Cached::new(outer).with_clock(hands.clone())
    })
    .await;
}
