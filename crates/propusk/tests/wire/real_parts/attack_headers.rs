//! Attacks by the header: the algorithm, the key, and what changes the meaning of the rest.

use serde_json::{Value, json};

use super::attacks::{Attack, Forge};

pub(super) async fn all(forge: &Forge) -> Vec<Attack> {
    let mut attacks = algorithms(forge).await;
    attacks.extend(keys_in_the_token(forge).await);
    attacks.extend(key_names(forge).await);
    attacks.extend(meanings(forge).await);
    attacks.extend(texts(forge).await);
    attacks
}

/// RFC 8725 §2.1, §3.1: `none` in all spellings, and algorithms that the key is not for.
async fn algorithms(forge: &Forge) -> Vec<Attack> {
    let mut attacks = Vec::new();
    for alg in [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!("none "),
        json!(""),
        json!(null),
        json!(false),
        json!(0),
        json!(["RS256"]),
        json!({"alg": "RS256"}),
        json!("rs256"),
        json!("Rs256"),
        json!("RS256 "),
        json!("RS256\u{0}"),
        json!("RSA-OAEP"),
        json!("HS256"),
        json!("HS512"),
        json!("PS256"),
        json!("ES256"),
        json!("EdDSA"),
        json!("RS384"),
        json!("ES256K"),
        json!("dir"),
        json!("A128KW"),
    ] {
        let signed = forge
            .signed(json!({ "alg": alg }), forge.claims(&json!({})))
            .await;
        let input = signed.rsplit_once('.').unwrap().0.to_owned();
        let what = format!("alg {alg}");
        attacks.extend([
            (format!("{what}, signed"), signed),
            (format!("{what}, an empty signature"), format!("{input}.")),
            (format!("{what}, no signature"), input.clone()),
            (
                format!("{what}, another signature"),
                format!("{input}.AAAA"),
            ),
        ]);
    }
    // The public key in the place of an HMAC's secret.
    for key in ["provider:RS256", "provider:ES256", "provider:EdDSA"] {
        for header in [json!({}), json!({"kid": null})] {
            let made = forge
                .provider
                .sign_with_public_key(key, header, forge.claims(&json!({})));
            for (form, token) in made.await.unwrap().into_iter().enumerate() {
                attacks.push((
                    format!("HS256 with {key} as the secret, form {form}"),
                    token,
                ));
            }
        }
    }
    attacks
}

/// RFC 8725 §3.10: a token does not choose its key, and nothing that it names is fetched.
async fn keys_in_the_token(forge: &Forge) -> Vec<Attack> {
    let mut attacks = Vec::new();
    let (there, named) = (forge.elsewhere.url(), forge.elsewhere.named());
    let own = forge.public_key("attacker").await;
    for (name, value) in [
        ("jwk", own.clone()),
        ("jku", json!(there)),
        ("jku", json!(named)),
        ("jku", json!(format!("{}/../keys", forge.provider.issuer()))),
        ("jku", json!("file:///etc/passwd")),
        ("x5u", json!(there)),
        ("x5u", json!("http://169.254.169.254/latest/meta-data")),
        ("x5c", json!(["MIIB"])),
        ("jku", json!(null)),
        ("jwks_uri", json!(there)),
        ("url", json!(there)),
    ] {
        let known = forge.key_id("provider:ES256").await;
        for header in [
            json!({ name: value }),
            json!({ name: value, "kid": known }),
            // A text is signed as it stands: without any `kid`.
            Value::String(json!({"alg": "ES256", name: value}).to_string()),
        ] {
            let what = format!("header {header:.200}, by the attacker");
            let token = forge.signed_by("attacker", header, forge.claims(&json!({})));
            attacks.push((what, token.await));
        }
        // Members that nobody knows are harmless beside a good signature; these are not unknown.
        if !["jwks_uri", "url"].contains(&name) {
            let token = forge.signed(json!({ name: value }), forge.claims(&json!({})));
            attacks.push((format!("header {name}, by the provider"), token.await));
        }
    }
    attacks
}

