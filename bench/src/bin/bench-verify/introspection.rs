//! An identity server that is asked, beside the bare request.

use propusk::{ClientAuthentication, IntrospectionVerifier, TokenVerifier};
use serde_json::json;

use crate::{
    Options,
    rounds::{Cpu, Group, Plan, Sample},
    stub,
    tokens::{LONG, RESOURCE, accepted},
};

const CLIENT: &str = "my-mcp-server";
const SECRET: &str = "a-secret-of-the-benchmark";
const TOKENS: usize = 256;

pub(crate) fn measure(plan: &Plan, _: &Options) -> anyhow::Result<Vec<Sample>> {
    let endpoint = stub::start(answer())?;
    let verifier = || {
        let authentication = ClientAuthentication::basic(CLIENT, SECRET.to_owned());
        IntrospectionVerifier::new(&endpoint, RESOURCE, authentication)
    };
    // One thread for all that a client does; the stub has its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (asking, remembering) = (verifier()?, verifier()?.cache(LONG, LONG));
    let client = reqwest::Client::builder().no_proxy().build()?;
    let known: Vec<String> = (0..TOKENS)
        .map(|number| format!("known-{number}"))
        .collect();
    let (mut number, mut bare_number) = (0_u64, 0_u64);
    let mut next = known.iter().cycle();
    Group::new("introspection", Cpu::Thread)
        .contender("IntrospectionVerifier", |count| {
            runtime.block_on(async {
                for _ in 0..count {
                    number += 1;
                    accepted(asking.verify_token(&format!("opaque-{number}")).await)?;
                }
                Ok(())
            })
        })
        .contender("bare", |count| {
            runtime.block_on(async {
                for _ in 0..count {
                    bare_number += 1;
                    ask(&client, &endpoint, bare_number).await?;
                }
                Ok(())
            })
        })
        .contender("remembered", |count| {
            runtime.block_on(async {
                for token in next.by_ref().take(count as usize) {
                    accepted(remembering.verify_token(token).await)?;
                }
                Ok(())
            })
        })
        .measure(plan)
}

/// The request and its answer, and nothing done with it.
async fn ask(client: &reqwest::Client, endpoint: &str, number: u64) -> anyhow::Result<()> {
    let answer = client
        .post(endpoint)
        .basic_auth(CLIENT, Some(SECRET))
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!(
            "token=opaque-{number}&token_type_hint=access_token"
        ))
        .send()
        .await?
        .error_for_status()?;
    std::hint::black_box(answer.bytes().await?);
    Ok(())
}

fn answer() -> String {
    json!({
        "active": true,
        "iss": "https://login.example.com/realms/main",
        "sub": "248289761001",
        "aud": RESOURCE,
        "exp": 4_000_000_000_u64,
        "iat": 1_700_000_000,
        "client_id": "s6BhdRkqt3",
        "scope": "openid notes:read notes:write",
        "token_type": "Bearer",
    })
    .to_string()
}
