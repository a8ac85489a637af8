use serde_json::json;

use super::*;
use crate::jose::parse_object;

const ISSUER: &str = "https://login.example";
const RESOURCE: &str = "https://mcp.example/mcp";
const NOW: u64 = 1_800_000_000;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

fn rules() -> Rules {
    Rules::new(ISSUER, ResourceUrl::parse(RESOURCE).expect("a URL"))
}

/// Good claims with these in their place; `null` takes one away, and `[null]` puts a `null` there.
fn claims(changes: &Value) -> Map<String, Value> {
    let mut claims = json!({
        "iss": ISSUER, "aud": RESOURCE, "sub": "alice", "exp": NOW + 60, "iat": NOW - 60,
    });
    let members = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        members.insert(name.clone(), value.clone());
        if value.is_null() {
            members.remove(name);
        } else if *value == json!([null]) {
            members.insert(name.clone(), Value::Null);
        }
    }
    members.clone()
}

fn judge(rules: &Rules, changes: &Value) -> String {
    match rules.judge(claims(changes), now()) {
        Ok(_) => "fine".to_owned(),
        Err(refused) => refused.to_string(),
    }
}

fn check(rules: &Rules, table: &[(Value, &str)]) {
    for (changes, expected) in table {
        let found = judge(rules, changes);
        assert!(
            found.contains(expected),
            "{changes}: {found}, not {expected}"
        );
    }
}

#[test]
fn rfc7519_4_1_1_iss_is_compared_byte_for_byte() {
    check(
        &rules(),
        &[
            (json!({}), "fine"),
            (json!({"iss": null}), "no `iss`"),
            (json!({"iss": "https://login.example/"}), "another issuer"),
            (json!({"iss": "https://LOGIN.example"}), "another issuer"),
            (
                json!({"iss": "https://login.example.evil"}),
                "another issuer",
            ),
            (json!({"iss": "https://login.exampl"}), "another issuer"),
            (json!({"iss": ""}), "another issuer"),
            (json!({"iss": [ISSUER]}), "`iss` is not of the type"),
            (json!({"iss": [null]}), "`iss` is not of the type"),
            (json!({"iss": {"iss": ISSUER}}), "`iss` is not of the type"),
        ],
    );
}

#[test]
fn rfc7519_4_1_3_aud_must_name_us() {
    let table = [
        (json!({"aud": RESOURCE}), "fine"),
        (json!({"aud": "https://MCP.example:443/mcp"}), "fine"),
        (json!({"aud": ["https://other.example", RESOURCE]}), "fine"),
        (json!({"aud": null}), "no `aud`"),
        (json!({"aud": []}), "another audience"),
        (json!({"aud": ""}), "another audience"),
        (json!({"aud": "https://other.example"}), "another audience"),
        (json!({"aud": "https://mcp.example"}), "another audience"),
        (json!({"aud": "https://mcp.example/mc"}), "another audience"),
        (
            json!({"aud": "https://mcp.example/mcp2"}),
            "another audience",
        ),
        (
            json!({"aud": "https://mcp.example/mcp/"}),
            "another audience",
        ),
        (
            json!({"aud": "https://mcp.example/MCP"}),
            "another audience",
        ),
        (json!({"aud": "http://mcp.example/mcp"}), "another audience"),
        (
            json!({"aud": "https://mcp.example/mcp?x"}),
            "another audience",
        ),
        (
            json!({"aud": "https://mcp.example.evil/mcp"}),
            "another audience",
        ),
        (
            json!({"aud": format!("{RESOURCE} https://x.example")}),
            "another audience",
        ),
        (json!({"aud": "api://notes"}), "another audience"),
        (json!({"aud": 1}), "`aud` is not of the type"),
        (json!({"aud": [null]}), "`aud` is not of the type"),
        (json!({"aud": [RESOURCE, 1]}), "`aud` is not of the type"),
        (json!({"aud": [[RESOURCE]]}), "`aud` is not of the type"),
        (json!({"aud": {"0": RESOURCE}}), "`aud` is not of the type"),
        (
            json!({"aud": vec![RESOURCE; 101]}),
            "`aud` is not of the type",
        ),
    ];
    check(&rules(), &table);
    let mut rules = rules();
    rules.audiences = vec!["api://notes".to_owned()];
    let table = [
        (json!({"aud": RESOURCE}), "fine"),
        (json!({"aud": "api://notes"}), "fine"),
        (json!({"aud": "api://notes/"}), "another audience"),
        (json!({"aud": "API://notes"}), "another audience"),
        (json!({"aud": null}), "no `aud`"),
    ];
    check(&rules, &table);
}

