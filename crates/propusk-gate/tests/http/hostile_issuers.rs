//! Token endpoints that answer what no token endpoint should, to each request that the gate has for
//! them.

use std::time::Duration;

use propusk::client::{MachineClient, TokenEndpoint};
use propusk_gate::{
    credentials::{ClientCredentials, IdJag, TokenExchange},
    http::HttpUpstreamSettings,
};
use propusk_testing::contract::Captured;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    gate::{ALICE, Gate, error_of, ping, settings},
    upstream::{Answer, Upstream, json, socket, whole},
};

const SECRET: &str = "the-gates-secret";

/// A moment: what is slow is meant to be too slow.
const LIMIT: Duration = Duration::from_secs(1);

/// Whom the gate asks: for itself, for a caller, and in both legs of an ID-JAG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    ForItself,
    Exchange,
    ForAssertion,
    ByAssertion,
}

const ALL: [Asked; 4] = [
    Asked::ForItself,
    Asked::Exchange,
    Asked::ForAssertion,
    Asked::ByAssertion,
];

/// The servers of the other leg, which answer as they should.
struct Good {
    idp: Upstream,
    server: Upstream,
}

impl Good {
    async fn start() -> Self {
        let idp = Upstream::new(|_| {
            let kind = "urn:ietf:params:oauth:token-type:id-jag";
            let answer =
                json!({"access_token": "a.b.c", "token_type": "N_A", "issued_token_type": kind});
            json(&answer.to_string())
        });
        let server = Upstream::new(|_| json(r#"{"access_token":"good","token_type":"Bearer"}"#));
        Self {
            idp: idp.await,
            server: server.await,
        }
    }

    /// Credentials of which one endpoint is at this URL.
    fn credentials(&self, asked: Asked, url: &str) -> HttpUpstreamSettings {
        let (set, hostile) = (settings(), endpoint(url));
        let id_jag =
            |idp, server| IdJag::new(idp, server, "https://as.example", "https://notes.example");
        match asked {
            Asked::ForItself => set.credentials(ClientCredentials::at(hostile)),
            Asked::Exchange => set.credentials(TokenExchange::at(hostile)),
            Asked::ForAssertion => set.credentials(id_jag(hostile, endpoint(&self.server.url))),
            Asked::ByAssertion => set.credentials(id_jag(endpoint(&self.idp.url), hostile)),
        }
    }
}

fn endpoint(url: &str) -> TokenEndpoint {
    let endpoint = TokenEndpoint::new(url, MachineClient::secret("gate", SECRET));
    endpoint.expect("an endpoint").timeout(LIMIT)
}

fn gives(members: &Value) -> String {
    let mut answer = json!({"access_token": "given", "token_type": "Bearer", "expires_in": 3600});
    for (name, value) in members.as_object().expect("members") {
        match value {
            Value::Null => answer.as_object_mut().expect("an object").remove(name),
            _ => answer
                .as_object_mut()
                .expect("an object")
                .insert(name.clone(), value.clone()),
        };
    }
    answer.to_string()
}

async fn pongs() -> Upstream {
    Upstream::new(|_| json(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#)).await
}

async fn before(upstream: &Upstream, set: HttpUpstreamSettings) -> Gate {
    Gate::with(&upstream.url, set, |auth| auth).await
}

/// Nothing goes upstream, nobody is told a secret, and the caller is told this.
async fn is_refused(gate: &Gate, upstream: &Upstream, expected: u16, case: &str) {
    let captured = Captured::begin();
    let (status, said) = error_of(gate.call(&ping()).await).await;
    assert_eq!(
        (status, &said["id"]),
        (expected, &json!(7)),
        "{case}: {said}"
    );
    assert!(upstream.arrived().is_empty(), "{case}");
    let log = captured.text();
    for secret in [ALICE, SECRET, "given", "a.b.c"] {
        assert!(
            !log.contains(secret) && !said.to_string().contains(secret),
            "{case}: {log}"
        );
    }
    assert!(log.contains("no credentials for it: "), "{case}: {log}");
    assert!(!log.contains("\nx-injected"), "{case}: {log}");
}

#[tokio::test]
async fn what_is_no_token_answer_gives_no_token() {
    let text = |members: Value| (200, gives(&members));
    let long = "x".repeat(10 << 20);
    let cases = [
        ("10 MB", text(json!({"padding": long})), 502),
        ("10 MB of a token", text(json!({"access_token": long})), 502),
        (
            "a long token",
            text(json!({"access_token": "x".repeat(100_000)})),
            503,
        ),
        ("no bytes", (200, String::new()), 503),
        ("no JSON", (200, "<html>welcome".to_owned()), 503),
        ("a list", (200, format!("[{}]", gives(&json!({})))), 503),
        ("more than one", (200, gives(&json!({})).repeat(2)), 503),
        ("very deep", (200, "[".repeat(100_000)), 503),
        (
            "two tokens",
            (
                200,
                r#"{"access_token":"given","access_token":"b","token_type":"Bearer"}"#.to_owned(),
            ),
            503,
        ),
        ("no token", text(json!({"access_token": null})), 503),
        ("an empty token", text(json!({"access_token": ""})), 503),
        ("a number", text(json!({"access_token": 7})), 503),
        (
            "a header",
            text(json!({"access_token": "given\r\nx-injected: 1"})),
            503,
        ),
        (
            "a line",
            text(json!({"access_token": "given\nx-injected: 1"})),
            503,
        ),
        ("a nul", text(json!({"access_token": "given\u{0}"})), 503),
        ("a tab", text(json!({"access_token": "given\tx"})), 503),
        ("delete", text(json!({"access_token": "given\u{7f}"})), 503),
        (
            "not ASCII",
            text(json!({"access_token": "tökengiven"})),
            503,
        ),
        ("two words", text(json!({"access_token": "given x"})), 503),
        (
            "a scheme",
            text(json!({"access_token": "Bearer given"})),
            503,
        ),
        ("no type", text(json!({"token_type": null})), 503),
        ("DPoP", text(json!({"token_type": "DPoP"})), 502),
        ("N_A", text(json!({"token_type": "N_A"})), 502),
        ("mac", text(json!({"token_type": "mac"})), 502),
        ("an empty type", text(json!({"token_type": ""})), 502),
        ("created", (201, gives(&json!({}))), 502),
        ("no content", (204, String::new()), 502),
        (
            "an error in words",
            (
                400,
                r#"{"error":"x\r\nx-injected: 1","error_description":"a\nx-injected"}"#.to_owned(),
            ),
            502,
        ),
    ];
    let good = Good::start().await;
    for (case, (status, body), expected) in cases {
        let hostile = Upstream::new(move |_| whole(status, "application/json", body.clone())).await;
        for asked in ALL {
            let upstream = pongs().await;
            let gate = before(&upstream, good.credentials(asked, &hostile.url)).await;
            is_refused(&gate, &upstream, expected, &format!("{case}, {asked:?}")).await;
        }
    }
}

/// RFC 8693 §2.2.1: what is of no type is no access token, whatever else is said of it.
#[tokio::test]
async fn rfc8693_2_2_1_an_assertion_is_not_sent_as_a_token() {
    let good = Good::start().await;
    for kind in ["jwt", "id-jag", "id_token", "saml2", "refresh_token"] {
        let kind = format!("urn:ietf:params:oauth:token-type:{kind}");
        let body = gives(&json!({"token_type": "N_A", "issued_token_type": kind}));
        let hostile = Upstream::new(move |_| json(&body)).await;
        for asked in [Asked::ForItself, Asked::Exchange, Asked::ByAssertion] {
            let upstream = pongs().await;
            let gate = before(&upstream, good.credentials(asked, &hostile.url)).await;
            is_refused(&gate, &upstream, 502, &format!("{kind}, {asked:?}")).await;
        }
    }
}

#[tokio::test]
async fn secrets_follow_no_redirect() {
    let good = Good::start().await;
    let thief = pongs().await;
    for status in [301, 302, 303, 307, 308] {
        let location = thief.url.clone();
        let redirects = move |_: &_| -> Answer {
            let mut answer = whole(status, "text/plain", "");
            let headers = answer.headers_mut();
            headers.insert("location", location.parse().expect("a URL"));
            answer
        };
        let hostile = Upstream::new(redirects).await;
        for asked in ALL {
            let upstream = pongs().await;
            let gate = before(&upstream, good.credentials(asked, &hostile.url)).await;
            is_refused(&gate, &upstream, 502, &format!("{status}, {asked:?}")).await;
        }
    }
    assert!(thief.arrived().is_empty());
}

/// Whoever never ends, or never begins, is left after a while, with what it holds bounded.
#[tokio::test]
async fn an_answer_without_an_end_is_no_answer() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let drips = socket(|mut stream| async move {
        let _ = stream
            .write_all(format!("{HEAD}content-length: 1000\r\n\r\n{{").as_bytes())
            .await;
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let silent = socket(|stream| async move {
        let _ = stream.readable().await;
        std::future::pending::<()>().await;
    });
    let endless = socket(|mut stream| async move {
        let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
        let _ = stream
            .write_all(format!("{HEAD}transfer-encoding: chunked\r\n\r\n").as_bytes())
            .await;
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    });
    let cut = socket(|mut stream| async move {
        let _ = stream
            .write_all(format!("{HEAD}content-length: 1000\r\n\r\n{{").as_bytes())
            .await;
    });
    let good = Good::start().await;
    for (case, url, expected) in [
        ("drips", drips.await, 503),
        ("silent", silent.await, 503),
        ("endless", endless.await, 502),
        ("cut", cut.await, 503),
    ] {
        for asked in ALL {
            let upstream = pongs().await;
            let gate = before(&upstream, good.credentials(asked, &url)).await;
            is_refused(&gate, &upstream, expected, &format!("{case}, {asked:?}")).await;
        }
    }
}

/// RFC 6749 §5.1: `expires_in` is a hint. Nonsense is none, and asks nobody without end.
#[tokio::test]
async fn rfc6749_5_1_a_lifetime_that_is_none_is_not_believed() {
    let good = Good::start().await;
    for lifetime in [
        Value::Null,
        json!(0),
        json!(-1),
        json!(i64::MIN),
        json!("soon"),
        json!([]),
        json!(u64::MAX),
        json!(1e300),
        json!("99999999999999999999999999"),
    ] {
        let body = gives(&json!({"expires_in": lifetime}));
        let issuer = Upstream::new(move |_| json(&body)).await;
        for asked in [Asked::ForItself, Asked::Exchange, Asked::ByAssertion] {
            let upstream = pongs().await;
            let gate = before(&upstream, good.credentials(asked, &issuer.url)).await;
            let before = issuer.arrived().len();
            for _ in 0..3 {
                assert_eq!(gate.call(&ping()).await.status(), 200, "{lifetime}");
            }
            for arrived in upstream.arrived() {
                assert_eq!(arrived.header("authorization"), Some("Bearer given"));
            }
            assert_eq!(issuer.arrived().len() - before, 1, "{lifetime}, {asked:?}");
        }
    }
}

/// A server that repeats what it was sent does not get it into the log.
#[tokio::test]
async fn what_a_refusal_repeats_is_not_logged() {
    let good = Good::start().await;
    let hostile = Upstream::new(|arrived| {
        let sent = String::from_utf8_lossy(&arrived.body).into_owned();
        let header = arrived.header("authorization").unwrap_or_default();
        let said = json!({
            "error": "invalid_client", "error_description": format!("{sent} {header} {SECRET}"),
        });
        whole(401, "application/json", said.to_string())
    })
    .await;
    for asked in ALL {
        let upstream = pongs().await;
        let gate = before(&upstream, good.credentials(asked, &hostile.url)).await;
        is_refused(&gate, &upstream, 502, &format!("{asked:?}")).await;
    }
}
