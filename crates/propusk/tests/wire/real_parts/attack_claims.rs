//! Attacks by claims: the signature is that of the provider, and what it signs is not for us.

use propusk_testing::contract::RESOURCE;
use serde_json::{Value, json};

use super::{
    attacks::{Attack, Forge},
    support::from_now,
};

pub(super) async fn all(forge: &Forge) -> Vec<Attack> {
    let mut attacks = Vec::new();
    for members in [missing(), times(), audiences(), types()].concat() {
        let what = format!("claims {members:.300}");
        let token = forge.signed(json!({"typ": "at+jwt"}), forge.claims(&members));
        attacks.push((what, token.await));
    }
    for issuer in issuers(forge) {
        let what = format!("iss {issuer}");
        let claims = forge.claims(&json!({ "iss": issuer }));
        attacks.push((what, forge.signed(json!({}), claims).await));
    }
    for payload in texts(&forge.claims(&json!({}))) {
        let what = format!("payload {payload:.300}");
        attacks.push((what, forge.signed(json!({}), payload.into()).await));
    }
    attacks
}

/// What the `jsonwebtoken` trap lets through: a claim that is not there is not checked.
fn missing() -> Vec<Value> {
    vec![
        json!({"exp": null}),
        json!({"iss": null}),
        json!({"aud": null}),
        json!({"sub": null}),
        json!({"exp": null, "iss": null, "aud": null}),
        json!({"aud": null, "token_use": "access"}),
        json!({"sub": null, "client_id": "alice", "username": "alice"}),
    ]
}

fn times() -> Vec<Value> {
    let future = from_now(3600);
    vec![
        json!({"exp": from_now(-31)}),
        json!({"exp": from_now(-3600)}),
        json!({"exp": 0}),
        json!({"exp": -1}),
        json!({"exp": 1e30}),
        json!({"exp": 1e308}),
        json!({"exp": i64::MAX}),
        json!({"exp": u64::MAX}),
        json!({"exp": future.to_string()}),
        json!({"exp": [future]}),
        json!({"exp": {"$numberLong": future}}),
        json!({"exp": true}),
        json!({"nbf": future}),
        json!({"nbf": future.to_string()}),
        json!({"nbf": from_now(-60).to_string()}),
        json!({"nbf": 1e30}),
        json!({"nbf": -1e30}),
        json!({"iat": future}),
        json!({"iat": from_now(-60).to_string()}),
        json!({"iat": false}),
    ]
}

/// RFC 8725 §3.9: the audience is this very resource, and nothing that looks like it.
fn audiences() -> Vec<Value> {
    let foreign = [
        "http://127.0.0.1:9999/mcp",
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8000/",
        "http://127.0.0.1:8000/mc",
        "http://127.0.0.1:8000/mcp/",
        "http://127.0.0.1:8000/mcp2",
        "http://127.0.0.1:8000/mcp/more",
        "http://127.0.0.1:8000/MCP",
        "http://127.0.0.1:8000/mcp?x",
        "http://127.0.0.1:8000/mcp#x",
        "http://127.0.0.1:8000//mcp",
        "http://127.0.0.1:8000/mcp%2f",
        "http://127.0.0.1/mcp",
        "http://localhost:8000/mcp",
        "http://127.0.0.1.evil.example:8000/mcp",
        "http://evil.example:8000/mcp",
        "http://127.0.0.1:8000@evil.example/mcp",
        "http://alice@127.0.0.1:8000/mcp",
        "https://127.0.0.1:8000/mcp",
        "http://127.0.0.1:8000/mcp http://evil.example/mcp",
        "127.0.0.1:8000/mcp",
        "native",
        "*",
        "",
    ];
    let mut rows: Vec<Value> = foreign.iter().map(|aud| json!({ "aud": aud })).collect();
    rows.extend([
        json!({ "aud": foreign }),
        json!({"aud": []}),
        json!({"aud": [[RESOURCE]]}),
        json!({"aud": [RESOURCE, 1]}),
        json!({"aud": {"0": RESOURCE}}),
        json!({"aud": 1}),
        json!({"aud": vec![RESOURCE; 101]}),
    ]);
    rows
}

fn types() -> Vec<Value> {
    vec![
        json!({"sub": ""}),
        json!({"sub": 1}),
        json!({"sub": ["alice"]}),
        json!({"scope": ["admin"]}),
        json!({"scope": 1}),
        json!({"scp": {"admin": true}}),
        json!({"scp": ["a", 1]}),
        json!({"client_id": 1}),
        json!({"azp": ["native"]}),
        json!({"jti": 1}),
        json!({"cnf": "x"}),
        json!({"cnf": {"jkt": 1}}),
        // Bound to a key, and presented without a proof (RFC 9449 §7.1, RFC 8705 §3).
        json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}),
        json!({"cnf": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}}),
        json!({"cnf": {}}),
    ]
}

fn issuers(forge: &Forge) -> Vec<Value> {
    let ours = forge.provider.issuer();
    let there = format!("http://127.0.0.1:{}", forge.elsewhere.port);
    vec![
        json!(format!("{ours}/")),
        json!(ours.to_uppercase()),
        json!(format!(" {ours}")),
        json!(format!("{ours}@{there}")),
        json!(there),
        json!(forge.elsewhere.named()),
        json!("https://login.example"),
        json!([ours]),
        json!({ "iss": ours }),
        json!(1),
        json!(""),
    ]
}

/// Payloads that no JSON library would write, around a good one.
fn texts(good: &Value) -> Vec<String> {
    let exp = good["exp"].to_string();
    let good = good.to_string();
    let first = |members: &str| good.replacen('{', &format!("{{{members},"), 1);
    let last = |members: &str| format!("{},{members}}}", &good[..good.len() - 1]);
    vec![
        first(r#""sub":"mallory""#),
        last(r#""sub":"mallory""#),
        last(r#""\u0073ub":"mallory""#),
        last(&format!(r#""aud":"{RESOURCE}""#)),
        last(r#""aud":"https://evil.example""#),
        last(r#""exp":9999999999"#),
        last(r#""scope":"admin""#),
        last(r#""x":{"y":1,"y":2}"#),
        last(&format!(r#""x":{}1{}"#, "[".repeat(100), "]".repeat(100))),
        last(&format!(r#""x":{}1{}"#, "[".repeat(2000), "]".repeat(2000))),
        good.replace("\"exp\"", "\"Exp\""),
        good.replace("\"aud\"", "\"AUD\""),
        good.replace("\"iss\"", "\"Iss\""),
        good.replace("\"sub\"", "\"sub\\u0000\""),
        good.replace(&exp, &format!("1{}", "0".repeat(30))),
        good.replace(&exp, "1e30"),
        good.replace(&exp, &format!("-{exp}")),
        good.replace(&exp, &format!("0{exp}")),
        good.replace(&exp, &format!("+{exp}")),
        good.replace(&exp, "NaN"),
        good.replace(&exp, "Infinity"),
        good.replace('"', "'"),
        format!("{good}{good}"),
        format!("{good}\u{0}"),
        format!("\u{feff}{good}"),
        format!("[{good}]"),
        format!("{}", json!(good)),
        good[..good.len() - 1].to_owned(),
        format!("/**/{good}"),
        format!("{},}}", &good[..good.len() - 1]),
        "null".to_owned(),
        "{}".to_owned(),
        "1".to_owned(),
        " ".to_owned(),
    ]
}