#[test]
fn rfc8707_the_root_has_two_spellings() {
    for (resource, audience) in [
        ("https://mcp.example", "https://mcp.example/"),
        ("https://mcp.example/", "https://mcp.example"),
    ] {
        let rules = Rules::new(ISSUER, ResourceUrl::parse(resource).expect("a URL"));
        assert_eq!(judge(&rules, &json!({"aud": audience})), "fine");
    }
}

#[test]
fn rfc7519_4_1_4_exp_with_leeway() {
    check(
        &rules(),
        &[
            (json!({"exp": NOW + 1}), "fine"),
            (json!({"exp": NOW}), "fine"),
            (json!({"exp": NOW - 29}), "fine"),
            (json!({"exp": NOW as f64 - 29.5}), "fine"),
            (json!({"exp": NOW - 30}), "expired"),
            (json!({"exp": NOW as f64 - 30.5}), "expired"),
            (json!({"exp": 0}), "expired"),
            (json!({"exp": 253_402_300_799_u64}), "fine"),
            (json!({"exp": null}), "no `exp`"),
            (json!({"exp": 1e30}), "`exp` is not of the type"),
            (json!({"exp": -1}), "`exp` is not of the type"),
            (json!({"exp": u64::MAX}), "`exp` is not of the type"),
            (
                json!({"exp": (NOW + 60).to_string()}),
                "`exp` is not of the type",
            ),
            (json!({"exp": [null]}), "`exp` is not of the type"),
            (json!({"exp": true}), "`exp` is not of the type"),
        ],
    );
    let mut exact = rules();
    exact.leeway = Duration::ZERO;
    check(
        &exact,
        &[
            (json!({"exp": NOW}), "expired"),
            (json!({"exp": NOW + 1}), "fine"),
        ],
    );
}

#[test]
fn rfc7519_4_1_5_nbf_and_4_1_6_iat() {
    for (name, word) in [("nbf", "not valid yet"), ("iat", "in the future")] {
        check(
            &rules(),
            &[
                (json!({name: null}), "fine"),
                (json!({name: 0}), "fine"),
                (json!({name: NOW + 30}), "fine"),
                (json!({name: NOW + 31}), word),
                (json!({name: NOW as f64 + 30.5}), word),
                (json!({name: NOW.to_string()}), "is not of the type"),
                (json!({name: [null]}), "is not of the type"),
                (json!({name: -1}), "is not of the type"),
                (json!({name: 1e30}), "is not of the type"),
            ],
        );
    }
}

#[test]
fn a_token_without_audience_is_judged_by_an_explicit_rule_only() {
    let mut rules = rules();
    rules.without_audience = Some(WithoutAudience::cognito(["client-1"]));
    let cognito = json!({"aud": null, "client_id": "client-1", "token_use": "access"});
    check(
        &rules,
        &[
            (cognito.clone(), "fine"),
            (
                json!({"aud": null, "client_id": "client-2", "token_use": "access"}),
                "no `aud`",
            ),
            (
                json!({"aud": null, "client_id": "client-1", "token_use": "id"}),
                "no `aud`",
            ),
            (json!({"aud": null}), "no `aud`"),
            // What has an audience is not for the rule.
            (
                json!({"aud": "client-1", "client_id": "client-1", "token_use": "access"}),
                "another audience",
            ),
            (
                json!({"aud": [null], "client_id": "client-1", "token_use": "access"}),
                "`aud` is not of the type",
            ),
            (
                json!({"aud": [], "client_id": "client-1", "token_use": "access"}),
                "another audience",
            ),
            (json!({"aud": RESOURCE}), "fine"),
        ],
    );
    check(&self::rules(), &[(cognito, "no `aud`")]);
}

