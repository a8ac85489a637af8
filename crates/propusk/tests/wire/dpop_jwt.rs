//! A JSON Web Token that its issuer bound to a key (`cnf.jkt`, RFC 9449 §6.1), from end to end.

use std::time::SystemTime;

use propusk::{AuthSettings, JwtVerifier, Server};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Request, Signer, Tools, Wire, call, called, claims};

const ISSUER: &str = "https://login.example";

fn now() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed();
    since.expect("after 1970").as_secs()
}

fn token(issuer: &Signer, audience: &str, confirmation: Value) -> String {
    let header = json!({"typ": "at+jwt", "alg": "ES256"});
    let mut claims = json!({
        "iss": ISSUER,
        "sub": "alice",
        "aud": audience,
        "client_id": "app",
        "iat": now(),
        "exp": now() + 600,
        "jti": "1",
    });
    if !confirmation.is_null() {
        claims["cnf"] = confirmation;
    }
    issuer.sign(&header.to_string(), &claims.to_string())
}

#[tokio::test]
async fn rfc9449_6_1_a_jwt_that_is_bound_to_a_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let url = format!("http://{address}/mcp");
    let issuer = Signer::new();
    let keys = json!({"keys": [issuer.jwk()]}).to_string();
    let verifier = JwtVerifier::from_keys(ISSUER, &url, &keys).expect("a key");
    let settings = AuthSettings::new(&url).expect("a URL");
    let server = Server::new(Tools::default()).auth(settings, verifier);
    tokio::spawn(server.serve_on(listener, std::future::pending()));

    let (alice, thief) = (Signer::new(), Signer::new());
    let jkt = alice.thumbprint();
    let bound = token(&issuer, &url, json!({ "jkt": jkt }));
    let free = token(&issuer, &url, Value::Null);
    let by_certificate = token(&issuer, &url, json!({"x5t#S256": jkt}));
    let by_both = token(&issuer, &url, json!({"jkt": jkt, "x5t#S256": jkt}));
    let elsewhere = token(&issuer, "https://other.example/mcp", json!({ "jkt": jkt }));
    let proven = |signer: &Signer, token: &str| -> Request {
        call("whoami")
            .header("Authorization", format!("DPoP {token}"))
            .header("DPoP", signer.proof(&claims("POST", &url, token, now())))
    };
    for (case, request, expected) in [
        ("the holder", proven(&alice, &bound), "alice"),
        ("a thief", proven(&thief, &bound), "401"),
        ("no proof", call("whoami").bearer(&bound), "401"),
        ("a plain token", call("whoami").bearer(&free), "alice"),
        ("a plain token with a proof", proven(&alice, &free), "401"),
        ("a certificate", proven(&alice, &by_certificate), "401"),
        ("a certificate too", proven(&alice, &by_both), "401"),
        ("another audience", proven(&alice, &elsewhere), "401"),
    ] {
        let mut wire = Wire::connect(address).await;
        wire.send(&request.bytes()).await;
        assert_eq!(called(&wire.reply().await), expected, "{case}");
    }
}