/// RFC 8725 §3.10: the name of a key is a name and nothing else.
async fn key_names(forge: &Forge) -> Vec<Attack> {
    let mut attacks = Vec::new();
    let (rsa, ec) = (
        forge.key_id("provider:RS256").await,
        forge.key_id("provider:ES256").await,
    );
    let there = forge.elsewhere.url();
    let known = rsa.as_str().unwrap();
    for kid in [
        json!("unknown"),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("../../../../dev/null"),
        json!("/dev/null"),
        json!("file:///dev/null"),
        json!("' OR 1=1 --"),
        json!("x' UNION SELECT 'AA"),
        json!("| /usr/bin/id"),
        json!("${jndi:ldap://127.0.0.1/x}"),
        json!(there),
        json!(1),
        json!([rsa]),
        json!({"kid": rsa}),
        json!(true),
        json!("k".repeat(2000)),
        json!(format!("{known}\u{0}")),
        json!(format!(" {known}")),
        json!(known.to_uppercase()),
        ec.clone(),
    ] {
        let token = forge.signed(json!({ "kid": kid }), forge.claims(&json!({})));
        attacks.push((format!("kid {kid:.60}"), token.await));
    }
    // Another key under a known name, and with no name.
    for header in [
        json!({ "kid": rsa }),
        json!({ "kid": ec }),
        json!({ "kid": null }),
        Value::String(json!({"alg": "ES256"}).to_string()),
    ] {
        let what = format!("the attacker's key, header {header}");
        let token = forge.signed_by("attacker", header, forge.claims(&json!({})));
        attacks.push((what, token.await));
    }
    attacks
}

/// RFC 7515 §4.1.11, RFC 8725 §3.11: what changes the meaning, or says that it is something else.
async fn meanings(forge: &Forge) -> Vec<Attack> {
    let mut attacks = Vec::new();
    for header in [
        json!({"crit": ["x"], "x": 1}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": ["exp"], "exp": 1}),
        json!({"crit": []}),
        json!({"crit": null}),
        json!({"crit": "x"}),
        json!({"b64": false}),
        json!({"b64": true}),
        json!({"zip": "DEF"}),
        json!({"enc": "A128GCM"}),
        json!({"cty": "JWT"}),
        json!({"cty": "application/jwt"}),
        json!({"typ": "dpop+jwt"}),
        json!({"typ": "token-introspection+jwt"}),
        json!({"typ": "logout+jwt"}),
        json!({"typ": "id_token+jwt"}),
        json!({"typ": "at+jwt2"}),
        json!({"typ": 1}),
        json!({"typ": ["at+jwt"]}),
    ] {
        let token = forge.signed(header.clone(), forge.claims(&json!({})));
        attacks.push((format!("header {header}"), token.await));
    }
    attacks
}

/// Headers that no JSON library would write.
async fn texts(forge: &Forge) -> Vec<Attack> {
    let kid = forge.key_id("provider:RS256").await;
    let mut attacks = Vec::new();
    for header in [
        format!(r#"{{"alg":"RS256","alg":"none","kid":{kid}}}"#),
        format!(r#"{{"alg":"none","alg":"RS256","kid":{kid}}}"#),
        format!(r#"{{"alg":"RS256","kid":{kid},"kid":{kid}}}"#),
        format!(r#"{{"alg":"RS256","kid":{kid},"\u006bid":"x"}}"#),
        format!(r#"{{"Alg":"RS256","kid":{kid}}}"#),
        format!(r#"{{"kid":{kid}}}"#),
        format!(r#"[{{"alg":"RS256","kid":{kid}}}]"#),
        format!(r#"{{"alg":"RS256","kid":{kid}}}{{}}"#),
        format!("{{\"alg\":\"RS256\",\"kid\":{kid}}}\u{0}"),
        format!("{{'alg':'RS256','kid':{kid}}}"),
        format!(r#"{{"alg":"RS256","kid":{kid},"x":{}}}"#, "[".repeat(2000)),
        format!(
            r#"{{"alg":"RS256","kid":{kid},"x":{}{}}}"#,
            "[".repeat(500),
            "]".repeat(500)
        ),
        "RS256".to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
        " ".to_owned(),
    ] {
        let what = format!("header {header:.200}");
        let token = forge.signed(Value::String(header), forge.claims(&json!({})));
        attacks.push((what, token.await));
    }
    attacks
}