#[test]
fn rfc9068_4_and_rfc8725_3_11_only_access_tokens() {
    let header = |more: &str| {
        let json = format!(r#"{{"alg":"ES256"{more}}}"#);
        Header::try_from(parse_object(json.as_bytes()).expect("JSON")).expect("a header")
    };
    let mut strict = rules();
    strict.at_jwt_only = true;
    for (more, lenient, required) in [
        ("", Ok(()), Err(Refused::NotAtJwt)),
        (r#","typ":"JWT""#, Ok(()), Err(Refused::NotAtJwt)),
        (r#","typ":"jwt""#, Ok(()), Err(Refused::NotAtJwt)),
        (r#","typ":"at+jwt""#, Ok(()), Ok(())),
        (r#","typ":"AT+JWT""#, Ok(()), Ok(())),
        (r#","typ":"application/at+jwt""#, Ok(()), Ok(())),
        (r#","typ":"Application/At+Jwt""#, Ok(()), Ok(())),
        (
            r#","typ":"dpop+jwt""#,
            Err(Refused::MediaType),
            Err(Refused::MediaType),
        ),
        (
            r#","typ":"logout+jwt""#,
            Err(Refused::MediaType),
            Err(Refused::MediaType),
        ),
        (
            r#","typ":"oauth-id-jag+jwt""#,
            Err(Refused::MediaType),
            Err(Refused::MediaType),
        ),
        (
            r#","typ":"secevent+jwt""#,
            Err(Refused::MediaType),
            Err(Refused::MediaType),
        ),
        (
            r#","typ":"token-introspection+jwt""#,
            Err(Refused::MediaType),
            Err(Refused::MediaType),
        ),
        (
            r#","typ":"JOSE""#,
            Err(Refused::MediaType),
            Err(Refused::MediaType),
        ),
        (
            r#","typ":"at+jwt ""#,
            Err(Refused::MediaType),
            Err(Refused::MediaType),
        ),
        (
            r#","typ":"text/at+jwt""#,
            Err(Refused::MediaType),
            Err(Refused::MediaType),
        ),
        (
            r#","typ":"""#,
            Err(Refused::MediaType),
            Err(Refused::MediaType),
        ),
        (
            r#","cty":"JWT""#,
            Err(Refused::Nested),
            Err(Refused::Nested),
        ),
        (
            r#","cty":"application/jwt""#,
            Err(Refused::Nested),
            Err(Refused::Nested),
        ),
        (
            r#","jwk":{}"#,
            Err(Refused::KeySource("jwk")),
            Err(Refused::KeySource("jwk")),
        ),
        (
            r#","jku":"https://evil.example"#,
            Err(Refused::KeySource("jku")),
            Err(Refused::KeySource("jku")),
        ),
    ] {
        let more = if more.contains("evil") {
            format!("{more}\"")
        } else {
            more.to_owned()
        };
        let header = header(&more);
        assert_eq!(rules().judge_header(&header), lenient, "{more}");
        assert_eq!(strict.judge_header(&header), required, "{more}");
    }
}

#[test]
fn rfc8725_3_1_the_operator_may_narrow_the_algorithms() {
    let mut rules = rules();
    rules.algorithms = Some(vec![SignatureAlgorithm::Es256]);
    for (alg, expected) in [
        ("ES256", Ok(())),
        ("ES384", Err(Refused::Algorithm)),
        ("RS256", Err(Refused::Algorithm)),
    ] {
        let json = format!(r#"{{"alg":"{alg}"}}"#);
        let header = Header::try_from(parse_object(json.as_bytes()).expect("JSON"));
        let judged = rules.judge_header(&header.expect("a header"));
        assert_eq!(judged, expected, "{alg}");
    }
}
